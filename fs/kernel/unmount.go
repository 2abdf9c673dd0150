package kernel

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How long a session that is just leaving is waited for.
const (
	unmountTries = 5
	unmountPause = 50 * time.Millisecond
)

// Unmount takes the mount away. While a process stays inside it is detached.
// The connection is ended in any case, and with it every request and every
// reader: another mount namespace may still hold the mount, or somebody may
// have detached it already. Safe to call more than once.
func (c *Conn) Unmount() error {
	err := unix.Unmount(c.point, 0)
	for range unmountTries {
		if err != unix.EBUSY {
			break
		}
		time.Sleep(unmountPause)
		err = unix.Unmount(c.point, 0)
	}
	if err == unix.EBUSY {
		err = unix.Unmount(c.point, unix.MNT_FORCE|unix.MNT_DETACH)
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOENT) {
		err = nil // it is no mount point any more
	}
	if err != nil {
		err = fmt.Errorf("unmount %s: %w", c.point, err)
	}
	return errors.Join(err, c.abort())
}

// abort ends the connection through the control file system of FUSE.
func (c *Conn) abort() error {
	if c.number == 0 {
		return nil
	}
	path := fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", c.number)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it has ended
	}
	if err == nil {
		_, err = f.WriteString("1")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("end the connection of %s: %w", c.point, err)
	}
	return nil
}
