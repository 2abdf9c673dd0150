package fs

import (
	"sync"
	"syscall"

	"grantfs/fs/node"
)

// handle is one open file or directory.
type handle struct {
	node    *node.Node
	read    bool
	write   bool
	created bool    // by this very open
	stream  *stream // of a directory
}

// handles are the open handles; a file handle of the protocol is a key here.
type handles struct {
	mu    sync.RWMutex // guards what follows
	items map[uint64]*handle
	next  uint64
}

func (hs *handles) init() { hs.items = map[uint64]*handle{} }

func (hs *handles) add(h *handle) uint64 {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.next++
	hs.items[hs.next] = h
	return hs.next
}

// get returns a handle of the node, EBADF if there is none.
func (hs *handles) get(fh uint64, n *node.Node) (*handle, syscall.Errno) {
	hs.mu.RLock()
	h := hs.items[fh]
	hs.mu.RUnlock()
	if h == nil || h.node != n {
		return nil, syscall.EBADF
	}
	return h, 0
}

func (hs *handles) remove(fh uint64) *handle {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	h := hs.items[fh]
	delete(hs.items, fh)
	return h
}

// closeAll releases what handles hold after the last request.
func (hs *handles) closeAll() {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	for fh, h := range hs.items {
		delete(hs.items, fh)
		if h.stream != nil {
			h.stream.close()
		}
	}
}

// OpenHandles returns how many files and directories are open.
func (s *Server) OpenHandles() int {
	s.handles.mu.RLock()
	defer s.handles.mu.RUnlock()
	return len(s.handles.items)
}
