package fs_test

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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
