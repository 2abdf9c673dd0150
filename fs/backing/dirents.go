package backing

import (
	"bytes"
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// Dirent is one entry of a directory as getdents64(2) gives it.
type Dirent struct {
	Ino  uint64
	Next uint64 // the cookie behind this entry
	Type uint8  // DT_…, DT_UNKNOWN where the file system does not say
	Name Name   // aliases the buffer
}

// Getdents fills buf with entries of the directory fd; 0 means the end.
func Getdents(fd int, buf []byte) (int, syscall.Errno) {
	for {
		n, err := unix.Getdents(fd, buf)
		if err == unix.EINTR {
			continue
		}
		return n, errno(err)
	}
}

// SeekDir positions the directory fd at a cookie, 0 for its start.
func SeekDir(fd int, cookie uint64) syscall.Errno {
	_, err := unix.Seek(fd, int64(cookie), unix.SEEK_SET)
	return errno(err)
}

// direntHeader is the size of struct linux_dirent64 before its name.
const direntHeader = 19

// NextDirent decodes the entry at the start of buf and returns its size, 0 if
// there is none. Names that are no component ("." and "..") have ok false.
func NextDirent(buf []byte) (d Dirent, size int, ok bool) {
	if len(buf) < direntHeader {
		return Dirent{}, 0, false
	}
	size = int(binary.NativeEndian.Uint16(buf[16:]))
	if size < direntHeader || size > len(buf) {
		return Dirent{}, 0, false
	}
	d.Ino = binary.NativeEndian.Uint64(buf)
	d.Next = binary.NativeEndian.Uint64(buf[8:])
	d.Type = buf[18]
	name := buf[direntHeader:size]
	end := bytes.IndexByte(name, 0)
	if end < 0 {
		return d, size, false
	}
	n, _, e := InPlace(name[:end+1])
	d.Name = n
	return d, size, e == 0
}
