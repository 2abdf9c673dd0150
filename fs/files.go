package fs

import (
	"container/list"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

const (
	// keptBackings is how many backing ids are kept of files that are not open.
	keptBackings = 4096
	// keptFor is how long what is not used is kept: it holds on to the space of a
	// file that somebody else deletes meanwhile.
	keptFor = 2 * time.Second
)

// file is what is kept for a regular file that is or was open.
type file struct {
	id uint64 // of its node

	mu      sync.Mutex   // held over the registration
	backing atomic.Int32 // backing id that every open of the inode carries, 0 for none; set under mu
	failed  bool         // passthrough is not to be had here; guarded by mu

	// Guarded by files.mu.
	opens   int
	created bool          // its creator's until the last close
	closed  time.Time     // when it was open last
	element *list.Element // in files.idle, nil while it is open
}

// files holds the open state of nodes, and keeps the backing ids of those that
// were open a short while ago: to register one costs more than to open the file.
// An id is only given back while its file is not open, since the kernel refuses
// to open an inode with two backings.
type files struct {
	release func(backing int32)

	mu     sync.Mutex // guards what follows, and what it says of every file
	byNode map[uint64]*file
	idle   *list.List // of *file that are not open, the longest closed in front
}

func (fs *files) init(release func(backing int32)) {
	fs.release, fs.byNode, fs.idle = release, map[uint64]*file{}, list.New()
}

// opened counts one more open of a node.
func (fs *files) opened(id uint64, created bool) *file {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	if f == nil {
		f = &file{id: id}
		fs.byNode[id] = f
	}
	if f.element != nil {
		fs.idle.Remove(f.element)
		f.element = nil
	}
	f.opens++
	f.created = f.created || created
	return f
}

// closed counts one open less. A file that was created here remains its
// creator's until the last close (product.md §5).
func (fs *files) closed(id uint64) {
	fs.mu.Lock()
	f := fs.byNode[id]
	if f == nil {
		fs.mu.Unlock()
		return
	}
	f.opens--
	var old *file
	if f.opens <= 0 {
		f.opens, f.created = 0, false
		f.closed, f.element = time.Now(), fs.idle.PushBack(f)
		if f.backing.Load() == 0 {
			old = f
		} else if fs.idle.Len() > keptBackings {
			old = fs.idle.Front().Value.(*file)
		}
		fs.remove(old)
	}
	fs.mu.Unlock()
	fs.forget(old)
}

// remove takes out a file that is not open, nil for none. The caller holds mu
// and forgets the file afterwards.
func (fs *files) remove(f *file) {
	if f == nil {
		return
	}
	delete(fs.byNode, f.id)
	if f.element != nil {
		fs.idle.Remove(f.element)
		f.element = nil
	}
}

// forget gives back the backing id of a file that was taken out. It may free the
// blocks of a deleted file, which lasts: without the lock.
func (fs *files) forget(f *file) {
	if f == nil {
		return
	}
	if id := f.backing.Swap(0); id != 0 {
		fs.release(id)
	}
}

// expire forgets the files that were closed before a time.
func (fs *files) expire(before time.Time) {
	for {
		fs.mu.Lock()
		var old *file
		if e := fs.idle.Front(); e != nil && e.Value.(*file).closed.Before(before) {
			old = e.Value.(*file)
			fs.remove(old)
		}
		fs.mu.Unlock()
		if old == nil {
			return
		}
		fs.forget(old)
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

// drop forgets the file of a node that the kernel does not know any more.
func (fs *files) drop(id uint64) {
	fs.mu.Lock()
	f := fs.byNode[id]
	fs.remove(f)
	fs.mu.Unlock()
	fs.forget(f)
}

// backingID returns the one backing id of the file, which is open, registering it
// if need be; 0 where the kernel or the backing file system can't pass through.
func (s *Server) backingID(f *file, sp spot) int32 {
	if id := f.backing.Load(); id != 0 {
		return id
	}
	if !s.conn.Features().Passthrough || s.noPassthrough.Load() {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if id := f.backing.Load(); id != 0 || f.failed {
		return id
	}
	fd, errno := s.objectFD(sp)
	if errno != 0 {
		return 0
	}
	defer fd.Release()
	id, errno := s.conn.OpenBacking(fd.Num())
	switch errno {
	case 0:
		f.backing.Store(id)
	case syscall.EPERM, syscall.ENOTTY, syscall.EINVAL:
		// Not this file's fault: the daemon may not, or the kernel can't.
		f.failed = true
		if !s.noPassthrough.Swap(true) {
			s.opt.Log.Warn("passthrough is not available; reads are mediated", "error", errno)
		}
	default:
		f.failed = true
	}
	return id
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

// sweep gives back what has not been used for a while, until the returned
// function is called.
func (s *Server) sweep() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		period := time.NewTicker(keptFor / 2)
		defer period.Stop()
		for {
			select {
			case now := <-period.C:
				s.files.expire(now.Add(-keptFor))
				s.fds.Expire(now.Add(-keptFor))
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
