package fs_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/node"
)

// dig makes directories called d beneath one another below dir and gives each to
// the account.
func dig(t *testing.T, dir string, depth int) {
	t.Helper()
	if _, err := descend(dir, depth, func(fd int) error {
		if err := unix.Mkdirat(fd, "d", 0o755); err != nil {
			return err
		}
		return unix.Fchownat(fd, "d", ownerUID, groupGID, unix.AT_SYMLINK_NOFOLLOW)
	}, func(int) {}); err != nil {
		t.Fatal(err)
	}
}

// descend goes down from dir by the name d, at most so many steps, does before at
// each, and then at, with a descriptor of where it got to. It returns how many steps
// that were, and what ended it before.
func descend(dir string, most int, before func(fd int) error, at func(fd int)) (steps int, err error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer func() { unix.Close(fd) }()
	for ; steps < most; steps++ {
		if err = before(fd); err != nil {
			break
		}
		next, e := unix.Openat(fd, "d", unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err = e; err != nil {
			break
		}
		unix.Close(fd)
		fd = next
	}
	at(fd)
	return steps, err
}

func anyway(int) error { return nil }

// TestTooDeep: beyond a depth that no path in one piece has, nothing is shown or
// made; what lies there by a move of a directory above is not reached either, until
// it is moved back.
func TestTooDeep(t *testing.T) {
	dir := tree(t, "f", "half/")
	dig(t, dir, node.MaxDepth+1)
	dig(t, filepath.Join(dir, "half"), 100)
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	var st unix.Stat_t
	as(aliceUID, func() {
		steps, err := descend(view, node.MaxDepth+1, anyway, func(fd int) {
			for what, err := range map[string]error{
				"mkdir":  unix.Mkdirat(fd, "new", 0o755),
				"create": openedAt(fd, "new", unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY),
				"rename": unix.Renameat2(unix.AT_FDCWD, filepath.Join(view, "f"), fd, "new", unix.RENAME_NOREPLACE),
				"stat":   unix.Fstatat(fd, "d", &st, unix.AT_SYMLINK_NOFOLLOW),
			} {
				if err != unix.ENAMETOOLONG {
					t.Errorf("%s at the bottom = %v, want ENAMETOOLONG", what, err)
				}
			}
		})
		if steps != node.MaxDepth || err != unix.ENAMETOOLONG {
			t.Errorf("down %d steps, then %v; want %d and ENAMETOOLONG", steps, err, node.MaxDepth)
		}
	})
	if t.Failed() {
		return
	}
	as(aliceUID, func() {
		down, err := descend(filepath.Join(view, "half"), 100, anyway, func(low int) {
			_, err := descend(view, node.MaxDepth-50, anyway, func(fd int) {
				if err := unix.Renameat(unix.AT_FDCWD, filepath.Join(view, "half"), fd, "half"); err != nil {
					t.Errorf("move half of it: %v", err)
				}
				if err := unix.Mkdirat(low, "new", 0o755); err == nil {
					t.Error("something was made too deep by a descriptor that was moved there")
				}
				if err := unix.Renameat(fd, "half", unix.AT_FDCWD, filepath.Join(view, "half")); err != nil {
					t.Errorf("move it back: %v", err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
		if down != 100 || err != nil {
			t.Errorf("down %d steps, then %v", down, err)
		}
		if down, err := descend(filepath.Join(view, "half"), 100, anyway, func(fd int) {
			if err := unix.Mkdirat(fd, "new", 0o755); err != nil {
				t.Errorf("after it was moved back: %v", err)
			}
		}); down != 100 || err != nil {
			t.Errorf("after it was moved back down %d steps, then %v", down, err)
		}
	})
	if down, err := descend(dir, node.MaxDepth+1, anyway, func(fd int) {
		if err := unix.Fstatat(fd, "new", &st, 0); err != unix.ENOENT {
			t.Errorf("new on disk: %v", err)
		}
	}); down != node.MaxDepth+1 || err != nil {
		t.Errorf("on disk: down %d steps, then %v", down, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "f")); err != nil {
		t.Error(err)
	}
}

// openedAt opens and closes what is called name in dir.
func openedAt(dir int, name string, flags int) error {
	fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC, 0o644)
	if err == nil {
		unix.Close(fd)
	}
	return err
}
