package hostfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree returns the files below dir with their modes and texts.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		found[path] = info.Mode().String()
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			found[path] += " " + string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fine() error { return nil }

// install plans and writes files and returns the changes.
func install(t *testing.T, files ...File) []Change {
	t.Helper()
	changes, err := Install(files)
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(changes, fine); err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestInstallAndRemove(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/theirs.conf", "x\n")
	before := tree(t, dir)
	files := []File{
		{dir + "/a.conf", []byte("a\n"), 0o644},
		{dir + "/ssh.service.d/b.conf", []byte("b\n"), 0o600},
	}
	if n := len(install(t, files...)); n != 2 {
		t.Errorf("%d changes, want 2", n)
	}
	if got := tree(t, dir)[dir+"/a.conf"]; got != "-rw-r--r-- "+string(Stamp([]byte("a\n"))) {
		t.Errorf("installed %q", got)
	}
	if again := install(t, files...); again != nil {
		t.Errorf("a second time there is something to do: %v", again)
	}
	files[0].Text = []byte("a\nmore\n")
	changes := install(t, files...)
	if len(changes) != 1 || !strings.Contains(changes[0].Diff(), "\n a\n+more\n") {
		t.Errorf("changes = %v, want the one line that is new", changes)
	}
	if err := os.Chmod(files[1].Path, 0o666); err != nil {
		t.Fatal(err)
	}
	if changes := install(t, files...); len(changes) != 1 || tree(t, dir)[files[1].Path][:10] != "-rw-------" {
		t.Errorf("changes = %v, want the mode mended", changes)
	}
	gone, err := Remove([]string{files[0].Path, files[1].Path, dir + "/theirs.conf", dir + "/none"})
	if err != nil || len(gone) != 2 {
		t.Fatalf("Remove = %v, %v, want the two that were installed", gone, err)
	}
	if err := Write(gone, fine); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("after the removal (-before +after):\n%s", diff)
	}
}

// TestKept leaves alone what is not as it was written.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	text := []byte("a\n")
	tests := []struct {
		name, there string
		kept        string // at an installation
		removal     int    // changes
	}{
		{"as written", string(Stamp([]byte("old\n"))), "", 1},
		{"as printed", "a\n", "", 0},
		{"edited", string(Stamp([]byte("old\n"))) + "mine\n", "it was edited since grantfs wrote it", 1},
		{"stamp edited", strings.Replace(string(Stamp(text)), " of ", " or ", 1), "it was edited since grantfs wrote it", 1},
		{"somebody's", "b\n", "grantfs has not written it", 0},
		{"empty", "", "grantfs has not written it", 0},
		{"no line end", "# sha256 ", "grantfs has not written it", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, "file")
			write(t, path, tt.there)
			changes, err := Install([]File{{path, text, 0o644}})
			if err != nil || len(changes) != 1 || changes[0].Kept != tt.kept {
				t.Fatalf("Install = %v, %v, want it kept: %q", changes, err, tt.kept)
			}
			gone, err := Remove([]string{path})
			if err != nil || len(gone) != tt.removal {
				t.Errorf("Remove = %v, %v, want %d", gone, err, tt.removal)
			}
			if tt.kept == "" {
				return
			}
			for _, plan := range [][]Change{changes, gone} {
				if err := Write(plan, fine); err != nil {
					t.Fatal(err)
				}
			}
			if got := tree(t, dir)[path]; got != "-rw-r--r-- "+tt.there {
				t.Errorf("it is now %q", got)
			}
		})
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("/etc/passwd", link); err != nil {
		t.Fatal(err)
	}
	changes, err := Install([]File{{link, text, 0o644}})
	if err != nil || len(changes) != 1 || changes[0].Kept == "" {
		t.Errorf("Install over a link = %v, %v, want it kept", changes, err)
	}
}

// TestRollback puts everything back: when the check fails, and when a file can't
// be written.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	install(t, File{dir + "/a", []byte("a\n"), 0o600})
	before := tree(t, dir)
	files := []File{
		{dir + "/a", []byte("new\n"), 0o644},
		{dir + "/x.service.d/b", []byte("b\n"), 0o644},
	}
	changes, err := Install(files)
	if err != nil {
		t.Fatal(err)
	}
	bad := errors.New("not accepted")
	seen := false
	err = Write(changes, func() error {
		_, err := os.Stat(files[1].Path)
		seen = err == nil
		return bad
	})
	if !errors.Is(err, bad) || !seen {
		t.Errorf("Write = %v, files seen by the check: %v", err, seen)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("after a failed check (-before +after):\n%s", diff)
	}
	files[1].Path = dir + "/none/none/b"
	if changes, err = Install(files); err != nil {
		t.Fatal(err)
	}
	if err := Write(changes, fine); err == nil {
		t.Error("Write to a directory that is not there = nil")
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("after a failed write (-before +after):\n%s", diff)
	}
}
