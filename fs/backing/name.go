package backing

import (
	"bytes"
	"strings"
	"syscall"
	"unsafe"
)

// maxName is NAME_MAX of every file system we sit on; the FUSE protocol lets
// longer names through.
const maxName = 255

// Name is one valid path component whose bytes are followed by a NUL in
// memory, so that it can be handed to a system call without a copy. It aliases
// the memory it was made from: a Name from InPlace is valid only as long as the
// request's buffer.
type Name struct{ b []byte } // with the NUL

// InPlace returns the component at the start of buf, which ends with a NUL, and
// what follows it. ENAMETOOLONG and EINVAL refuse what can't be a component.
func InPlace(buf []byte) (Name, []byte, syscall.Errno) {
	i := bytes.IndexByte(buf, 0)
	if i < 0 {
		return Name{}, nil, syscall.EINVAL
	}
	n := Name{buf[:i+1]}
	return n, buf[i+1:], n.check()
}

// NewName copies s into a Name.
func NewName(s string) (Name, syscall.Errno) {
	if strings.IndexByte(s, 0) >= 0 {
		return Name{}, syscall.EINVAL
	}
	b := make([]byte, len(s)+1)
	copy(b, s)
	n := Name{b}
	return n, n.check()
}

func (n Name) check() syscall.Errno {
	s := n.b[:len(n.b)-1]
	switch {
	case len(s) > maxName:
		return syscall.ENAMETOOLONG
	case len(s) == 0, len(s) == 1 && s[0] == '.', len(s) == 2 && s[0] == '.' && s[1] == '.', bytes.IndexByte(s, '/') >= 0:
		return syscall.EINVAL
	}
	return 0
}

// String returns the name without copying it: valid only as long as n is.
func (n Name) String() string {
	return unsafe.String(unsafe.SliceData(n.b), len(n.b)-1)
}

// Clone returns a copy of the name that outlives the request.
func (n Name) Clone() string { return strings.Clone(n.String()) }

func (n Name) ptr() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(n.b)) }
