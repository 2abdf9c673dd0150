package backing

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Unlink removes the non-directory called name from dir.
func Unlink(dir int, name Name) syscall.Errno { return unlinkat(dir, name, 0) }

// Rmdir removes the empty directory called name from dir.
func Rmdir(dir int, name Name) syscall.Errno { return unlinkat(dir, name, unix.AT_REMOVEDIR) }

func unlinkat(dir int, name Name, flags int) syscall.Errno {
	_, _, e := unix.Syscall(unix.SYS_UNLINKAT, uintptr(dir), uintptr(name.ptr()), uintptr(flags))
	return e
}

// Rename moves from in dir to the name to in newDir with renameat2(2)'s flags.
func Rename(dir int, from Name, newDir int, to Name, flags uint32) syscall.Errno {
	_, _, e := unix.Syscall6(unix.SYS_RENAMEAT2, uintptr(dir), uintptr(from.ptr()), uintptr(newDir), uintptr(to.ptr()), uintptr(flags), 0)
	return e
}

// Readlink appends the text of the symlink that fd (O_PATH) refers to.
func Readlink(fd int) ([]byte, syscall.Errno) {
	return readlinkat(fd, unsafe.Pointer(&emptyPath))
}

// ReadlinkAt returns the text of the symlink called name in dir.
func ReadlinkAt(dir int, name Name) ([]byte, syscall.Errno) {
	return readlinkat(dir, name.ptr())
}

func readlinkat(dir int, name unsafe.Pointer) ([]byte, syscall.Errno) {
	buf := make([]byte, unix.PathMax)
	n, _, e := unix.Syscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(name), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	if e != 0 {
		return nil, e
	}
	return buf[:n], 0
}

// Utimes sets access and modification times of the object that fd (O_PATH)
// refers to; UTIME_OMIT and UTIME_NOW are honoured.
func Utimes(fd int, atime, mtime unix.Timespec) syscall.Errno {
	ts := [2]unix.Timespec{atime, mtime}
	_, _, e := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), uintptr(unsafe.Pointer(&emptyPath)), uintptr(unsafe.Pointer(&ts)), unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	return e
}

// Chmod sets the permission bits of the file or directory, never a symlink, that
// fd (O_PATH will do) refers to.
func Chmod(fd int, mode uint32) syscall.Errno { return errno(unix.Chmod(magicLink(fd), mode)) }

// Chown sets the owner and group of what fd (O_PATH will do), be it a symlink,
// refers to. The set-user-ID and set-group-ID bits of a file are gone then.
func Chown(fd int, uid, gid uint32) syscall.Errno {
	return errno(unix.Fchownat(fd, "", int(uid), int(gid), unix.AT_EMPTY_PATH))
}

// Truncate sets the size in bytes of a file open for writing.
func Truncate(fd int, size int64) syscall.Errno { return errno(unix.Ftruncate(fd, size)) }

// DropPrivileges clears the set-user-ID and set-group-ID bits of a file (O_PATH
// will do) that was changed, as the kernel does for writers who are not root. The
// daemon is root, and the kernel, which is shown no such bits, can't ask for it.
func DropPrivileges(fd int) syscall.Errno {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&(unix.S_ISUID|unix.S_ISGID) == 0 {
		return errno(err)
	}
	return Chmod(fd, st.Mode&0o1777)
}

// Allocate gives [off, off+size) space, or takes it away, by a mode of
// fallocate(2).
func Allocate(fd int, mode uint32, off, size int64) syscall.Errno {
	for {
		if err := unix.Fallocate(fd, mode, off, size); err != unix.EINTR {
			return errno(err)
		}
	}
}

// Copy copies up to size bytes within the kernel and returns how many it were.
func Copy(from int, fromOff int64, to int, toOff int64, size int) (int, syscall.Errno) {
	for {
		n, err := unix.CopyFileRange(from, &fromOff, to, &toOff, size, 0)
		if err != unix.EINTR {
			return n, errno(err)
		}
	}
}

// Sync flushes fd to the disk, only its data if dataOnly.
func Sync(fd int, dataOnly bool) syscall.Errno {
	if dataOnly {
		return errno(unix.Fdatasync(fd))
	}
	return errno(unix.Fsync(fd))
}

// Seek answers lseek(2) for SEEK_DATA and SEEK_HOLE.
func Seek(fd int, off int64, whence int) (int64, syscall.Errno) {
	n, err := unix.Seek(fd, off, whence)
	return n, errno(err)
}

// Statfs fills st for the file system that fd lies on.
func Statfs(fd int, st *unix.Statfs_t) syscall.Errno { return errno(unix.Fstatfs(fd, st)) }

// PreadFull reads at off until buf is full or the file ends.
func PreadFull(fd int, buf []byte, off int64) (int, syscall.Errno) {
	done := 0
	for done < len(buf) {
		n, err := unix.Pread(fd, buf[done:], off+int64(done))
		switch {
		case err == unix.EINTR:
		case err != nil && done > 0:
			return done, 0
		case err != nil:
			return 0, errno(err)
		case n == 0:
			return done, 0
		default:
			done += n
		}
	}
	return done, 0
}

// Pwrite writes buf at off, or at the end of the file at execution if atEnd
// (RWF_APPEND of pwritev2(2)). A partial write is reported by its count.
func Pwrite(fd int, buf []byte, off int64, atEnd bool) (int, syscall.Errno) {
	done := 0
	for done < len(buf) {
		var n int
		var err error
		if atEnd {
			n, err = unix.Pwritev2(fd, [][]byte{buf[done:]}, 0, unix.RWF_APPEND)
		} else {
			n, err = unix.Pwrite(fd, buf[done:], off+int64(done))
		}
		switch {
		case err == unix.EINTR:
		case err != nil && done > 0:
			return done, 0
		case err != nil:
			return 0, errno(err)
		default:
			done += n
		}
	}
	return done, 0
}
