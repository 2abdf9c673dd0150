package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// Of caps.go.
const accountFiles, accountDirs, accountUnlinked = 4096, 1024, 1024

// twoHomes is alice and bob, each with a home of the same files.
func twoHomes(t testing.TB, files ...string) (policy.Input, map[string]policy.IDs) {
	in, ids := home(tree(t, files...), nil)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(tree(t, files...))}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	return in, ids
}

// openMany opens with open until that fails, and returns what it has opened.
func openMany(t *testing.T, most int, open func(i int) (int, error)) (fds []int, err error) {
	t.Helper()
	for i := range most {
		fd, err := open(i)
		if err != nil {
			return fds, err
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

func closeFDs(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// TestCaps: an account that opens as much as it can gets EMFILE, another opens
// what it wants, and what is closed may be opened again.
func TestCaps(t *testing.T) {
	in, ids := twoHomes(t, "f", "d/")
	m := mount(t, in, ids)
	for _, tt := range []struct {
		name  string
		flags int
		cap   fs.CapKind
		most  int
	}{
		{"f", unix.O_RDONLY, fs.CapFiles, accountFiles},
		{"d", unix.O_RDONLY | unix.O_DIRECTORY, fs.CapDirs, accountDirs},
	} {
		open := func(account string) func(int) (int, error) {
			return func(int) (int, error) {
				return unix.Open(filepath.Join(m.point, account, tt.name), tt.flags|unix.O_CLOEXEC, 0)
			}
		}
		var held []int
		as(aliceUID, func() {
			var err error
			if held, err = openMany(t, tt.most+1, open("alice")); errnoOf(err) != unix.EMFILE || len(held) != tt.most {
				t.Errorf("%s: %d opened, then %v, want %d and EMFILE", tt.name, len(held), err, tt.most)
			}
			if tt.cap == fs.CapFiles {
				_, err := os.OpenFile(filepath.Join(m.point, "alice", "new"), os.O_CREATE|os.O_WRONLY, 0o644)
				if errnoOf(err) != unix.EMFILE {
					t.Errorf("create beyond the cap = %v, want EMFILE", err)
				}
				if err := unix.Lstat(filepath.Join(m.point, "alice", "new"), new(unix.Stat_t)); err != unix.ENOENT {
					t.Errorf("what could not be opened was made all the same: %v", err)
				}
			}
		})
		if n := m.Stats().Refused[tt.cap]; n == 0 {
			t.Errorf("%s: no refusal was counted", tt.name)
		}
		as(bobUID, func() {
			fds, err := openMany(t, 100, open("bob"))
			if err != nil {
				t.Errorf("bob opens %s: %v", tt.name, err)
			}
			closeFDs(fds)
		})
		closeFDs(held)
		waitFor(t, func() bool { return m.OpenHandles() == 0 })
		as(aliceUID, func() {
			fd, err := open("alice")(0)
			if err != nil {
				t.Errorf("%s: open after all was closed: %v", tt.name, err)
				return
			}
			unix.Close(fd)
		})
	}
}

// TestUnlinkedCap: files that are unlinked while they are open keep a
// descriptor; beyond the cap they are not unlinked rather than lost.
func TestUnlinkedCap(t *testing.T) {
	in, ids := twoHomes(t)
	m := mount(t, in, ids)
	name := func(account string, i int) string { return filepath.Join(m.point, account, fmt.Sprint(i)) }
	gone := func(account string) func(int) (int, error) {
		return func(i int) (int, error) {
			fd, err := unix.Open(name(account, i), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
			if err != nil {
				return fd, err
			}
			if _, err = unix.Pwrite(fd, []byte{byte(i)}, 0); err == nil {
				err = unix.Unlink(name(account, i))
			}
			if err != nil {
				unix.Close(fd)
			}
			return fd, err
		}
	}
	var held []int
	as(aliceUID, func() {
		var err error
		if held, err = openMany(t, accountUnlinked+1, gone("alice")); errnoOf(err) != unix.EBUSY || len(held) != accountUnlinked {
			t.Errorf("%d unlinked while open, then %v, want %d and EBUSY", len(held), err, accountUnlinked)
		}
		if got := readAll(t, name("alice", accountUnlinked)); got != "\x00" {
			t.Errorf("the file that was not unlinked holds %q", got)
		}
		for i, fd := range held {
			b := []byte{0xff}
			if _, err := unix.Pread(fd, b, 0); err != nil || b[0] != byte(i) {
				t.Fatalf("unlinked file %d holds %#x, %v", i, b, err)
			}
		}
	})
	as(bobUID, func() {
		fds, err := openMany(t, 10, gone("bob"))
		if err != nil {
			t.Errorf("bob: %v", err)
		}
		closeFDs(fds)
	})
	closeFDs(held)
	waitFor(t, func() bool { return m.OpenHandles() == 0 })
	as(aliceUID, func() {
		if err := unix.Unlink(name("alice", accountUnlinked)); err != nil {
			t.Errorf("unlink after all was closed: %v", err)
		}
		fd, err := gone("alice")(0)
		if err != nil {
			t.Errorf("unlink while open, after all was closed: %v", err)
		}
		unix.Close(fd)
	})
}
