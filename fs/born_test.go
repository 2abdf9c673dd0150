package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// born are the ways by which something new comes into a directory.
var born = []struct {
	name string
	kind uint32
	run  func(view, name string) error
}{
	{"create", unix.S_IFREG, func(view, name string) error {
		return opened(filepath.Join(view, "b", name), unix.O_CREAT|unix.O_EXCL|unix.O_RDWR, none)
	}},
	{"create to read", unix.S_IFREG, func(view, name string) error {
		return opened(filepath.Join(view, "b", name), unix.O_CREAT|unix.O_RDONLY, none)
	}},
	{"mknod", unix.S_IFREG, func(view, name string) error {
		return unix.Mknod(filepath.Join(view, "b", name), unix.S_IFREG|0o600, 0)
	}},
	{"mkdir", unix.S_IFDIR, func(view, name string) error { return unix.Mkdir(filepath.Join(view, "b", name), 0o700) }},
	{"symlink", unix.S_IFLNK, func(view, name string) error { return unix.Symlink("x", filepath.Join(view, "b", name)) }},
	{"copy", unix.S_IFREG, func(view, name string) error {
		return copied(filepath.Join(view, "a/f"), filepath.Join(view, "b", name), 3)
	}},
	{"rename from elsewhere", unix.S_IFREG, func(view, name string) error {
		if err := unix.Mknod(filepath.Join(view, "a", name), unix.S_IFREG|0o600, 0); err != nil {
			return err
		}
		return unix.Rename(filepath.Join(view, "a", name), filepath.Join(view, "b", name))
	}},
}

// TestBornRight makes things in every way under a umask that leaves nothing to
// others, while somebody beside the mount looks: owner, group and mode are those
// of product.md §8 whenever there is something to see.
func TestBornRight(t *testing.T) {
	a, b := tree(t, "f"), tree(t)
	if err := os.Chmod(b, 0o750|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	m := twoFolders(t, policy.Folder{Source: set(a)},
		policy.Folder{Source: set(b), Owner: set("x:y"), OwnerIDs: &policy.IDs{UID: 71, GID: groupGID}, GroupWrite: set(true)})
	want := map[uint32]uint32{unix.S_IFREG: 0o660, unix.S_IFDIR: 0o2770, unix.S_IFLNK: 0o777}
	for _, way := range born {
		t.Run(way.name, func(t *testing.T) {
			stop := watch(t, func() []string { return must(filepath.Glob(b + "/*")) }, func(st *unix.Stat_t) bool {
				kind, mode := st.Mode&unix.S_IFMT, st.Mode&0o7777
				if way.name == "rename from elsewhere" && mode&^want[kind] == 0 {
					mode = want[kind] // on the way it may have less
				}
				return kind == way.kind && st.Uid == 71 && st.Gid == groupGID && mode == want[kind]
			})
			defer stop()
			as(aliceUID, func() {
				// The umask of this thread alone, which ends afterwards.
				if err := unix.Unshare(unix.CLONE_FS); err != nil {
					t.Error(err)
					return
				}
				unix.Umask(0o077)
				for i := range 60 {
					if err := way.run(filepath.Join(m.point, "alice"), fmt.Sprint(i)); err != nil {
						t.Errorf("%s %d: %v", way.name, i, err)
						return
					}
				}
			})
			for _, e := range must(os.ReadDir(b)) {
				st := lstat(t, filepath.Join(b, e.Name()))
				if st.Uid != 71 || st.Gid != groupGID || st.Mode != way.kind|want[way.kind] {
					t.Errorf("%s is %o %d:%d on disk, want %o 71:%d", e.Name(), st.Mode, st.Uid, st.Gid, way.kind|want[way.kind], groupGID)
				}
			}
			stop()
			for _, e := range must(os.ReadDir(b)) {
				if err := os.Remove(filepath.Join(b, e.Name())); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
