package fs

import (
	"container/list"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/memory"
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
	*fileRecord
	number uint64 // of the record

	mu     sync.Mutex // held over the registration
	failed bool       // passthrough is not to be had here; guarded by mu

	// Guarded by files.mu.
	opens   int
	closed  time.Time     // when it was open last
	element *list.Element // in files.idle, nil while it is open
}

// fileRecord is what a successor must know of a file, besides the handles.
type fileRecord struct {
	node    uint64
	backing atomic.Int32 // backing id that every open of the inode carries, 0 for none; set under file.mu
	state   atomic.Uint32
}

// Bits of a fileRecord's state.
const (
	fileCreated uint32 = 1 << iota // its creator's until the last close; changed under files.mu
	fileClosing                    // the backing id is being given back
)

const fileVersion = 1 // of fileRecord

// files holds the open state of nodes, and keeps the backing ids of those that
// were open a short while ago: to register one costs more than to open the file.
// An id is only given back while its file is not open, since the kernel refuses
// to open an inode with two backings.
type files struct {
	release func(backing int32)
	records *memory.Slots[fileRecord]

	mu     sync.Mutex // guards what follows, and what it says of every file
	byNode map[uint64]*file
	idle   *list.List // of *file that are not open, the longest closed in front
}

// init takes over what lies in m. Its files count as closed just now until they
// are opened. What a predecessor was about to give back is given back; at most one
// backing id, of a file that was being registered when it died, is nobody's.
func (fs *files) init(m *memory.Memory, release func(backing int32)) (err error) {
	fs.release, fs.byNode, fs.idle = release, map[uint64]*file{}, list.New()
	if fs.records, err = memory.OpenSlots[fileRecord](m, memory.Files, fileVersion); err != nil {
		return err
	}
	now := time.Now()
	for number, r := range fs.records.Used() {
		f := &file{fileRecord: r, number: number}
		if fs.byNode[r.node] != nil || r.state.Load()&fileClosing != 0 {
			fs.forget(f)
			continue
		}
		fs.byNode[r.node] = f
		f.closed, f.element = now, fs.idle.PushBack(f)
	}
	return nil
}

// settle ends what is left of created files that turned out not to be open, after
// the handles of a predecessor were counted.
func (fs *files) settle() {
	for e := fs.idle.Front(); e != nil; {
		f := e.Value.(*file)
		e = e.Next()
		f.state.Store(0)
		if f.backing.Load() == 0 {
			fs.remove(f)
			fs.forget(f)
		}
	}
}

// opened counts one more open of a node. The error is ENFILE.
func (fs *files) opened(id uint64, created bool) (*file, syscall.Errno) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	if f == nil {
		number, record, err := fs.records.Take(func(r *fileRecord) {
			r.node = id
			r.backing.Store(0)
			r.state.Store(0)
		})
		if err != nil {
			return nil, syscall.ENFILE
		}
		f = &file{fileRecord: record, number: number}
		fs.byNode[id] = f
	}
	if f.element != nil {
		fs.idle.Remove(f.element)
		f.element = nil
	}
	f.opens++
	if created {
		f.state.Store(fileCreated)
	}
	return f, 0
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
		f.opens = 0
		f.state.Store(0)
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
// and forgets the file afterwards. Backing ids come again one day: a successor
// must neither use this one nor leave it open.
func (fs *files) remove(f *file) {
	if f == nil {
		return
	}
	f.state.Store(fileClosing)
	delete(fs.byNode, f.node)
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
	if id := f.backing.Load(); id != 0 {
		fs.release(id)
	}
	fs.records.Give(f.number)
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
	return f != nil && f.state.Load()&fileCreated != 0
}

// kept reports whether the file has a backing id, by which the kernel can open it.
func (fs *files) kept(id uint64) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.byNode[id]
	return f != nil && f.backing.Load() != 0
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
				s.charges.inodes.forget(now.Add(-s.opt.EntryTimeout - keptFor))
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
