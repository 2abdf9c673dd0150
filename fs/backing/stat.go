package backing

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Stat is the result of statx(2).
type Stat = unix.Statx_t

const (
	statMask  = unix.STATX_BASIC_STATS | unix.STATX_BTIME | unix.STATX_MNT_ID
	statFlags = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
)

var emptyPath = [1]byte{}

// StatAt fills st for the object called name in dir, never following a symlink.
func StatAt(dir int, name Name, st *Stat) syscall.Errno {
	return statx(dir, name.ptr(), statFlags, st)
}

// StatFD fills st for the object that fd refers to.
func StatFD(fd int, st *Stat) syscall.Errno {
	return statx(fd, unsafe.Pointer(&emptyPath), statFlags|unix.AT_EMPTY_PATH, st)
}

func statx(dir int, name unsafe.Pointer, flags int, st *Stat) syscall.Errno {
	_, _, e := unix.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(name), uintptr(flags), statMask, uintptr(unsafe.Pointer(st)), 0)
	return e
}

// Dev returns the device number that st lies on, as stat(2) encodes it.
func Dev(st *Stat) uint64 { return unix.Mkdev(st.Dev_major, st.Dev_minor) }
