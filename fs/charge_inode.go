package fs

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/memory"
	"grantfs/fs/node"
	"grantfs/fs/quota"
)

// unknown is the size that was charged of a file that a predecessor's clients write
// to without us.
const unknown = -1

// inode is what is kept for a backing file while somebody has it open or changes
// it, through whichever views and mounts: what it costs is the inode's, not a
// node's.
type inode struct {
	id   quota.ID
	seen atomic.Int64 // its last known size, as a guess at what will be needed

	// mu is held, shared, over a change of data that leaves the size alone, and
	// exclusively over everything else that changes what the file costs.
	mu     sync.RWMutex
	passed int   // handles that write without us; guarded by mu
	told   int64 // the size that was charged, while there are such; guarded by mu
	home   *home // where it was moved to last; nil: where its nodes say; guarded by mu

	// Guarded by the shard's mu.
	uses   int
	opens  int     // handles
	orphan *orphan // nil as long as it has a name
}

// home is where a file is charged.
type home struct {
	source *source
	dir    quota.ID
	born   unix.StatxTimestamp // tells it from another file of its number
}

// inodes holds every inode in use, and those that were moved a short while ago: who
// has one open, or knows it by its old name, would have its growth charged there.
type inodes struct {
	shards [64]inodeShard

	orphans *memory.Slots[orphanRecord]

	mu    sync.Mutex // guards what follows; a leaf
	moved []movedInode
}

type movedInode struct {
	inode *inode
	at    time.Time
}

type inodeShard struct {
	mu   sync.Mutex // guards what follows and what inode says; a leaf
	byID map[quota.ID]*inode
}

func (is *inodes) init(m *memory.Memory) (err error) {
	for i := range is.shards {
		is.shards[i].byID = map[quota.ID]*inode{}
	}
	is.orphans, err = memory.OpenSlots[orphanRecord](m, memory.Orphans, orphanVersion)
	return err
}

func (is *inodes) shard(id quota.ID) *inodeShard { return &is.shards[id.Ino%uint64(len(is.shards))] }

// use returns the inode with that number; end ends the use.
func (is *inodes) use(id quota.ID) *inode {
	sh := is.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	in := sh.byID[id]
	if in == nil {
		in = &inode{id: id}
		in.seen.Store(math.MaxInt64)
		sh.byID[id] = in
	}
	in.uses++
	return in
}

func (is *inodes) end(in *inode) {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.drop(in)
}

// drop needs sh.mu.
func (sh *inodeShard) drop(in *inode) {
	if in.uses--; in.uses == 0 {
		delete(sh.byID, in.id)
	}
}

// open is use for as long as a handle is open; close ends it.
func (is *inodes) open(id quota.ID) *inode {
	in := is.use(id)
	sh := is.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	in.opens++
	return in
}

// move notes where in is now. The caller holds in.mu.
func (is *inodes) move(in *inode, to home) {
	in.home = &to
	is.use(in.id)
	is.mu.Lock()
	defer is.mu.Unlock()
	is.moved = append(is.moved, movedInode{in, time.Now()})
}

// forget ends the use of inodes that were moved before a time.
func (is *inodes) forget(before time.Time) {
	is.mu.Lock()
	n := 0
	for n < len(is.moved) && is.moved[n].at.Before(before) {
		n++
	}
	old := slices.Clone(is.moved[:n])
	is.moved = slices.Delete(is.moved, 0, n)
	is.mu.Unlock()
	for _, m := range old {
		is.end(m.inode)
	}
}

// isOpen reports whether anybody has in open.
func (is *inodes) isOpen(in *inode) bool {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return in.opens > 0
}

// close returns what is free now, if that was the last handle of a file that has
// lost its name.
func (is *inodes) close(in *inode) *orphan {
	sh := is.shard(in.id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var free *orphan
	if in.opens--; in.opens == 0 {
		free, in.orphan = in.orphan, nil
	}
	sh.drop(in)
	return free
}

// lockBoth locks two inodes, which may be the same or nil, in one order for all.
func lockBoth(a, b *inode) (unlock func()) {
	switch {
	case a == nil || a == b:
		a, b = b, nil
	case b != nil && (b.id.Dev < a.id.Dev || b.id.Dev == a.id.Dev && b.id.Ino < a.id.Ino):
		a, b = b, a
	}
	if a == nil {
		return func() {}
	}
	a.mu.Lock()
	if b == nil {
		return a.mu.Unlock
	}
	b.mu.Lock()
	return func() {
		b.mu.Unlock()
		a.mu.Unlock()
	}
}

func inodeOf(sp spot) quota.ID { return quota.ID{Dev: sp.node.Dev, Ino: sp.node.Ino} }

// opened begins to count a handle. Of one that writes without us it notes what is
// charged already.
func (s *Server) opened(h *handle, sp spot) {
	if h.stream != nil || h.node.Kind == node.KindVirtual {
		return
	}
	if h.inode == nil { // it was made just now
		h.inode = s.charges.inodes.open(inodeOf(sp))
	}
	if h.mode != Passthrough || !h.write {
		return
	}
	var st backing.Stat
	in := h.inode
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.passed == 0 && s.stat(sp, &st) == 0 {
		in.told = int64(st.Size)
	}
	in.passed++
}

// openedBefore is opened for a handle of a predecessor's: what was charged of its
// file is not known.
func (s *Server) openedBefore(h *handle) {
	if h.stream != nil || h.node.Kind == node.KindVirtual {
		return
	}
	h.inode = s.charges.inodes.open(quota.ID{Dev: h.node.Dev, Ino: h.node.Ino})
	if h.mode == Passthrough && h.write {
		h.inode.passed++
		h.inode.told = unknown
	}
}

// closed ends opened: what was written without us is charged, and what has no
// name any more is free when nobody has it open.
func (s *Server) closed(h *handle) {
	in := h.inode
	if in == nil {
		return
	}
	p := s.charges.enter()
	defer p.leave()
	if h.mode == Passthrough && h.write {
		s.reconcile(p, h)
	}
	s.letGoOf(p, in)
}

// notOpened ends what an open began that did not become a handle.
func (s *Server) notOpened(h *handle) {
	if h.inode == nil {
		return
	}
	p := s.charges.enter()
	defer p.leave()
	s.letGoOf(p, h.inode)
}

// reconcile charges what was written through a handle without us. A count
// meanwhile may have found some of it: the directory is counted again.
func (s *Server) reconcile(p *plan, h *handle) {
	in := h.inode
	in.mu.Lock()
	defer in.mu.Unlock()
	in.passed--
	n := s.nodes.Get(h.node.ID)
	v := s.views.at(h.node.View)
	r := s.rulesOf(v)
	if n == nil || r.view == nil {
		return // the next count finds what was written
	}
	w := s.locate(n, v, r)
	if w == nil {
		return
	}
	sp := spot{n, w, v, r}
	fd, errno := s.objectFD(sp)
	if errno != 0 {
		return
	}
	defer fd.Release()
	var st backing.Stat
	if backing.StatFD(fd.Num(), &st) != 0 {
		return
	}
	b, dir, errno := s.booksOver(p, sp, in, &st)
	if errno != 0 {
		return
	}
	b.tree.Enter(dir)
	defer b.tree.Leave(dir)
	if backing.StatFD(fd.Num(), &st) != 0 {
		return
	}
	s.charges.ledger.Add(b.set, s.settle(b, in, dir, &st, in.told))
	if above, ok := s.parent(sp); ok {
		s.readAgain(b, above)
	}
}

// handleOf returns the file handle of the directory behind a spot, zero where it
// has none.
func (s *Server) handleOf(dir spot) backing.Handle {
	if dir.node.Kind == node.KindBacked {
		return dir.node.Object.Handle
	}
	if root := s.pinned(dir.source(s)); root != nil && root.HasHandles() {
		object, _ := root.Object() // which is no descriptor then
		return object.Handle
	}
	return backing.Handle{}
}
