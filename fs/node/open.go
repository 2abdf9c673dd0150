package node

import (
	"fmt"
	"unsafe"
)

// Open takes over the chunks of an earlier table, in the order in which it got
// them: the table then answers as that one would have. What it got beyond, it
// gets from grow. ErrLayout says that the memory is not of this version, or is
// damaged; begin anew then, and the kernel's nodes are ESTALE.
//
// A lookup that was counted but not answered is counted again when the kernel
// repeats it: such a node stays until the file system is unmounted.
func Open(chunks [][]byte, grow Grow, onFree func(id uint64)) (*Table, error) {
	t := newTable(grow, 0, onFree)
	for i, mem := range chunks {
		if i == 0 && len(mem) == ChunkSize {
			t.slots.first = (*chunkHeader)(unsafe.Pointer(&mem[0])).first
		}
		if err := t.slots.add(mem); err != nil {
			return nil, err
		}
	}
	t.slots.next = uint32(len(chunks)) << chunkBits
	if s := t.slots.node(RootID); s == nil || s.kind != KindTop {
		return nil, fmt.Errorf("the root is missing: %w", ErrLayout)
	}
	names := map[uint32]bool{}
	t.scan(func(i uint32, s *slot) {
		t.mend(s)
		if s.more != 0 {
			names[s.more] = true
		}
	})
	if err := t.adopt(); err != nil {
		return nil, err
	}
	t.gather(names)
	// Nodes that were made or abandoned at the very end.
	t.scan(func(i uint32, _ *slot) { t.drop(i, nil) })
	return t, nil
}

// Indexes returns the highest indexes of a view and of a source that a node has.
func (t *Table) Indexes() (view, source uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.scan(func(_ uint32, s *slot) { view, source = max(view, s.view), max(source, s.source) })
	return view, source
}

// scan calls f for each slot that is a node when its turn comes.
func (t *Table) scan(f func(i uint32, s *slot)) {
	for i := uint32(RootID); i < t.slots.next; i++ {
		if s := t.slots.node(i); s != nil {
			f(i, s)
		}
	}
}

// mend makes a slot whole that was being changed: the node's parent is the old
// or the new one, its name may be half of each.
func (t *Table) mend(s *slot) {
	s.children = 0
	if s.state() == stateMoving {
		s.lost = true
		s.mark(stateNode)
	}
	rest := s.more>>chunkBits < uint32(len(t.slots.chunks)) && s.more&(chunkSlots-1) != 0 && t.slots.at(s.more).state() == stateName
	if (s.nameLen > inlineName) != rest || !rest && s.more != 0 {
		s.lost, s.more = true, 0
		s.nameLen = min(s.nameLen, inlineName)
	}
}

// adopt counts the nodes and puts them into the index.
func (t *Table) adopt() (err error) {
	t.scan(func(i uint32, s *slot) {
		if i == RootID {
			return
		}
		p := t.slots.node(s.parent)
		if p == nil || s.parent == i {
			err = fmt.Errorf("node %#x has no parent: %w", t.slots.id(i), ErrLayout)
			return
		}
		p.children++
		t.count(s.view)
		if s.keyed&unkeyed == 0 {
			t.index.insert(i)
		}
	})
	return err
}

// gather makes the list of free slots, the lowest first.
func (t *Table) gather(names map[uint32]bool) {
	for i := t.slots.next - 1; i > RootID; i-- {
		if i&(chunkSlots-1) == 0 {
			continue
		}
		switch s := t.slots.at(i); {
		case s.state() == stateName && !names[i]:
			t.slots.give(i)
		case s.state() == stateFree && s.gen() != lastGen:
			s.next, t.slots.free = t.slots.free, i
		}
	}
}
