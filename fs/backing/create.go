package backing

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Birth is what a new object is born with (product.md §8).
type Birth struct {
	UID, GID uint32
	Mode     uint32 // permission bits, setgid included for directories
}

// CreateFile makes a new regular file called name in dir and returns it open
// for reading and writing. No observer sees it before owner and mode are
// right: it is made nameless (O_TMPFILE) and then linked. EEXIST if the name is
// taken. Before it has its name it is shown to prepared, unless that is nil or the
// file system knows no files without a name.
func CreateFile(dir int, name Name, b Birth, prepared func(fd int)) (int, syscall.Errno) {
	dot := [2]byte{'.', 0}
	fd, e := openMode(dir, unsafe.Pointer(&dot), unix.O_TMPFILE|unix.O_RDWR, 0o600)
	if e == syscall.EOPNOTSUPP || e == syscall.EISDIR {
		return createNamed(dir, name, b)
	}
	if e != 0 {
		return -1, e
	}
	if e := settle(fd, b); e != 0 {
		unix.Close(fd)
		return -1, e
	}
	if prepared != nil {
		prepared(fd)
	}
	_, _, e = unix.Syscall6(unix.SYS_LINKAT, uintptr(fd), uintptr(unsafe.Pointer(&emptyPath)), uintptr(dir), uintptr(name.ptr()), unix.AT_EMPTY_PATH, 0)
	if e != 0 {
		unix.Close(fd)
		return -1, e
	}
	return fd, 0
}

// createNamed serves file systems without O_TMPFILE.
func createNamed(dir int, name Name, b Birth) (int, syscall.Errno) {
	fd := -1
	e := as(b.UID, b.GID, func() (e syscall.Errno) {
		fd, e = openMode(dir, name.ptr(), unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_NOFOLLOW, b.Mode&0o777)
		return e
	})
	return fd, e
}

// settle gives a new object its owner, then its mode: the other way round
// chown(2) would clear the set-group-ID bit.
func settle(fd int, b Birth) syscall.Errno {
	if err := unix.Fchown(fd, int(b.UID), int(b.GID)); err != nil {
		return errno(err)
	}
	return errno(unix.Fchmod(fd, b.Mode))
}

// Mkdir makes the directory called name in dir. It has owner, group and mode
// from the first moment: whoever can write to dir could put something else in
// its place before it were given away. The set-group-ID bit is dir's own to
// pass on (mkdir(2)), and so is the group where dir has it.
func Mkdir(dir int, name Name, b Birth) syscall.Errno {
	return as(b.UID, b.GID, func() syscall.Errno {
		_, _, e := unix.Syscall(unix.SYS_MKDIRAT, uintptr(dir), uintptr(name.ptr()), uintptr(b.Mode&0o1777))
		return e
	})
}

// Symlink makes a symlink called name in dir with the given text, which ends
// with a NUL; it has its owner from the first moment.
func Symlink(dir int, name Name, text []byte, uid, gid uint32) syscall.Errno {
	return as(uid, gid, func() syscall.Errno {
		_, _, e := unix.Syscall(unix.SYS_SYMLINKAT, uintptr(unsafe.Pointer(unsafe.SliceData(text))), uintptr(dir), uintptr(name.ptr()))
		return e
	})
}

// Give changes the owner and group of the open file fd, whose mode is common, a
// part of the old mode and of the new one, from before that change on: nobody
// has more access meanwhile than before or after it.
func Give(fd int, to Birth, common uint32) syscall.Errno {
	if err := unix.Fchmod(fd, common); err != nil {
		return errno(err)
	}
	return errno(unix.Fchown(fd, int(to.UID), int(to.GID)))
}
