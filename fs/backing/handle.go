package backing

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Handle is a file handle of one file system: its type in four bytes, then its
// opaque bytes. The empty Handle means that the file system has none.
type Handle string

// maxHandle is MAX_HANDLE_SZ of open_by_handle_at(2).
const maxHandle = 128

type rawHandle struct {
	bytes uint32
	typ   int32
	data  [maxHandle]byte
}

func handleAt(dir int, name unsafe.Pointer, flags int) (Handle, int32, syscall.Errno) {
	var h rawHandle
	var mount int32
	h.bytes = maxHandle
	_, _, e := unix.Syscall6(unix.SYS_NAME_TO_HANDLE_AT, uintptr(dir), uintptr(name), uintptr(unsafe.Pointer(&h)), uintptr(unsafe.Pointer(&mount)), uintptr(flags), 0)
	if e != 0 {
		return "", 0, e
	}
	return Handle(unsafe.Slice((*byte)(unsafe.Pointer(&h.typ)), 4+h.bytes)), mount, 0
}

// HandleAt returns the handle of the object called name in dir, never
// following a symlink.
func HandleAt(dir int, name Name) (Handle, syscall.Errno) {
	h, _, e := handleAt(dir, name.ptr(), 0)
	return h, e
}

// HandleFD returns the handle of the object that fd refers to.
func HandleFD(fd int) (Handle, syscall.Errno) {
	h, _, e := handleAt(fd, unsafe.Pointer(&emptyPath), unix.AT_EMPTY_PATH)
	return h, e
}

// openHandle opens h with open_by_handle_at(2); mount is any open descriptor of
// its mount.
func openHandle(mount int, h Handle, flags int) (int, syscall.Errno) {
	if len(h) < 4 || len(h) > maxHandle+4 {
		return -1, syscall.ESTALE
	}
	var raw rawHandle
	raw.bytes = uint32(len(h) - 4)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&raw.typ)), 4+maxHandle), h)
	for {
		fd, _, e := unix.Syscall(unix.SYS_OPEN_BY_HANDLE_AT, uintptr(mount), uintptr(unsafe.Pointer(&raw)), uintptr(flags|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_LARGEFILE))
		if e == syscall.EINTR {
			continue
		}
		if e != 0 {
			return -1, e
		}
		return int(fd), 0
	}
}
