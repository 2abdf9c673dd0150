package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FUSE_DEV_IOC_BACKING_OPEN and _CLOSE of linux/fuse.h.
const (
	iocBackingOpen  = 0x4010e501 // _IOW(229, 1, struct fuse_backing_map)
	iocBackingClose = 0x4004e502 // _IOW(229, 2, uint32_t)
)

// OpenBacking registers the file that fd (O_PATH is enough) refers to and
// returns its backing id. ELOOP: its file system is stacked; EPERM,
// EOPNOTSUPP: no passthrough here.
func (c *Conn) OpenBacking(fd int) (int32, syscall.Errno) {
	m := struct {
		fd      int32
		flags   uint32
		padding uint64
	}{fd: int32(fd)}
	id, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), iocBackingOpen, uintptr(unsafe.Pointer(&m)))
	if e != 0 {
		return 0, e
	}
	c.backings.Add(1)
	return int32(id), 0
}

// CloseBacking gives a backing id back; opens that use it are not disturbed.
func (c *Conn) CloseBacking(id int32) syscall.Errno {
	_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), iocBackingClose, uintptr(unsafe.Pointer(&id)))
	if e == 0 {
		c.backings.Add(-1)
	}
	return e
}
