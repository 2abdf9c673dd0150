package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/backing"
	"grantfs/fs/node"
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
	from, to, source, target, errno := s.mayCopy(c, in)
	if errno != 0 {
		return 0, errno
	}
	n, settle, errno := s.passCopy(c, &from, &to, source, target)
	if errno != 0 {
		return 0, errno
	}
	n, errno = s.copyAt(c, from, int64(in.OffIn), to, int64(in.OffOut), n)
	settle(n)
	return n, errno
}

func (s *Server) mayCopy(c *call, in *fuse.CopyFileRangeIn) (from, to spot, source, target *handle, errno syscall.Errno) {
	if from, source, errno = s.held(c, in.FhIn); errno == 0 {
		to, target, errno = s.heldOn(c, in.NodeIdOut, in.FhOut)
	}
	switch {
	case errno != 0:
	case from.node.Kind == node.KindVirtual || to.node.Kind == node.KindVirtual:
		errno = syscall.EOPNOTSUPP
	case !source.read || !target.write:
		errno = syscall.EBADF
	case in.Flags != 0 || int64(in.OffIn) < 0 || int64(in.OffOut) < 0:
		errno = syscall.EINVAL
	case from.view != to.view:
		errno = syscall.EXDEV
	case !from.where.Place.Check(policy.OpCopy, from.target(nil)).Allowed():
		errno = syscall.EOPNOTSUPP
	default:
		errno = s.rewrites(c, to, policy.OpWrite)
		c.op = policy.OpCopy
	}
	return from, to, source, target, errno
}

func (s *Server) copyAt(c *call, from spot, fromOff int64, to spot, toOff int64, n int) (int, syscall.Errno) {
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
	var st backing.Stat
	if errno := backing.StatFD(fromFD.Num(), &st); errno != 0 {
		return 0, errno
	}
	n = int(min(int64(n), max(0, int64(st.Size)-fromOff)))
	if n == 0 {
		return 0, 0
	}
	done := 0
	errno = s.resize(c, to, toFD.Num(), span{off: toOff, n: int64(n)}, func(off, n int64) (errno syscall.Errno) {
		done, errno = backing.Copy(fromFD.Num(), fromOff, toFD.Num(), off, int(n))
		return errno
	})
	if errno == syscall.ENOSYS {
		errno = syscall.EOPNOTSUPP
	}
	return done, errno
}
