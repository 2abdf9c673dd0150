package fs

import (
	"bytes"
	"encoding/binary"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// userSpace is where the only extended attributes are that a view may have
// (product.md §5): the others are the host's.
const userSpace = "user."

func (s *Server) getxattr(c *call) syscall.Errno {
	room := arg[fuse.GetXAttrIn](c).Size
	fd, attr, errno := s.attribute(c)
	if errno == syscall.EOPNOTSUPP && !s.xattrs {
		// The kernel wants to know before the first write to each new file. From
		// now on it gives callers EOPNOTSUPP itself, for as long as the mount lives.
		return syscall.ENOSYS
	}
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	n, errno := backing.Getxattr(fd.Num(), attr, c.out[:min(int(room), len(c.out))])
	if errno == 0 {
		c.attrReply(n, room)
	}
	return errno
}

// attrReply makes n bytes of c.out the reply, or n alone if there is no room for
// any: the caller wants to know the size.
func (c *call) attrReply(n int, room uint32) {
	if room == 0 {
		reply[fuse.GetXAttrOut](c).Size = uint32(n)
		return
	}
	c.size = n
}

func (s *Server) listxattr(c *call) syscall.Errno {
	room := arg[fuse.GetXAttrIn](c).Size
	fd, errno := s.attributed(c)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	n, errno := backing.Listxattr(fd.Num(), c.out)
	if errno != 0 {
		return errno
	}
	n = userOnly(c.out[:n])
	if room != 0 && n > int(room) {
		return syscall.ERANGE
	}
	c.attrReply(n, room)
	return 0
}

// userOnly keeps the names that a view may have of a list of NUL-terminated
// names, and returns their length.
func userOnly(list []byte) int {
	n := 0
	for name := range bytes.SplitAfterSeq(list, []byte{0}) {
		if bytes.HasPrefix(name, []byte(userSpace)) {
			n += copy(list[n:], name)
		}
	}
	return n
}

func (s *Server) setxattr(c *call) syscall.Errno {
	size := binary.NativeEndian.Uint32(c.in[header:])
	flags := binary.NativeEndian.Uint32(c.in[header+4:])
	fd, attr, errno := s.attribute(c)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	if len(c.body) < int(size) || flags&^(unix.XATTR_CREATE|unix.XATTR_REPLACE) != 0 {
		return syscall.EINVAL
	}
	value := c.body[:size]
	if c.resumed() && flags&unix.XATTR_CREATE != 0 && holds(fd.Num(), attr, value) {
		return 0
	}
	if flags&unix.XATTR_CREATE != 0 && has(fd.Num(), attr) {
		return syscall.EEXIST
	}
	c.begin(nil, nil)
	return backing.Setxattr(fd.Num(), attr, value, flags)
}

// has reports whether there is an attribute, holds whether it is value.
func has(fd int, attr string) bool {
	_, errno := backing.Getxattr(fd, attr, nil)
	return errno == 0
}

func holds(fd int, attr string, value []byte) bool {
	there := make([]byte, len(value)+1)
	n, errno := backing.Getxattr(fd, attr, there)
	return errno == 0 && bytes.Equal(there[:n], value)
}

func (s *Server) removexattr(c *call) syscall.Errno {
	fd, attr, errno := s.attribute(c)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	if !has(fd.Num(), attr) {
		if c.resumed() {
			return 0
		}
		return syscall.ENODATA
	}
	c.begin(nil, nil)
	return backing.Removexattr(fd.Num(), attr)
}

// attribute is how a request about one attribute begins: its object, judged and
// borrowed, and its name.
func (s *Server) attribute(c *call) (backing.FD, string, syscall.Errno) {
	text, ok := c.text()
	if !ok {
		return backing.FD{}, "", syscall.EINVAL
	}
	name := string(text[:len(text)-1])
	if !strings.HasPrefix(name, userSpace) {
		if _, errno := s.bearer(c); errno != 0 {
			return backing.FD{}, "", errno
		}
		return backing.FD{}, "", noAttribute(c)
	}
	fd, errno := s.attributed(c)
	return fd, name, errno
}

// bearer finds what c asks about the attributes of. Who may look at the root of the
// mount or of a view learns there that it has none: `ls -l` asks for some.
func (s *Server) bearer(c *call) (spot, syscall.Errno) {
	sp, errno := s.find(c, c.head.NodeId)
	switch {
	case errno != 0:
		return sp, errno
	case c.op == policy.OpSetxattr:
		return sp, s.belongs(c, sp)
	case sp.node.Kind == node.KindTop:
		return sp, 0
	}
	return sp, s.caller(c, sp)
}

// attributed borrows an O_PATH descriptor of the file or directory that c is
// about, if the account may do c to its attributes.
func (s *Server) attributed(c *call) (backing.FD, syscall.Errno) {
	sp, errno := s.bearer(c)
	if errno != 0 {
		return backing.FD{}, errno
	}
	if sp.node.Kind != node.KindBacked || sp.node.Type == policy.TypeSymlink {
		return backing.FD{}, noAttribute(c)
	}
	if m := sp.where.Place.Mount(); m == nil || !m.UserXattrs {
		return backing.FD{}, noAttribute(c)
	}
	op := c.op
	if op == policy.OpSetxattr {
		op = s.rewriting(sp, op)
	}
	if errno := c.deny(s.holder(sp).Check(op, sp.target(nil))); errno != 0 {
		return backing.FD{}, errno
	}
	if errno := s.verifyObject(c, sp); errno != 0 {
		return backing.FD{}, errno
	}
	return s.objectFD(sp)
}

// noAttribute says that there are no such attributes here. The kernel asks for
// some on its own: only a change is noted as refused.
func noAttribute(c *call) syscall.Errno {
	if c.op == policy.OpSetxattr {
		return c.refuse(policy.ReasonNever, policy.ClassUnsupported)
	}
	return syscall.EOPNOTSUPP
}
