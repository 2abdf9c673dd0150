package fs

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/limit"
	"grantfs/fs/node"
)

// What one account may hold, whatever the others do. An open file costs memory
// only, for descriptors are a cache; an open directory and a file that was
// unlinked while it was open cost a descriptor each.
const (
	accountFiles    = 4096
	accountDirs     = 1024
	accountUnlinked = 1024
	allFiles        = 1 << 20
)

// maxIdle bounds how many descriptors are kept for later use, however many the
// process may have: each keeps an inode in the kernel's memory.
const maxIdle = 16 << 10

// caps bound what accounts hold: one can't exhaust what all share.
type caps struct {
	files    *limit.Cap // EMFILE at open beyond it
	dirs     *limit.Cap // EMFILE
	unlinked *limit.Cap // EBUSY: the file stays rather than losing its data

	mu     sync.Mutex          // guards what follows
	pinned map[uint64]struct{} // nodes that unlinked counts
}

// init splits the descriptors that the process may have: a quarter each for
// what is kept for later use, open directories, unlinked files, and requests
// under way with all the rest.
func (cs *caps) init(descriptors int) {
	quarter := descriptors / 4
	cs.files = limit.NewCap(accountFiles, allFiles)
	cs.dirs = limit.NewCap(accountDirs, quarter)
	cs.unlinked = limit.NewCap(accountUnlinked, quarter)
	cs.pinned = map[uint64]struct{}{}
}

// descriptors returns how many descriptors this process may have. The runtime
// has raised the soft limit to the hard one already.
func descriptors() (int, error) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, err
	}
	return int(min(r.Cur, 1<<20)), nil
}

func (s *Server) capOf(h *handle) *limit.Cap {
	if h.stream != nil {
		return s.caps.dirs
	}
	return s.caps.files
}

// roomFor refuses an open beyond the account's cap, before anything is done
// for it. Root, which lists the accounts, has none.
func roomFor(c *limit.Cap, sp spot) syscall.Errno {
	if sp.node.Kind != node.KindTop && !c.Room(sp.node.View) {
		return syscall.EMFILE
	}
	return 0
}

// keepOpen makes sure that a node whose last name is about to go can still be
// reached by those who have it open; EBUSY if the account has too many such.
func (s *Server) keepOpen(sp spot) syscall.Errno {
	if !s.files.inUse(sp.node.ID) {
		return 0
	}
	fd, errno := s.objectFD(sp)
	switch errno {
	case 0:
	case syscall.ENOENT, syscall.ESTALE:
		return 0 // it has gone already
	default:
		return errno
	}
	defer fd.Release()
	cs := &s.caps
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if _, ok := cs.pinned[sp.node.ID]; ok || !s.files.inUse(sp.node.ID) {
		return 0
	}
	if !cs.unlinked.Room(sp.node.View) {
		return syscall.EBUSY
	}
	cs.unlinked.Take(sp.node.View)
	cs.pinned[sp.node.ID] = struct{}{}
	s.fds.Pin(sp.node.ID)
	if s.vault != nil {
		if err := s.vault.Hold(sp.node.ID, fd.Num()); err != nil {
			s.opt.Log.Warn("a file that is open and has no name any more would not outlive a restart", "error", err)
		}
	}
	return 0
}

// initPinned takes over descriptors that a predecessor had pinned, by node. Those
// of nodes that are not open any more are closed.
func (s *Server) initPinned(held map[uint64]int) {
	cs := &s.caps
	for id, fd := range held {
		n := s.nodes.Get(id)
		if n == nil || !s.files.inUse(id) {
			backing.Close(fd)
			if s.vault != nil {
				s.vault.Drop(id)
			}
			continue
		}
		s.fds.Put(id, backing.FDPath, fd).Release()
		s.fds.Pin(id)
		cs.unlinked.Take(n.View)
		cs.pinned[id] = struct{}{}
	}
}

// unpin takes keepOpen back when nobody has the node open any more.
func (s *Server) unpin(n opened) {
	cs := &s.caps
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if _, ok := cs.pinned[n.ID]; ok && !s.files.inUse(n.ID) {
		delete(cs.pinned, n.ID)
		cs.unlinked.Give(n.View)
		s.fds.Unpin(n.ID)
		if s.vault != nil {
			s.vault.Drop(n.ID)
		}
	}
}
