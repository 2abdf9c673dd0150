package backing

import (
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inlineHandle is how many opaque bytes a Handle holds: ext4 has 8, xfs 8 to
// 12, tmpfs 12, btrfs 20.
const inlineHandle = 20

// Handle is a file handle of one file system. The zero Handle means that there
// is none: the file system has no handles, or longer ones than fit, which are
// then not used (see Root.HasHandles). It holds no pointer, so that it can lie
// in memory that outlives the process.
type Handle struct {
	size, typ uint8
	data      [inlineHandle]byte
}

// IsZero reports whether h is no handle.
func (h Handle) IsZero() bool { return h == Handle{} }

type rawHandle struct {
	bytes uint32
	typ   int32
	data  [inlineHandle]byte
}

// handleAt fails with EOVERFLOW where a handle does not fit.
func handleAt(dir int, name unsafe.Pointer, flags int) (Handle, syscall.Errno) {
	raw := rawHandle{bytes: inlineHandle}
	var mount int32
	_, _, e := unix.Syscall6(unix.SYS_NAME_TO_HANDLE_AT, uintptr(dir), uintptr(name), uintptr(unsafe.Pointer(&raw)), uintptr(unsafe.Pointer(&mount)), uintptr(flags), 0)
	if e != 0 {
		return Handle{}, e
	}
	h, ok := NewHandle(raw.typ, raw.data[:min(raw.bytes, inlineHandle)])
	if !ok {
		return Handle{}, syscall.EOVERFLOW
	}
	return h, 0
}

// NewHandle returns the handle of that type that a kernel gave in other ways,
// false where it does not fit.
func NewHandle(typ int32, data []byte) (Handle, bool) {
	if len(data) == 0 || len(data) > inlineHandle || typ < 0 || typ > 0xff {
		return Handle{}, false
	}
	h := Handle{size: uint8(len(data)), typ: uint8(typ)}
	copy(h.data[:], data)
	return h, true
}

// HandleAt returns the handle of the object called name in dir, never
// following a symlink.
func HandleAt(dir int, name Name) (Handle, syscall.Errno) {
	return handleAt(dir, name.ptr(), 0)
}

// HandleFD returns the handle of the object that fd refers to.
func HandleFD(fd int) (Handle, syscall.Errno) {
	return handleAt(fd, unsafe.Pointer(&emptyPath), unix.AT_EMPTY_PATH)
}

// A handle for which there is no memory is tried again: that is also what ext4 says
// while another inode is made with the number of one that was removed. It lasts
// microseconds, or until who makes the inode has its processor back; then the
// handle is stale.
const (
	triesForMemory = 100 // one after the other
	naps           = 20  // more, each after a pause: 20 ms at most for a request
	napTime        = time.Millisecond
)

// openHandle opens h with open_by_handle_at(2); mount is any open descriptor of
// its mount.
func openHandle(mount int, h Handle, flags int) (int, syscall.Errno) {
	if h.size == 0 || h.size > inlineHandle {
		return -1, syscall.ESTALE
	}
	raw := rawHandle{bytes: uint32(h.size), typ: int32(h.typ), data: h.data}
	for try := 0; ; try++ {
		fd, _, e := unix.Syscall(unix.SYS_OPEN_BY_HANDLE_AT, uintptr(mount), uintptr(unsafe.Pointer(&raw)), uintptr(flags|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_LARGEFILE))
		switch {
		case e == syscall.EINTR, e == syscall.ENOMEM && try < triesForMemory:
			runtime.Gosched()
			continue
		case e == syscall.ENOMEM && try < triesForMemory+naps:
			time.Sleep(napTime)
			continue
		}
		if e != 0 {
			return -1, e
		}
		return int(fd), 0
	}
}
