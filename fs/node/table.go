package node

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// RootID is the id of the mount's root (FUSE_ROOT_ID).
const RootID = 1

const cacheSize = 1 << 14 // Nodes that are kept

// ErrFull is returned when no more nodes can be known, of one view or at all.
var ErrFull = errors.New("the node table is full")

// ErrCycle is returned for a directory found below itself: what is known of the
// tree above it is out of date, for another view or somebody beside the mount
// has moved it.
var ErrCycle = errors.New("a directory lies below itself")

// ErrGone is returned for a place in a directory that is no live node.
var ErrGone = errors.New("the directory is not known any more")

// Table holds every live node. Safe for concurrent use.
type Table struct {
	onFree func(id uint64)
	// cache holds Nodes by index; written with mu held, so that each that is
	// found there is what its slot says.
	cache [cacheSize]atomic.Pointer[Node]

	mu         sync.Mutex // guards everything below and the body of every slot
	slots      slots
	index      index
	live       int
	views      []int                     // live nodes by view
	pinned     map[uint64]backing.Object // of directories whose source has no handles
	soft, hard int
}

func newTable(grow Grow, first uint32, onFree func(id uint64)) *Table {
	t := &Table{onFree: onFree, pinned: map[uint64]backing.Object{}, soft: viewSoft, hard: viewHard}
	t.slots.grow, t.slots.first = grow, first
	t.index.init(&t.slots)
	return t
}

// NewTable returns a table that holds the mount's root only, in memory from
// grow. Its ids begin with the generation first: 0, or where the kernel may still
// hold ids of another table, one that those have not reached. onFree is called
// without a lock for each node that nobody knows any more. The error is grow's.
func NewTable(grow Grow, first uint32, onFree func(id uint64)) (*Table, error) {
	t := newTable(grow, first, onFree)
	root, err := t.slots.take()
	if err != nil {
		return nil, err
	}
	s := t.slots.at(root)
	s.body = body{kind: KindTop, typ: policy.TypeDir, lookups: 1}
	s.head.Store(stateNode) // of the generation 0, in every table
	return t, nil
}

// Close releases what nodes hold in this process. No node may be used any more;
// the memory is its owner's.
func (t *Table) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, o := range t.pinned {
		o.Close()
		delete(t.pinned, id)
	}
}

// Get returns the node with the given id, nil if there is none (any more).
func (t *Table) Get(id uint64) *Node {
	if n := t.cache[uint32(id)%cacheSize].Load(); n != nil && n.ID == id {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.find(id); ok {
		return t.load(i, nil)
	}
	return nil
}

// find returns the index of a live node.
func (t *Table) find(id uint64) (uint32, bool) {
	i := uint32(id)
	s := t.slots.node(i)
	return i, s != nil && s.gen() == id>>indexBits
}

// load returns the Node of a slot, from the cache or made anew, with the rules
// that were found for its place, if any.
func (t *Table) load(i uint32, found *Where) *Node {
	id := t.slots.id(i)
	at := &t.cache[i%cacheSize]
	if n := at.Load(); n != nil && n.ID == id {
		n.found(found)
		return n
	}
	s := t.slots.at(i)
	n := &Node{ID: id, table: t, slot: s, Identity: Identity{
		Kind: s.kind, Type: s.typ, View: s.view, Source: s.source, Root: s.root, Ino: s.ino, Dev: s.dev,
		Object: backing.Object{Handle: s.handle},
	}}
	if o, ok := t.pinned[id]; ok {
		n.Object = o
	}
	if s.parent != 0 {
		n.first = Where{Parent: t.slots.id(s.parent), Name: t.slots.name(s), Depth: int(s.depth), Lost: s.lost}
	}
	if found != nil {
		n.first.Place, n.first.Epoch = found.Place, found.Epoch
	}
	n.where.Store(&n.first)
	at.Store(n)
	return n
}

// found notes the rules that were found for the place of n, and how deep that is:
// the one known was perhaps found while a directory above lay elsewhere.
func (n *Node) found(where *Where) {
	w := n.where.Load()
	if where == nil || w.Place == where.Place && w.Epoch == where.Epoch && w.Depth == where.Depth {
		return
	}
	now := *w
	now.Place, now.Epoch, now.Depth = where.Place, where.Epoch, where.Depth
	n.where.Store(&now)
}

// uncache drops the Node of a slot that is about to say something else.
func (t *Table) uncache(i uint32) {
	at := &t.cache[i%cacheSize]
	if n := at.Load(); n != nil && uint32(n.ID) == i {
		at.Store(nil)
	}
}

// DropRules forgets the rules that were found for the places of nodes.
func (t *Table) DropRules() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.cache {
		t.cache[i].Store(nil)
	}
}

// check stamps n's slot, if that is still n's.
func (t *Table) check(n *Node, at int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.find(n.ID); ok {
		n.slot.checked.Store(at)
	}
}

// Len returns how many nodes are live, the root not counted.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live
}

// key translates a Key; false where its parent is no live node.
func (t *Table) key(k *Key) (key, bool) {
	out := key{ident: ident{root: k.Root, dev: k.Dev, ino: k.Ino, view: k.View, source: k.Source, handle: k.Handle}, name: k.Name}
	ok := true
	if k.Parent != 0 {
		out.keyed |= byParent
		out.parent, ok = t.find(k.Parent)
	}
	if k.Name != "" {
		out.keyed |= byName
	}
	return out, ok
}

// Lookup returns the node of key without counting, nil if there is none.
func (t *Table) Lookup(k Key) *Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	key, ok := t.key(&k)
	if !ok {
		return nil
	}
	if i := t.index.find(&key); i != 0 {
		return t.load(i, nil)
	}
	return nil
}

// Ref returns the node of key at its new place and counts one lookup. If there
// is none it is made from key and id, which must agree; fresh reports that, and
// the table then owns id.Object. The strings are copied. The error is ErrFull,
// ErrDeep, ErrCycle or ErrGone.
func (t *Table) Ref(k Key, id Identity, where Where) (n *Node, fresh bool, err error) {
	var buf [4]dropped
	freed := buf[:0]
	t.mu.Lock()
	key, ok := t.key(&k)
	i := uint32(0)
	if ok {
		i = t.index.find(&key)
	}
	switch {
	case !ok:
		err = ErrGone
	case where.Depth > MaxDepth:
		err = ErrDeep
	case i == 0:
		i, err = t.make(&key, &id, &where)
		fresh = err == nil
	default:
		freed, err = t.move(i, &where, freed)
	}
	if err == nil {
		t.slots.at(i).lookups++
		n = t.load(i, &where)
	}
	t.mu.Unlock()
	t.release(freed)
	return n, fresh, err
}

func (t *Table) make(k *key, id *Identity, where *Where) (uint32, error) {
	parent, ok := t.find(where.Parent)
	switch {
	case !ok:
		return 0, ErrGone
	case t.nodesOf(id.View) >= t.hard:
		return 0, ErrFull
	}
	more, err := t.slots.reserve(where.Name)
	if err != nil {
		return 0, err
	}
	i, err := t.slots.take()
	if err != nil {
		if more != 0 {
			t.slots.give(more)
		}
		return 0, err
	}
	s := t.slots.at(i)
	s.body = body{ident: k.ident, kind: id.Kind, typ: id.Type, parent: parent, depth: depthOf(where)}
	s.setName(where.Name, more)
	s.checked.Store(0)
	s.mark(stateNode)
	t.slots.at(parent).children++
	t.index.insert(i)
	t.count(id.View)
	if id.Object.FD > 0 {
		t.pinned[t.slots.id(i)] = id.Object
	}
	return i, nil
}

func depthOf(w *Where) uint32 { return uint32(min(max(w.Depth, 0), math.MaxUint32)) }

// Move says that n lies at where now. If that can't be, by what is known of the
// tree above, n is Lost until it is looked up again.
func (t *Table) Move(n *Node, where Where) {
	t.mu.Lock()
	var freed []dropped
	if i, ok := t.find(n.ID); ok {
		var err error
		if freed, err = t.move(i, &where, nil); err != nil {
			t.slots.at(i).lost = true
			t.uncache(i)
		} else {
			t.load(i, &where)
		}
	}
	t.mu.Unlock()
	t.release(freed)
}

// move changes the place of a node and drops what nobody knows any more then.
func (t *Table) move(i uint32, where *Where, freed []dropped) ([]dropped, error) {
	s := t.slots.at(i)
	parent, ok := t.find(where.Parent)
	if !ok {
		return freed, ErrGone
	}
	depth := depthOf(where)
	if parent == s.parent && depth == s.depth && !s.lost && t.slots.named(s, where.Name) {
		return freed, nil
	}
	if parent != s.parent {
		if err := t.mayLie(i, parent); err != nil {
			return freed, err
		}
	}
	more, err := t.slots.reserve(where.Name)
	if err != nil {
		return freed, err
	}
	t.index.remove(i)
	t.uncache(i)
	old := s.parent
	s.mark(stateMoving)
	s.parent, s.depth, s.lost = parent, depth, false
	rest := s.setName(where.Name, more)
	s.mark(stateNode)
	t.index.insert(i)
	if rest != 0 {
		t.slots.give(rest)
	}
	if old == parent {
		return freed, nil
	}
	t.slots.at(parent).children++
	t.slots.at(old).children--
	return t.drop(old, freed), nil
}

// mayLie refuses a place for i in parent that is below i or too deep.
func (t *Table) mayLie(i, parent uint32) error {
	var up Ascent
	for p := parent; p != 0; p = t.slots.at(p).parent {
		switch {
		case p == i:
			return ErrCycle
		case t.slots.at(i).children == 0:
			return nil // nothing lies below it
		case !up.Step():
			return ErrDeep
		}
	}
	return nil
}

// Forget takes back count lookups of the node with the given id.
func (t *Table) Forget(id, count uint64) {
	if id == RootID {
		return
	}
	var buf [4]dropped
	freed := buf[:0]
	t.mu.Lock()
	if i, ok := t.find(id); ok {
		s := t.slots.at(i)
		s.lookups -= min(count, s.lookups)
		freed = t.drop(i, freed)
	}
	t.mu.Unlock()
	t.release(freed)
}

// dropped is what is left of a node that was freed, to be released without mu.
type dropped struct {
	id     uint64
	object backing.Object // of a directory that was pinned
}

// drop frees a node and then its ancestors as far as nobody knows them.
func (t *Table) drop(i uint32, freed []dropped) []dropped {
	for i != RootID {
		s := t.slots.at(i)
		if s.lookups != 0 || s.children != 0 {
			break
		}
		id, parent, more := t.slots.id(i), s.parent, s.more
		t.index.remove(i)
		t.uncache(i)
		t.slots.give(i)
		if more != 0 {
			t.slots.give(more)
		}
		t.views[s.view]--
		t.live--
		freed = append(freed, dropped{id, t.pinned[id]})
		delete(t.pinned, id)
		t.slots.at(parent).children--
		i = parent
	}
	return freed
}

func (t *Table) release(freed []dropped) {
	for _, d := range freed {
		t.onFree(d.id)
		d.object.Close()
	}
}
