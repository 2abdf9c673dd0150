package fs_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
)

// TestUnmountWithSessions ends a mount that a session is inside of, once by
// itself and once after somebody else has detached it. That Serve returns is
// seen by mount's cleanup.
func TestUnmountWithSessions(t *testing.T) {
	for name, before := range map[string]func(point string) error{
		"by itself":        func(string) error { return nil },
		"detached already": func(point string) error { return unix.Unmount(point, unix.MNT_DETACH) },
	} {
		t.Run(name, func(t *testing.T) {
			in, ids := home(tree(t, "f"), mediated)
			m := mount(t, in, ids)
			var fd int
			as(aliceUID, func() {
				var err error
				if fd, err = unix.Open(filepath.Join(m.point, "alice", "f"), unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
					t.Error(err)
				}
			})
			t.Cleanup(func() { unix.Close(fd) })
			if err := before(m.point); err != nil {
				t.Fatal(err)
			}
			if err := m.Unmount(); err != nil {
				t.Errorf("Unmount: %v", err)
			}
			if _, err := unix.Pwrite(fd, []byte("x"), 0); err == nil {
				t.Error("the session still writes")
			}
		})
	}
}

// TestUnmountLeavesOthers: a mount that somebody else has taken away may have
// left its number to the next one, which must not suffer when its own daemon
// unmounts it too.
func TestUnmountLeavesOthers(t *testing.T) {
	for range 20 { // the number is given to whoever comes next on this machine
		point := openDir(t)
		first, err := kernel.Mount(point)
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Start(); err != nil {
			t.Fatal(err)
		}
		if err := unix.Unmount(point, 0); err != nil {
			t.Fatal(err)
		}
		next := hang(t)
		if err := errors.Join(first.Unmount(), first.Close()); err != nil {
			t.Error(err)
		}
		if err := unix.Statx(unix.AT_FDCWD, next.point, unix.AT_STATX_FORCE_SYNC, unix.STATX_ALL, new(unix.Statx_t)); err != nil {
			t.Fatalf("the next mount: %v", err)
		}
	}
}
