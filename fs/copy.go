package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// mostCopied bounds what one request copies, in bytes: an interrupted caller
// waits for no more. The rest is the caller's to ask for (copy_file_range(2)).
const mostCopied = 16 << 20

func (s *Server) copyFileRange(c *call) syscall.Errno {
	n, errno := s.copyRange(c)
	if errno == 0 {
		reply[fuse.WriteOut](c).Size = uint32(n)
	}
	return errno
}

func (s *Server) copyFileRange64(c *call) syscall.Errno {
	n, errno := s.copyRange(c)
	if errno == 0 {
		reply[fuse.CopyFileRangeOut](c).BytesCopied = uint64(n)
	}
	return errno
}

// copyRange copies between two open files of a view without the data passing
// through the daemon (product.md §5, "server-side copy"). EOPNOTSUPP and EXDEV
// make the kernel read and write instead, each of which is judged as such: an
// account without the permission to copy copies like that.
func (s *Server) copyRange(c *call) (int, syscall.Errno) {
	in := arg[fuse.CopyFileRangeIn](c)
	from, source, errno := s.held(c, in.FhIn)
	if errno != 0 {
		return 0, errno
	}
	to, target, errno := s.heldOn(c, in.NodeIdOut, in.FhOut)
	if errno != 0 {
		return 0, errno
	}
	switch {
	case !source.read || !target.write:
		return 0, syscall.EBADF
	case in.Flags != 0 || int64(in.OffIn) < 0 || int64(in.OffOut) < 0:
		return 0, syscall.EINVAL
	case from.view != to.view:
		return 0, syscall.EXDEV
	case !from.where.Place.Check(policy.OpCopy, from.target(nil)).Allowed():
		return 0, syscall.EOPNOTSUPP
	}
	if errno := s.rewrites(c, to, policy.OpWrite); errno != 0 {
		return 0, errno
	}
	c.op = policy.OpCopy
	fromFD, errno := s.dataFD(from, false)
	if errno != 0 {
		return 0, errno
	}
	defer fromFD.Release()
	toFD, errno := s.dataFD(to, true)
	if errno != 0 {
		return 0, errno
	}
	defer toFD.Release()
	n, errno := backing.Copy(fromFD.Num(), int64(in.OffIn), toFD.Num(), int64(in.OffOut), int(min(in.Len, mostCopied)))
	if errno == syscall.ENOSYS {
		errno = syscall.EOPNOTSUPP
	}
	return n, errno
}
