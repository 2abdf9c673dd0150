package node

import (
	"errors"
	"sync"
	"sync/atomic"

	"grantfs/policy"
)

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
	maxChunks = 1 << 14 // 64 million nodes
	indexBits = 32
)

type chunk [chunkSize]atomic.Pointer[Node]

// RootID is the id of the mount's root (FUSE_ROOT_ID).
const RootID = 1

// Table holds every live node. Safe for concurrent use.
type Table struct {
	chunks [maxChunks]atomic.Pointer[chunk]
	onFree func(*Node)

	mu    sync.Mutex // guards everything below and the counts of every node
	byKey map[Key]*Node
	free  []uint32 // indexes to use again
	next  uint32
	gens  map[uint32]uint32 // generation of an index that was used before
	live  int
}

// NewTable returns a table that holds the mount's root only. onFree is called
// without a lock for each node that nobody knows any more.
func NewTable(onFree func(*Node)) *Table {
	t := &Table{onFree: onFree, byKey: map[Key]*Node{}, gens: map[uint32]uint32{}, next: RootID + 1}
	root := &Node{ID: RootID, Identity: Identity{Kind: KindTop, Type: policy.TypeDir}, lookups: 1}
	root.where.Store(&Where{})
	t.slot(RootID).Store(root)
	return t
}

func (t *Table) slot(index uint32) *atomic.Pointer[Node] {
	p := &t.chunks[index>>chunkBits]
	c := p.Load()
	if c == nil {
		c = new(chunk)
		if !p.CompareAndSwap(nil, c) {
			c = p.Load()
		}
	}
	return &c[index&(chunkSize-1)]
}

// Get returns the node with the given id, nil if there is none (any more).
func (t *Table) Get(id uint64) *Node {
	index := uint32(id)
	if index>>chunkBits >= maxChunks {
		return nil
	}
	c := t.chunks[index>>chunkBits].Load()
	if c == nil {
		return nil
	}
	n := c[index&(chunkSize-1)].Load()
	if n == nil || n.ID != id {
		return nil
	}
	return n
}

// Len returns how many nodes are live, the root not counted.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live
}

// ErrFull is returned when no more nodes can be known.
var ErrFull = errors.New("the node table is full")

// ErrCycle is returned for a directory found below itself: what is known of the
// tree above it is out of date, for another view or somebody beside the mount
// has moved it.
var ErrCycle = errors.New("a directory lies below itself")

// Ref returns the node of key at its new place and counts one lookup. If there
// is none it is made from id; fresh reports that. The error is ErrFull or
// ErrCycle.
func (t *Table) Ref(key Key, id Identity, where Where) (n *Node, fresh bool, err error) {
	t.mu.Lock()
	var freed []*Node
	if n = t.byKey[key]; n == nil {
		n, err = t.make(key, id, where)
		fresh = err == nil
	} else if freed, err = t.move(n, where); err == nil {
		n.lookups++
	}
	t.mu.Unlock()
	t.release(freed)
	return n, fresh, err
}

func (t *Table) make(key Key, id Identity, where Where) (*Node, error) {
	index, ok := t.index()
	if !ok {
		return nil, ErrFull
	}
	n := &Node{ID: uint64(t.gens[index])<<indexBits | uint64(index), Identity: id, key: key, lookups: 1}
	if _, err := t.move(n, where); err != nil {
		return nil, err // impossible: nothing lies below a new node
	}
	t.byKey[key] = n
	t.slot(index).Store(n)
	t.live++
	return n, nil
}

func (t *Table) index() (uint32, bool) {
	if k := len(t.free); k > 0 {
		index := t.free[k-1]
		t.free = t.free[:k-1]
		return index, true
	}
	if t.next>>chunkBits >= maxChunks {
		return 0, false
	}
	t.next++
	return t.next - 1, true
}

// Move says that n lies at where now. If that can't be, by what is known of the
// tree above, n is Lost until it is looked up again.
func (t *Table) Move(n *Node, where Where) {
	t.mu.Lock()
	freed, err := t.move(n, where)
	if err != nil {
		n.where.Store(&Where{Parent: n.parent, Lost: true})
	}
	t.mu.Unlock()
	t.release(freed)
}

func (t *Table) move(n *Node, where Where) (freed []*Node, err error) {
	old := n.parent
	if old != where.Parent {
		for p := where.Parent; p != nil; p = p.parent {
			if p == n {
				return nil, ErrCycle
			}
		}
	}
	if w := n.where.Load(); w == nil || *w != where {
		n.where.Store(&where)
	}
	if old == where.Parent {
		return nil, nil
	}
	where.Parent.children++
	n.parent = where.Parent
	if old != nil {
		old.children--
		freed = t.drop(old, nil)
	}
	return freed, nil
}

// Lookup returns the node of key without counting, nil if there is none.
func (t *Table) Lookup(key Key) *Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byKey[key]
}

// Forget takes back count lookups of the node with the given id.
func (t *Table) Forget(id, count uint64) {
	n := t.Get(id)
	if n == nil || id == RootID {
		return
	}
	t.mu.Lock()
	if count > n.lookups {
		count = n.lookups
	}
	n.lookups -= count
	freed := t.drop(n, nil)
	t.mu.Unlock()
	t.release(freed)
}

// drop frees n and then its ancestors as far as nobody knows them.
func (t *Table) drop(n *Node, freed []*Node) []*Node {
	for n != nil && n.lookups == 0 && n.children == 0 && !n.freed && n.ID != RootID {
		n.freed = true
		if t.byKey[n.key] == n {
			delete(t.byKey, n.key)
		}
		index := uint32(n.ID)
		t.slot(index).Store(nil)
		// A new node at this index gets another id: a late request for the old
		// one must not reach it.
		t.gens[index]++
		t.free = append(t.free, index)
		t.live--
		freed = append(freed, n)
		parent := n.parent
		n.parent = nil
		if parent != nil {
			parent.children--
		}
		n = parent
	}
	return freed
}

func (t *Table) release(freed []*Node) {
	for _, n := range freed {
		t.onFree(n)
	}
}

// All calls f for every live node until it returns false. Nodes that come or go
// meanwhile may be missed.
func (t *Table) All(f func(*Node) bool) {
	t.mu.Lock()
	nodes := make([]*Node, 0, len(t.byKey))
	for _, n := range t.byKey {
		nodes = append(nodes, n)
	}
	t.mu.Unlock()
	for _, n := range nodes {
		if !f(n) {
			return
		}
	}
}
