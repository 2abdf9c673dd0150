package adopt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	owner    = 1001
	web      = 33
	php      = 1003
	stranger = 1004
)

// tree is a site in a temporary directory, as one BOA account left it.
func tree(t *testing.T) (top string) {
	t.Helper()
	top = t.TempDir()
	make := func(name string, uid, gid int, mode uint32, do func(path string) error) {
		t.Helper()
		path := filepath.Join(top, name)
		if err := do(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSymlink {
			if err := syscall.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := func(path string) error { return os.Mkdir(path, 0o700) }
	file := func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	make("outside", stranger, 100, 0o644, file)
	make("beside", stranger, 100, 0o755, dir)
	make("beside/x", stranger, 100, 0o644, file)
	make("site", owner, owner, 0o755, dir)
	make("site/files", owner, web, 0o2775, dir)
	make("site/files/ours", owner, web, 0o644, file)
	make("site/files/php", php, web, 0o644, file)
	make("site/files/theirs", stranger, 100, 0o4755, file)
	make("site/files/private", stranger, 100, 0o600, file)
	make("site/files/dir", stranger, 100, 0o755, dir)
	make("site/files/dir/deep", stranger, 100, 0o666, file)
	make("site/files/away", stranger, 100, 0, link("../../beside"))
	make("site/files/also", stranger, 100, 0o644, func(path string) error { return os.Link(top+"/outside", path) })
	make("site/files/pipe", stranger, 100, 0o600, func(path string) error { return syscall.Mkfifo(path, 0o600) })
	return top
}

// listing is the owner, group and mode of everything below top.
func listing(t *testing.T, top string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == top {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		list = append(list, fmt.Sprintf("%s %d:%d %o", strings.TrimPrefix(path, top+"/"), st.Uid, st.Gid, st.Mode&0o7777))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTree(t *testing.T) {
	top := tree(t)
	before := listing(t, top)
	for _, dry := range []bool{true, false} {
		var changed, skipped []string
		err := Tree(t.Context(), top+"/site", Options{
			Owner: owner, Stranger: func(uid uint32) bool { return uid == stranger }, DryRun: dry,
			Changed: func(c Change) {
				changed = append(changed, fmt.Sprintf("%s %d:%d %o", strings.TrimPrefix(c.Path, top+"/site/files/"), c.ToUID, c.ToGID, c.ToMode))
			},
			Skipped: func(path string, why error) {
				skipped = append(skipped, strings.TrimPrefix(path, top+"/site/files/")+": "+why.Error())
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(changed)
		slices.Sort(skipped)
		if diff := cmp.Diff([]string{"away 1001:33 777", "dir 1001:33 2775", "dir/deep 1001:33 664", "private 1001:33 660", "theirs 1001:33 775"}, changed); diff != "" {
			t.Errorf("changed, dry run %v (-want +got):\n%s", dry, diff)
		}
		if diff := cmp.Diff([]string{"also: " + ErrNames.Error(), "pipe: " + ErrKind.Error()}, skipped); diff != "" {
			t.Errorf("skipped, dry run %v (-want +got):\n%s", dry, diff)
		}
		want := before
		if !dry {
			want = []string{
				"beside 1004:100 755", "beside/x 1004:100 644", "outside 1004:100 644",
				"site 1001:1001 755", "site/files 1001:33 2775",
				"site/files/also 1004:100 644", "site/files/away 1001:33 777",
				"site/files/dir 1001:33 2775", "site/files/dir/deep 1001:33 664",
				"site/files/ours 1001:33 644", "site/files/php 1003:33 644", "site/files/pipe 1004:100 600",
				"site/files/private 1001:33 660", "site/files/theirs 1001:33 775",
			}
		}
		if diff := cmp.Diff(want, listing(t, top)); diff != "" {
			t.Errorf("on disk, dry run %v (-want +got):\n%s", dry, diff)
		}
	}
}

// TestTreeThroughLink: the directory itself must be reached without a link.
func TestTreeThroughLink(t *testing.T) {
	top := tree(t)
	if err := os.Symlink("beside", top+"/link"); err != nil {
		t.Fatal(err)
	}
	err := Tree(t.Context(), top+"/link", Options{Owner: owner, Stranger: func(uint32) bool { return true }})
	if !errors.Is(err, syscall.ELOOP) {
		t.Errorf("Tree of a link: %v, want %v", err, syscall.ELOOP)
	}
}

// TestInterrupted ends between two objects: what was told of is done, the rest is
// as it was, and nothing more is called skipped.
func TestInterrupted(t *testing.T) {
	top := tree(t)
	ctx, cancel := context.WithCancel(t.Context())
	changed := 0
	err := Tree(ctx, top+"/site", Options{
		Owner: owner, Stranger: func(uid uint32) bool { return uid == stranger },
		Changed: func(Change) { changed++; cancel() },
		Skipped: func(path string, why error) {
			if ctx.Err() != nil {
				t.Errorf("skipped %s: %v", path, why)
			}
		},
	})
	if !errors.Is(err, context.Canceled) || changed != 1 {
		t.Errorf("Tree = %v after %d changes, want it to end after one", err, changed)
	}
	left := 0
	for _, line := range listing(t, top+"/site") {
		if strings.Contains(line, fmt.Sprintf(" %d:", stranger)) {
			left++
		}
	}
	if want := 7 - 1; left != want {
		t.Errorf("%d objects are the stranger's still, want %d", left, want)
	}
}
