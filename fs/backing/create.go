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
// taken.
func CreateFile(dir int, name Name, b Birth) (int, syscall.Errno) {
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
	_, _, e = unix.Syscall6(unix.SYS_LINKAT, uintptr(fd), uintptr(unsafe.Pointer(&emptyPath)), uintptr(dir), uintptr(name.ptr()), unix.AT_EMPTY_PATH, 0)
	if e != 0 {
		unix.Close(fd)
		return -1, e
	}
	return fd, 0
}

// createNamed serves file systems without O_TMPFILE: until it is settled the
// file belongs to root alone.
func createNamed(dir int, name Name, b Birth) (int, syscall.Errno) {
	fd, e := openMode(dir, name.ptr(), unix.O_CREAT|unix.O_EXCL|unix.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if e != 0 {
		return -1, e
	}
	if e := settle(fd, b); e != 0 {
		unix.Close(fd)
		return -1, e
	}
	return fd, 0
}

// settle gives a new object its owner, then its mode: the other way round
// chown(2) would clear the set-group-ID bit.
func settle(fd int, b Birth) syscall.Errno {
	if err := unix.Fchown(fd, int(b.UID), int(b.GID)); err != nil {
		return errno(err)
	}
	return errno(unix.Fchmod(fd, b.Mode))
}

// Mkdir makes the directory called name in dir. Until owner and mode are right
// it is closed to everybody but root.
func Mkdir(dir int, name Name, b Birth) syscall.Errno {
	_, _, e := unix.Syscall(unix.SYS_MKDIRAT, uintptr(dir), uintptr(name.ptr()), 0o700)
	if e != 0 {
		return e
	}
	fd, e := openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if e != 0 {
		return e
	}
	defer unix.Close(fd)
	// The owner of the tree can put another directory there in between; only
	// the one made here belongs to root and to nobody else.
	var st Stat
	if e := StatFD(fd, &st); e != 0 {
		return e
	}
	if st.Uid != 0 || st.Mode&0o777 != 0o700 {
		return syscall.EAGAIN
	}
	return settle(fd, b)
}

// Symlink makes a symlink called name in dir with the given text.
func Symlink(dir int, name Name, text []byte, uid, gid uint32) syscall.Errno {
	_, _, e := unix.Syscall(unix.SYS_SYMLINKAT, uintptr(unsafe.Pointer(unsafe.SliceData(text))), uintptr(dir), uintptr(name.ptr()))
	if e != 0 {
		return e
	}
	fd, e := openat(dir, name, unix.O_PATH|unix.O_NOFOLLOW)
	if e != 0 {
		return e
	}
	defer unix.Close(fd)
	var st Stat
	if e := StatFD(fd, &st); e != 0 {
		return e
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK || st.Uid != 0 {
		return syscall.EAGAIN
	}
	return errno(unix.Fchownat(fd, "", int(uid), int(gid), unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW))
}
