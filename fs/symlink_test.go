package fs_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestSymlinks puts links of every kind into the backing and makes them through
// the view: only those whose text stays below the mount's root are there.
func TestSymlinks(t *testing.T) {
	dir := tree(t, "f", "sub/", "sub/deep/")
	for name, text := range map[string]string{
		"good": "f", "sub/up": "../f", "sub/deep/up2": "../../f", "dangling": "nowhere",
		"abs": "/etc/passwd", "out": "../x", "sub/out": "../../x", "sub/deep/out": "a/../../../../x",
	} {
		if err := os.Symlink(text, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		for d, want := range map[string][]string{
			"":         {"dangling", "f", "good", "sub"},
			"sub":      {"deep", "up"},
			"sub/deep": {"up2"},
		} {
			if got := names(t, filepath.Join(view, d)); !slices.Equal(got, want) {
				t.Errorf("list %q = %v, want %v", d, got, want)
			}
		}
		for _, name := range []string{"abs", "out", "sub/out", "sub/deep/out"} {
			if to, err := os.Readlink(filepath.Join(view, name)); errnoOf(err) != ENOENT {
				t.Errorf("readlink %s = %q, %v, want ENOENT", name, to, err)
			}
			if err := os.Symlink("f", filepath.Join(view, name)); errnoOf(err) != EACCES {
				t.Errorf("create over the hidden %s = %v, want EACCES", name, err)
			}
			if err := os.WriteFile(filepath.Join(view, name), nil, 0o644); errnoOf(err) != EACCES {
				t.Errorf("write over the hidden %s = %v, want EACCES", name, err)
			}
		}
		for _, name := range []string{"good", "sub/up", "sub/deep/up2"} {
			if got := readAll(t, filepath.Join(view, name)); got != "content of f\n" {
				t.Errorf("through %s: %q", name, got)
			}
		}
		// A link that stays where it lies would leave the mount one level up.
		if err := os.Rename(filepath.Join(view, "sub/deep/up2"), filepath.Join(view, "sub/up2")); errnoOf(err) != EACCES {
			t.Errorf("move a link to where it would leave the mount = %v, want EACCES", err)
		}
		if err := os.Rename(filepath.Join(view, "sub/up"), filepath.Join(view, "sub/deep/up")); err != nil {
			t.Errorf("move a link deeper = %v", err)
		}
	})
	if _, err := os.Lstat(filepath.Join(dir, "sub/deep/up2")); err != nil {
		t.Error(err)
	}
}
