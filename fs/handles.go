package fs

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/fs/node"
)

// HandleMode is how the data behind an open handle is reached.
type HandleMode uint8

// The modes.
const (
	Mediated    HandleMode = iota // every request comes here
	Passthrough                   // the kernel reads or writes the backing without us
	Directory
	HandleModes // how many there are
)

// String returns the mode's name in metrics and logs.
func (m HandleMode) String() string {
	return [HandleModes]string{"mediated", "passthrough", "directory"}[m]
}

// handle is one open file or directory.
type handle struct {
	node    *node.Node // as it was at the open: who it is, not where
	pid     uint32     // thread that opened it
	uid     uint32
	mode    HandleMode
	read    bool
	write   bool
	created bool    // by this very open
	stream  *stream // of a directory
	// pace is what limits who moved data through it last, where that depends on
	// the client's address.
	pace atomic.Pointer[sourcePace]
}

// handles are the open handles; a file handle of the protocol is a key here.
type handles struct {
	mu    sync.RWMutex // guards what follows
	items map[uint64]*handle
	modes [HandleModes]int
	next  uint64
}

func (hs *handles) init() { hs.items = map[uint64]*handle{} }

// hold registers a handle and returns its number.
func (s *Server) hold(c *call, h *handle) uint64 {
	h.pid, h.uid = c.head.Pid, c.head.Uid
	if h.stream != nil {
		h.mode = Directory
	}
	s.capOf(h).Take(h.node.View)
	hs := &s.handles
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.modes[h.mode]++
	hs.next++
	hs.items[hs.next] = h
	return hs.next
}

// get returns a handle of the node, EBADF if there is none.
func (hs *handles) get(fh uint64, n *node.Node) (*handle, syscall.Errno) {
	h := hs.at(fh)
	if h == nil || h.node.ID != n.ID {
		return nil, syscall.EBADF
	}
	return h, 0
}

// at returns the handle with a number, nil if there is none.
func (hs *handles) at(fh uint64) *handle {
	hs.mu.RLock()
	defer hs.mu.RUnlock()
	return hs.items[fh]
}

// letGo ends a file's or a directory's handle.
func (s *Server) letGo(fh uint64) {
	hs := &s.handles
	hs.mu.Lock()
	h := hs.items[fh]
	if h != nil {
		delete(hs.items, fh)
		hs.modes[h.mode]--
	}
	hs.mu.Unlock()
	if h == nil {
		return
	}
	s.capOf(h).Give(h.node.View)
	if h.stream != nil {
		h.stream.close()
		return
	}
	if h.write {
		s.wasWritten(h)
	}
	s.files.closed(h.node.ID)
	s.unpin(h.node)
}

// How long a close(2) that has returned is waited for, and how often it is looked
// for: its RELEASE is on the way, perhaps with the other reader.
const (
	closing    = 20 * time.Millisecond
	closingTry = 200 * time.Microsecond
)

// staysOpen reports whether a file is open, and not only because its RELEASE
// has not quite arrived.
func (s *Server) staysOpen(c *call, id uint64) bool {
	if !s.files.inUse(id) {
		return false
	}
	c.request.Pause(func(gone <-chan struct{}) syscall.Errno {
		try := time.NewTicker(closingTry)
		defer try.Stop()
		for end := time.Now().Add(closing); s.files.inUse(id) && time.Now().Before(end); {
			select {
			case <-try.C:
			case <-gone:
				return syscall.EINTR
			}
		}
		return 0
	})
	return s.files.inUse(id)
}

// closeAll releases what handles hold after the last request.
func (s *Server) closeAll() {
	hs := &s.handles
	hs.mu.RLock()
	open := slices.Collect(maps.Keys(hs.items))
	hs.mu.RUnlock()
	for _, fh := range open {
		s.letGo(fh)
	}
}

// all returns the open handles of this moment.
func (hs *handles) all() []*handle {
	hs.mu.RLock()
	defer hs.mu.RUnlock()
	list := make([]*handle, 0, len(hs.items))
	for _, h := range hs.items {
		list = append(list, h)
	}
	return list
}

// OpenHandles returns how many files and directories are open.
func (s *Server) OpenHandles() int {
	s.handles.mu.RLock()
	defer s.handles.mu.RUnlock()
	return len(s.handles.items)
}

// byMode returns how many files and directories are open in each mode.
func (hs *handles) byMode() [HandleModes]int {
	hs.mu.RLock()
	defer hs.mu.RUnlock()
	return hs.modes
}
