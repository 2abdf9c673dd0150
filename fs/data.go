package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// held places the handle's file and judges the operation again: a change of
// policy reaches open files too (product.md §4, decision 8).
func (s *Server) held(c *call, fh uint64) (spot, *handle, syscall.Errno) {
	return s.heldOn(c, c.head.NodeId, fh)
}

// heldOn is held for a handle of the node with the given id.
func (s *Server) heldOn(c *call, id, fh uint64) (spot, *handle, syscall.Errno) {
	sp, errno := s.findOpen(c, id)
	if errno == 0 {
		errno = s.belongs(c, sp)
	}
	if errno != 0 {
		return sp, nil, errno
	}
	h, errno := s.handles.get(fh, sp.node)
	return sp, h, errno
}

// rewriting is the operation that a change of the file's data is judged as: for
// its creator, until the last close, it is still the creation.
func (s *Server) rewriting(sp spot, op policy.Op) policy.Op {
	if s.files.creating(sp.node.ID) {
		return policy.OpCreate
	}
	return op
}

// rewrites checks an operation that changes the data of an existing file. Its
// creator needs no more than upload until the last close.
func (s *Server) rewrites(c *call, sp spot, op policy.Op) syscall.Errno {
	c.op = op
	op = s.rewriting(sp, op)
	v := sp.where.Place.Check(op, sp.target(nil))
	if v.Reason == policy.ReasonPreset {
		// A preset may ask for the mode on disk, which costs a system call.
		if errno := s.stat(sp, &c.stat); errno != 0 {
			return errno
		}
		v = sp.where.Place.Check(op, sp.target(&c.stat))
	}
	return c.deny(v)
}

func (s *Server) mayRead(c *call, fh uint64) (spot, *handle, syscall.Errno) {
	sp, h, errno := s.held(c, fh)
	switch {
	case errno != 0:
	case !h.read:
		errno = syscall.EBADF
	default:
		errno = c.deny(sp.where.Place.Check(policy.OpRead, sp.target(nil)))
	}
	return sp, h, errno
}

func (s *Server) read(c *call) syscall.Errno {
	in := arg[fuse.ReadIn](c)
	sp, h, errno := s.mayRead(c, in.Fh)
	if errno != 0 {
		return errno
	}
	if sp.node.Kind == node.KindVirtual {
		return s.readVirtual(c, sp, in)
	}
	pass, errno := s.passRead(c, &sp, h, in)
	if errno != 0 {
		return errno
	}
	c.size, errno = s.readAt(sp, c.out[:pass.n], int64(in.Offset))
	pass.settle(c.size)
	return errno
}

func (s *Server) readAt(sp spot, out []byte, off int64) (int, syscall.Errno) {
	fd, errno := s.dataFD(sp, false)
	if errno != 0 {
		return 0, errno
	}
	defer fd.Release()
	return backing.PreadFull(fd.Num(), out, off)
}

func (s *Server) mayWrite(c *call, fh uint64) (spot, *handle, syscall.Errno) {
	sp, h, errno := s.held(c, fh)
	switch {
	case errno != 0:
	case !h.write:
		errno = syscall.EBADF
	default:
		errno = s.rewrites(c, sp, policy.OpWrite)
	}
	return sp, h, errno
}

func (s *Server) write(c *call) syscall.Errno {
	in := arg[fuse.WriteIn](c)
	sp, h, errno := s.mayWrite(c, in.Fh)
	if errno != 0 {
		return errno
	}
	if len(c.body) < int(in.Size) || int64(in.Offset) < 0 {
		return syscall.EINVAL
	}
	if sp.node.Kind == node.KindVirtual {
		return s.writeVirtual(c, sp, in)
	}
	pass, errno := s.passWrite(c, &sp, h, in)
	if errno != 0 {
		return errno
	}
	// The kernel's offset for O_APPEND comes from one view's idea of the size;
	// another writer may have appended since. The flags are those of this moment:
	// fcntl(2) may have changed the open's.
	n, errno := s.writeAt(c, sp, c.body[:pass.n], int64(in.Offset), in.Flags&unix.O_APPEND != 0)
	pass.settle(n)
	if errno != 0 {
		return errno
	}
	reply[fuse.WriteOut](c).Size = uint32(n)
	return 0
}

func (s *Server) writeAt(c *call, sp spot, b []byte, off int64, atEnd bool) (int, syscall.Errno) {
	fd, errno := s.dataFD(sp, true)
	if errno != 0 {
		return 0, errno
	}
	defer fd.Release()
	before, done := 0, 0
	if atEnd {
		all := false
		if before, all = c.appended(fd.Num(), b); all {
			return before, 0
		}
		b = b[before:]
	}
	errno = s.resize(c, sp, fd.Num(), span{off: off, n: int64(len(b)), atEnd: atEnd}, func(off, n int64) (errno syscall.Errno) {
		if atEnd {
			c.appending(off, n, before)
		}
		done, errno = backing.Pwrite(fd.Num(), b[:n], off, atEnd)
		return errno
	})
	if done += before; done > 0 {
		errno = 0
	}
	return done, errno
}

// endWriting ends a series of changes of a file's data, at the last close(2) or
// where there was no open. The set-user-ID and set-group-ID bits go, as they do for writers
// who are not root: at the end is early enough, since nobody can execute a file
// that somebody, here the daemon, has open for writing (ETXTBSY). The descriptor
// goes too: what was uploaded must be executable.
func (s *Server) endWriting(id uint64) syscall.Errno {
	fd, ok := s.fds.Borrow(id, backing.FDWrite)
	if !ok {
		return 0
	}
	errno := backing.DropPrivileges(fd.Num())
	fd.Release()
	s.fds.CloseKind(id, backing.FDWrite)
	return errno
}

// wasWritten is endWriting for the last use of a handle: it comes after close(2),
// and knows of what the kernel has passed through, with a descriptor of its own.
// Nobody is left to be told of an error.
func (s *Server) wasWritten(h *handle) {
	n := s.nodes.Get(h.node.ID)
	v := s.views.at(h.node.View)
	errno := s.endWriting(h.node.ID)
	if n == nil {
		return // it is gone
	}
	if h.mode == Passthrough {
		fd, gone := s.objectFD(spot{n, n.Where(), v, s.rulesOf(v)})
		if gone != 0 {
			return
		}
		errno = backing.DropPrivileges(fd.Num())
		fd.Release()
	}
	if errno != 0 {
		s.uncleared.Add(1)
		s.opt.Log.Warn("a file that was written may have kept its set-user-ID bits", "account", v.name, "name", n.Where().Name, "error", errno)
	}
}

// flush is close(2), of each duplicate of a descriptor, for files whose bits are to
// be cleared. Nothing is buffered here: other handles don't ask for it.
func (s *Server) flush(c *call) syscall.Errno {
	if errno, virtual := s.closeVirtual(c.head.NodeId, false); virtual {
		return errno
	}
	return s.endWriting(c.head.NodeId)
}

func (s *Server) fallocate(c *call) syscall.Errno {
	in := arg[fuse.FallocateIn](c)
	sp, h, errno := s.held(c, in.Fh)
	if errno != 0 {
		return errno
	}
	if !h.write {
		return syscall.EBADF
	}
	if sp.node.Kind == node.KindVirtual || !allocates(in.Mode) {
		return syscall.EOPNOTSUPP
	}
	if errno := s.rewrites(c, sp, policy.OpFallocate); errno != 0 {
		return errno
	}
	fd, errno := s.dataFD(sp, true)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	w := span{off: int64(in.Offset), n: int64(in.Length), whole: true}
	switch {
	case w.off < 0 || w.n <= 0:
		return syscall.EINVAL
	case in.Mode&unix.FALLOC_FL_KEEP_SIZE != 0:
		w = span{}
	}
	return s.resize(c, sp, fd.Num(), w, func(int64, int64) syscall.Errno {
		return backing.Allocate(fd.Num(), in.Mode, int64(in.Offset), int64(in.Length))
	})
}

// allocates reports whether a mode of fallocate(2) is served: those that leave
// no space beyond the end of the file, where no bucket would count it
// (product.md §9). The kernel asks for no others than these and KEEP_SIZE.
func allocates(mode uint32) bool {
	return mode == 0 || mode == unix.FALLOC_FL_ZERO_RANGE || mode == unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE
}

func (s *Server) fsync(c *call) syscall.Errno {
	in := arg[fuse.FsyncIn](c)
	sp, h, errno := s.held(c, in.Fh)
	if errno != 0 {
		return errno
	}
	if h.stream != nil {
		return syscall.EBADF // a directory has a request of its own
	}
	if sp.node.Kind == node.KindVirtual {
		return 0 // it is on disk already
	}
	fd, errno := s.dataFD(sp, h.write)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	return backing.Sync(fd.Num(), in.FsyncFlags&fsyncDataOnly != 0)
}

// fsyncDataOnly is FUSE_FSYNC_FDATASYNC.
const fsyncDataOnly = 1

func (s *Server) fsyncdir(c *call) syscall.Errno {
	in := arg[fuse.FsyncIn](c)
	sp, h, errno := s.held(c, in.Fh)
	if errno != 0 || h.stream == nil {
		return errno
	}
	h.stream.mu.Lock()
	defer h.stream.mu.Unlock()
	if errno := s.reopenStream(c, sp, h.stream); errno != 0 {
		return errno
	}
	return h.stream.sync(in.FsyncFlags&fsyncDataOnly != 0)
}

func (s *Server) lseek(c *call) syscall.Errno {
	in := arg[fuse.LseekIn](c)
	sp, h, errno := s.held(c, in.Fh)
	if errno != 0 {
		return errno
	}
	if in.Whence != unix.SEEK_DATA && in.Whence != unix.SEEK_HOLE {
		return syscall.EINVAL
	}
	if h.stream != nil || sp.node.Kind == node.KindVirtual {
		return syscall.EINVAL
	}
	fd, errno := s.dataFD(sp, h.write)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	off, errno := backing.Seek(fd.Num(), int64(in.Offset), int(in.Whence))
	if errno != 0 {
		return errno
	}
	reply[fuse.LseekOut](c).Offset = uint64(off)
	return 0
}
