package kernel

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// FSType is the type of our mounts in /proc/self/mountinfo.
const FSType = "fuse.grantfs"

// ErrMounted says that a live grantfs serves the mount point already.
var ErrMounted = errors.New("another grantfs is mounted there")

// Mount mounts a new connection at point, which must be an existing directory,
// with nosuid, nodev, noexec and allow_other, and without default_permissions
// (architecture.md §3.5). A stale mount ("transport endpoint is not connected")
// left there is detached first; a live one is ErrMounted.
func Mount(point string) (*Conn, error) {
	if err := mendStale(point); err != nil {
		return nil, err
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/fuse: %w", err)
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,max_read=%d", fd, MaxTransfer)
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if err := unix.Mount("grantfs", point, FSType, flags, data); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mount %s: %w", point, err)
	}
	c := &Conn{fd: fd, point: point}
	// The number of the connection, read without a request to ourselves.
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, point, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
		return nil, errors.Join(fmt.Errorf("look at the new mount %s: %w", point, err), c.Unmount(), c.Close())
	}
	if c.control, err = openAbort(st.Dev_minor); err != nil {
		return nil, errors.Join(fmt.Errorf("open the control file of the new mount %s: %w", point, err), c.Unmount(), c.Close())
	}
	return c, nil
}

// mendStale detaches a dead grantfs mount at point, however many lie there.
func mendStale(point string) error {
	for range 16 {
		// What the kernel remembers of a dead daemon looks alive: ask anew.
		var st unix.Statx_t
		err := unix.Statx(unix.AT_FDCWD, point, unix.AT_STATX_FORCE_SYNC, unix.STATX_TYPE|unix.STATX_SIZE, &st)
		if errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNABORTED) {
			if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
				return fmt.Errorf("detach the stale mount at %s: %w", point, err)
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("look at mount point %s: %w", point, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return fmt.Errorf("mount point %s: %w", point, syscall.ENOTDIR)
		}
		mounted, err := isMounted(point)
		if err != nil {
			return err
		}
		if mounted {
			return fmt.Errorf("mount %s: %w", point, ErrMounted)
		}
		return nil
	}
	return fmt.Errorf("mount %s: stale mounts keep coming", point)
}

// isMounted looks for a grantfs mount at point.
func isMounted(point string) (bool, error) {
	mounts, err := Mounts("/proc/self/mountinfo")
	return slices.Contains(mounts, MountLine{point, FSType}), err
}
