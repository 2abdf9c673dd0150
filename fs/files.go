package fs

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

// file is what is kept for a regular file that is or was open.
type file struct {
	mu      sync.Mutex // guards backing and failed; held over the registration
	backing int32      // backing id that every open of the inode carries, 0 for none
	failed  bool       // passthrough is not to be had here
	opens   int        // guarded by files.mu
	created bool       // its creator's until the last close; guarded by files.mu
}

// files holds the open state of nodes.
type files struct {
	mu     sync.Mutex // guards byNode and the counts of every file
	byNode map[uint64]*file
}

func (fs *files) init() { fs.byNode = map[uint64]*file{} }

// opened counts one more open of a node.
func (fs *files) opened(id uint64, created bool) *file {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	if f == nil {
		f = &file{}
		fs.byNode[id] = f
	}
	f.opens++
	f.created = f.created || created
	return f
}

// closed counts one open less. A file that was created here remains its
// creator's until the last close (product.md §5).
func (fs *files) closed(id uint64) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	if f == nil {
		return
	}
	f.opens--
	if f.opens <= 0 {
		f.opens, f.created = 0, false
	}
}

// creating reports whether the file was created by this account and has not been
// closed for the last time since.
func (fs *files) creating(id uint64) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	return f != nil && f.created
}

// inUse reports whether the file is open.
func (fs *files) inUse(id uint64) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	return f != nil && f.opens > 0
}

// drop forgets a node's file and gives its backing id back.
func (fs *files) drop(s *Server, id uint64) {
	fs.mu.Lock()
	f := fs.byNode[id]
	delete(fs.byNode, id)
	fs.mu.Unlock()
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.backing != 0 {
		s.conn.CloseBacking(f.backing)
		f.backing = 0
	}
}

// backingID returns the one backing id of the file, registering it at its
// first open; 0 where the kernel or the backing file system can't pass through.
// The id is kept while the kernel knows the node: registering it anew would
// cost more than the open itself.
func (s *Server) backingID(f *file, sp spot) int32 {
	if !s.conn.Features().Passthrough || s.noPassthrough.Load() {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.backing != 0 || f.failed {
		return f.backing
	}
	fd, errno := s.objectFD(sp)
	if errno != 0 {
		return 0
	}
	defer fd.Release()
	id, errno := s.conn.OpenBacking(fd.Num())
	switch errno {
	case 0:
		f.backing = id
	case syscall.EPERM, syscall.ENOTTY, syscall.EINVAL:
		// Not this file's fault: the daemon may not, or the kernel can't.
		f.failed = true
		if !s.noPassthrough.Swap(true) {
			s.opt.Log.Warn("passthrough is not available; reads are mediated", "error", errno)
		}
	default:
		f.failed = true
	}
	return f.backing
}

// dataFD borrows a descriptor for the file's data.
func (s *Server) dataFD(sp spot, write bool) (backing.FD, syscall.Errno) {
	kind, flags := backing.FDRead, unix.O_RDONLY
	if write {
		kind, flags = backing.FDWrite, unix.O_RDWR
	}
	// Should a handle ever lead to something that blocks at open, the reader
	// must not.
	flags |= unix.O_NOFOLLOW | unix.O_NONBLOCK
	return s.fds.Get(sp.node.ID, kind, func() (int, syscall.Errno) {
		root, errno := s.root(sp)
		if errno != 0 {
			return -1, errno
		}
		fd, errno := s.openObject(sp, root, flags)
		if errno != syscall.ESTALE && errno != syscall.ENOENT {
			return fd, errno
		}
		// Unlinked while open: the pinned descriptor still leads to it.
		pinned, ok := s.fds.Borrow(sp.node.ID, backing.FDPath)
		if !ok {
			return -1, errno
		}
		defer pinned.Release()
		return backing.Reopen(pinned.Num(), flags)
	})
}
