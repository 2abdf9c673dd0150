package fs

import (
	"math"
	"syscall"

	"grantfs/fs/backing"
	"grantfs/fs/quota"
)

// span is a change of a file's data: n bytes at off.
type span struct {
	off, n int64
	atEnd  bool // off is the end of the file when it is done
	whole  bool // all of it or nothing; else it is shortened to the room left
	cut    bool // what lies behind it goes
}

// resize does what may change the size of a file, by the way that everything
// does: growth is reserved in every bucket above, what it came to is settled. do
// is called with where and how much of it may be done, at most once, and with the
// inode locked: exclusively where its size may change, so that many writers of
// one file are charged as if they were one.
func (s *Server) resize(c *call, sp spot, fd int, w span, do func(off, n int64) syscall.Errno) syscall.Errno {
	if w.off > math.MaxInt64-w.n {
		return syscall.EFBIG
	}
	in := s.charges.inodes.use(quota.ID{Dev: sp.node.Dev, Ino: sp.node.Ino})
	defer s.charges.inodes.end(in)
	if !w.atEnd && !w.cut && w.off+w.n <= in.seen.Load() {
		if errno, done := s.rewrite(sp, in, fd, w, do); done {
			return errno
		}
	}
	var st backing.Stat
	in.mu.Lock()
	defer in.mu.Unlock()
	if errno := backing.StatFD(fd, &st); errno != 0 {
		return errno
	}
	size := int64(st.Size)
	if w.atEnd {
		w.off = size
		if w.off > math.MaxInt64-w.n {
			return syscall.EFBIG
		}
	}
	w, errno := s.sized(sp, w, size)
	if errno != 0 {
		return errno
	}
	if growth := w.off + w.n - size; growth > 0 && (w.n > 0 || w.cut) || w.cut {
		return s.charged(c, sp, in, fd, w, &st, max(0, growth), do)
	}
	return do(w.off, w.n)
}

// rewrite does what turns out to lie within the file; false if it does not.
func (s *Server) rewrite(sp spot, in *inode, fd int, w span, do func(off, n int64) syscall.Errno) (errno syscall.Errno, done bool) {
	var st backing.Stat
	in.mu.RLock()
	defer in.mu.RUnlock()
	if errno := backing.StatFD(fd, &st); errno != 0 {
		return errno, true
	}
	in.seen.Store(int64(st.Size))
	if w.off+w.n > int64(st.Size) {
		return 0, false
	}
	if st.Blocks*512 >= st.Size {
		return do(w.off, w.n), true
	}
	// There are holes: to fill them takes of the file system, not of a bucket.
	hold, errno := s.charges.disks.take(s.opt.MinFree, sp.node.Dev, fd, w.n, w.whole)
	if errno != 0 {
		return errno, true
	}
	defer hold.release()
	return do(w.off, hold.n), true
}

// charged does what makes the file larger by growth, or changes its end. The
// caller holds in.mu.
func (s *Server) charged(c *call, sp spot, in *inode, fd int, w span, st *backing.Stat, growth int64, do func(off, n int64) syscall.Errno) syscall.Errno {
	p := s.charges.enter()
	defer p.leave()
	b, dir, errno := s.booksOver(p, sp, in, st)
	if errno != 0 {
		return errno
	}
	size := int64(st.Size)
	ask := quota.Request{Charge: quota.Charge{Bytes: growth}, Least: growth}
	if !w.whole {
		ask.Least = max(0, w.off+1-size) // a gap and a byte
	}
	grant, err := s.charges.ledger.Reserve(b.set, ask)
	if err != nil {
		return overQuota(err)
	}
	n := w.n - (growth - grant.Bytes)
	hold, errno := s.charges.disks.take(s.opt.MinFree, sp.node.Dev, fd, n, w.whole)
	if errno != 0 {
		s.charges.ledger.Release(grant)
		return errno
	}
	defer hold.release()
	b.tree.Enter(dir)
	defer b.tree.Leave(dir)
	if in.passed > 0 && in.told != unknown {
		size = in.told
	}
	kept, _ := s.charges.inodes.costs(in)
	i := s.charges.intents.intend(intentSize, intentEnd{
		source: b.source.index, node: sp.node.ID, object: identOf(st), cost: quota.Charge{Bytes: size},
	}, intentEnd{cost: kept})
	defer s.charges.intents.end(i)
	grant.Ticket = i.paper()
	errno = do(w.off, hold.n)
	c.done()
	var change quota.Charge
	if backing.StatFD(fd, st) == 0 {
		change = s.settle(b, in, dir, st, size)
	}
	s.charges.ledger.Settle(grant, change)
	if above, ok := s.parent(sp); ok && st.Nlink > 1 {
		s.readAgain(b, above)
	}
	return errno
}

// truncate makes the file end at size. Only growing needs room.
func (s *Server) truncate(c *call, sp spot, fd int, size int64) syscall.Errno {
	return s.resize(c, sp, fd, span{off: size, whole: true, cut: true}, func(int64, int64) syscall.Errno { return backing.Truncate(fd, size) })
}

// settle notes that the size of a file, of which so many bytes were charged, is
// what st says, and returns what is to be charged now. The caller holds in.mu.
func (s *Server) settle(b *books, in *inode, dir quota.ID, st *backing.Stat, charged int64) quota.Charge {
	size := int64(st.Size)
	in.seen.Store(size)
	in.told = size
	change := quota.Charge{Bytes: size - charged}
	if charged == unknown {
		change = quota.Charge{}
	}
	if st.Nlink == 0 {
		dir, change = quota.ID{}, s.charges.inodes.keep(in, b.source, change)
	}
	if change != (quota.Charge{}) {
		b.tree.Note(dir, in.id, change)
	}
	return change
}
