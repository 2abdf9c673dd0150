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

// abort ends the connection through FUSE's control file system, which need not
// be mounted anywhere: it is opened here.
func (c *Conn) abort() error {
	if c.number == 0 {
		return nil
	}
	fd, err := openControl()
	if err != nil {
		return fmt.Errorf("open the control file system of FUSE: %w", err)
	}
	defer unix.Close(fd)
	file, err := unix.Openat(fd, fmt.Sprintf("%d/abort", c.number), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ENOENT) {
		return nil // it has ended
	}
	if err == nil {
		_, err = unix.Write(file, []byte("1"))
		unix.Close(file)
	}
	if err != nil {
		return fmt.Errorf("end the connection of %s: %w", c.point, err)
	}
	return nil
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
