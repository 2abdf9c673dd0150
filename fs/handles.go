package fs

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/fs/memory"
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

// opened is what a handle knows of its node: who it is, not where. A Node would
// keep the rules of its place, and so the policy of the open, for as long as nobody
// uses the handle.
type opened struct {
	ID       uint64
	View     uint32
	Kind     node.Kind
	Dev, Ino uint64
}

func openedOn(n *node.Node) opened { return opened{n.ID, n.View, n.Kind, n.Dev, n.Ino} }

// handle is one open file or directory.
type handle struct {
	node    opened
	pid     uint32 // thread that opened it
	uid     uint32
	mode    HandleMode
	read    bool
	write   bool
	created bool    // by this very open
	stream  *stream // of a directory
	// pace is what limits who moved data through it last, where that depends on
	// the client's address.
	pace  atomic.Pointer[sourcePace]
	inode *inode // of a file
}

// handleRecord is what a successor must know of a handle.
type handleRecord struct {
	node     uint64
	pid, uid uint32
	mode     HandleMode
	flags    uint8
}

// Flags of a handleRecord.
const (
	handleRead uint8 = 1 << iota
	handleWrite
	handleCreated
)

const handleVersion = 1 // of handleRecord

func (h *handle) record() handleRecord {
	r := handleRecord{node: h.node.ID, pid: h.pid, uid: h.uid, mode: h.mode}
	if h.read {
		r.flags |= handleRead
	}
	if h.write {
		r.flags |= handleWrite
	}
	if h.created {
		r.flags |= handleCreated
	}
	return r
}

// handles are the open handles; a file handle of the protocol is the number of a
// record and a key here.
type handles struct {
	records *memory.Slots[handleRecord]

	mu    sync.RWMutex // guards what follows
	items map[uint64]*handle
	modes [HandleModes]int
}

// initHandles takes over the handles that lie in m, of nodes and files that were
// taken over before. A directory is opened again when it is read.
func (s *Server) initHandles(m *memory.Memory) (err error) {
	hs := &s.handles
	hs.items = map[uint64]*handle{}
	if hs.records, err = memory.OpenSlots[handleRecord](m, memory.Handles, handleVersion); err != nil {
		return err
	}
	for number, r := range hs.records.Used() {
		n := s.nodes.Get(r.node)
		if n == nil {
			hs.records.Give(number)
			continue
		}
		h := &handle{
			node: openedOn(n), pid: r.pid, uid: r.uid, mode: min(r.mode, HandleModes-1),
			read: r.flags&handleRead != 0, write: r.flags&handleWrite != 0, created: r.flags&handleCreated != 0,
		}
		if h.mode == Directory {
			h.stream = &stream{fd: -1, lost: true}
		} else if n.Kind == node.KindVirtual {
			// All of its state is kept elsewhere.
		} else if _, errno := s.files.opened(r.node, false); errno != 0 {
			return errno
		}
		s.capOf(h).Take(h.node.View)
		s.openedBefore(h)
		hs.items[number] = h
		hs.modes[h.mode]++
	}
	s.files.settle()
	return nil
}

// hold registers a handle and returns its number. The error is ENFILE.
func (s *Server) hold(c *call, h *handle, sp spot) (uint64, syscall.Errno) {
	h.pid, h.uid = c.head.Pid, c.head.Uid
	if h.stream != nil {
		h.mode = Directory
	}
	hs := &s.handles
	number, _, err := hs.records.Take(func(r *handleRecord) { *r = h.record() })
	if err != nil {
		return 0, syscall.ENFILE
	}
	c.note().handle = number
	s.capOf(h).Take(h.node.View)
	s.opened(h, sp)
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.modes[h.mode]++
	hs.items[number] = h
	return number, 0
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
	h := hs.at(fh)
	if h == nil {
		return
	}
	if h.stream != nil {
		h.stream.close()
	} else if h.node.Kind == node.KindVirtual {
		if h.write {
			s.closeVirtual(h.node.ID, true) // nobody is left to be told of an error
		}
	} else {
		if h.write {
			s.wasWritten(h)
		}
		s.closed(h)
		s.files.closed(h.node.ID)
		s.unpin(h.node)
	}
	s.capOf(h).Give(h.node.View)
	// Last: while anything is left to do, it is open, for a successor too.
	hs.mu.Lock()
	delete(hs.items, fh)
	hs.modes[h.mode]--
	hs.mu.Unlock()
	hs.records.Give(fh)
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

// closeAll releases what handles hold in this process after the last request. The
// records stay: a successor may go on with them.
func (s *Server) closeAll() {
	for _, h := range s.handles.all() {
		if h.stream != nil {
			h.stream.close()
		}
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
