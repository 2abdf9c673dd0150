package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// overlay mounts lower as an overlayfs, which has no file handles and can't back
// a passthrough, until the test ends.
func overlay(t *testing.T, lower string) string {
	t.Helper()
	dir := openDir(t)
	upper, work, merged := filepath.Join(dir, "upper"), filepath.Join(dir, "work"), filepath.Join(dir, "merged")
	for _, d := range []string{upper, work, merged} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The root of the overlay is upper's: it says who owns what is made.
	if err := os.Chown(upper, ownerUID, groupGID); err != nil {
		t.Fatal(err)
	}
	options := "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(merged, 0); err != nil {
			t.Errorf("unmount the overlay: %v", err)
		}
	})
	r, err := backing.OpenRoot(merged)
	if err != nil {
		t.Fatal(err)
	}
	handles := r.HasHandles()
	r.Close()
	if handles {
		t.Fatal("this overlayfs has file handles: the test shows nothing")
	}
	return merged
}

// TestSourceWithoutHandles serves a source on overlayfs.
func TestSourceWithoutHandles(t *testing.T) {
	merged := overlay(t, tree(t, "f", "sub/", "sub/g"))
	in, ids := home(merged, nil)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		if got := names(t, view); !slices.Equal(got, []string{"f", "sub"}) {
			t.Errorf("the view shows %v", got)
		}
		if got := readAll(t, filepath.Join(view, "sub/g")); got != "content of sub/g\n" {
			t.Errorf("sub/g holds %q", got)
		}
		for what, err := range map[string]error{
			"overwrite": os.WriteFile(filepath.Join(view, "f"), []byte("over"), 0o644),
			"create":    os.WriteFile(filepath.Join(view, "sub/new"), []byte("new"), 0o644),
			"mkdir":     os.Mkdir(filepath.Join(view, "dir"), 0o755),
			"rename":    os.Rename(filepath.Join(view, "sub/g"), filepath.Join(view, "moved")),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if got := readAll(t, filepath.Join(view, "f")); got != "over" {
			t.Errorf("f holds %q", got)
		}
		if err := os.Remove(filepath.Join(view, "moved")); err != nil {
			t.Error(err)
		}
		if err := exchange(filepath.Join(view, "f"), filepath.Join(view, "sub/new")); err != nil {
			t.Errorf("exchange: %v", err)
		}
		if got := readAll(t, filepath.Join(view, "f")) + readAll(t, filepath.Join(view, "sub/new")); got != "newover" {
			t.Errorf("the view has exchanged to %q", got)
		}
		if err := copied(filepath.Join(view, "f"), filepath.Join(view, "dir/copy"), 3); err != nil {
			t.Errorf("copy: %v", err)
		}
	})
	if got := readAll(t, filepath.Join(merged, "f")) + readAll(t, filepath.Join(merged, "dir/copy")); got != "newnew" {
		t.Errorf("the backing holds %q", got)
	}
	if got := names(t, merged); !slices.Equal(got, []string{"dir", "f", "sub"}) {
		t.Errorf("the backing shows %v", got)
	}
	if st := lstat(t, filepath.Join(merged, "sub/new")); st.Uid != ownerUID || st.Gid != groupGID || st.Mode != unix.S_IFREG|0o664 {
		t.Errorf("sub/new is %o %d:%d", st.Mode, st.Uid, st.Gid)
	}
}

// TestSuccessionWithoutHandles: a process that takes over finds the root of a
// mount, and what lies below, although nothing there has a handle.
func TestSuccessionWithoutHandles(t *testing.T) {
	merged := overlay(t, tree(t, "f", "sub/", "sub/g"))
	in, ids := home(tree(t), func(a *policy.Account) {
		a.VirtualFolders = []policy.Mounting{{Folder: set("media"), Path: set("/media")}}
	})
	in.Folders = append(in.Folders, policy.Folder{Name: "media", Source: set(merged)})
	k := keepMount(t, in, ids)
	view := filepath.Join(k.opt.Point, "alice")
	sub := keep(t, filepath.Join(view, "media/sub"))
	root := keep(t, filepath.Join(view, "media"))
	for range 2 {
		k.next()
		as(aliceUID, func() {
			for fd, want := range map[int][]string{root: {"f", "sub"}, sub: {"g"}} {
				if got := names(t, fmt.Sprintf("/proc/self/fd/%d", fd)); !slices.Equal(got, want) {
					t.Errorf("the successor lists %v, want %v", got, want)
				}
			}
			if got := readAll(t, filepath.Join(view, "media/sub/g")); got != "content of sub/g\n" {
				t.Errorf("it reads %q", got)
			}
		})
	}
}
