package kernel

import (
	"errors"
	"fmt"
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

// abort ends the connection. The file belongs to this connection alone: its
// number is another's as soon as the mount is gone.
func (c *Conn) abort() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.control == 0 {
		return nil
	}
	if _, err := unix.Write(c.control, []byte("1")); err != nil {
		return fmt.Errorf("end the connection of %s: %w", c.point, err)
	}
	return nil
}

// openAbort opens the abort file of a connection that is mounted, by its number,
// in FUSE's control file system, which need not be mounted anywhere.
func openAbort(number uint32) (int, error) {
	fd, err := openControl()
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	file, err := unix.Openat(fd, fmt.Sprintf("%d/abort", number), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	return file, nil
}

// openControl returns the root of fusectl as a mount that is attached nowhere
// (fsmount(2)).
func openControl() (int, error) {
	fs, err := unix.Fsopen("fusectl", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
}
