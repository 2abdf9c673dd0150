package backing

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The calls below are about the file or directory, never a symlink, that fd (O_PATH
// will do) refers to; it is named by the magic link of our own descriptor, as in
// reopen. Empty buffers ask for a size.

// Getxattr reads the attribute called attr into buf; ERANGE if it is larger.
func Getxattr(fd int, attr string, buf []byte) (int, syscall.Errno) {
	n, err := unix.Getxattr(magicLink(fd), attr, buf)
	return n, errno(err)
}

// Listxattr reads the NUL-terminated names of all attributes into buf.
func Listxattr(fd int, buf []byte) (int, syscall.Errno) {
	n, err := unix.Listxattr(magicLink(fd), buf)
	return n, errno(err)
}

// Setxattr sets the attribute called attr; flags are setxattr(2)'s.
func Setxattr(fd int, attr string, value []byte, flags uint32) syscall.Errno {
	return errno(unix.Setxattr(magicLink(fd), attr, value, int(flags)))
}

// Removexattr removes the attribute called attr.
func Removexattr(fd int, attr string) syscall.Errno {
	return errno(unix.Removexattr(magicLink(fd), attr))
}

func magicLink(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
