package bench

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of workloads go past Go's scheduler, which would otherwise
// take part in each wait for the file system.

func cstring(s string) unsafe.Pointer {
	b := append([]byte(s), 0)
	return unsafe.Pointer(&b[0])
}

func open(at int, name string, flags int, mode uint32) (int, error) {
	fd, _, e := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(at), uintptr(cstring(name)), uintptr(flags|unix.O_CLOEXEC), uintptr(mode), 0, 0)
	if e != 0 {
		return -1, fmt.Errorf("open %s: %w", name, e)
	}
	return int(fd), nil
}

func openDir(name string) (int, error) {
	return open(unix.AT_FDCWD, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

func closeFD(fd int) error {
	if _, _, e := unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0); e != 0 {
		return fmt.Errorf("close: %w", e)
	}
	return nil
}

func pread(fd int, buf []byte, off int64) (int, error) {
	n, _, e := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), uintptr(off), 0, 0)
	if e != 0 {
		return 0, fmt.Errorf("read: %w", e)
	}
	return int(n), nil
}

func write(fd int, buf []byte) (int, error) {
	n, _, e := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)))
	if e != 0 {
		return 0, fmt.Errorf("write: %w", e)
	}
	return int(n), nil
}

func stat(dir int, name string) error {
	var st unix.Stat_t
	if _, _, e := unix.RawSyscall6(unix.SYS_NEWFSTATAT, uintptr(dir), uintptr(cstring(name)), uintptr(unsafe.Pointer(&st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0); e != 0 {
		return fmt.Errorf("stat %s: %w", name, e)
	}
	return nil
}

func unlinkat(dir int, name string) error {
	if _, _, e := unix.RawSyscall(unix.SYS_UNLINKAT, uintptr(dir), uintptr(cstring(name)), 0); e != 0 {
		return fmt.Errorf("unlink %s: %w", name, e)
	}
	return nil
}
