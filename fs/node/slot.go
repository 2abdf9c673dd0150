package node

import (
	"sync/atomic"
	"unsafe"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// layoutVersion changes with every change of slot, backing.Handle or the
// meaning of a field: memory of another version is not taken over.
const layoutVersion = 3

const (
	slotSize   = 192
	inlineName = 80
	restOfName = slotSize - 2*8 // in a slot of its own
	maxName    = 255
)

// slot is one node in memory that may outlive the process.
type slot struct {
	stamps
	body
}

// stamps are read without Table.mu, also by those who don't know yet that the
// slot is another's by now: what is not atomic must not lie there.
type stamps struct {
	head    atomic.Uint64 // generation<<indexBits | state
	checked atomic.Int64
}

// body is the part of a slot that Table.mu guards.
type body struct {
	ident
	hash     uint32 // of the key; means nothing to another process
	next     uint32 // in the bucket, or of the free slots
	parent   uint32 // index, 0 for the mount's root alone
	depth    uint32
	lookups  uint64
	children uint32
	more     uint32 // index of the slot with the rest of the name, 0 for none
	kind     Kind
	typ      policy.FileType
	lost     bool
	nameLen  uint8
	name     [inlineName]byte
}

// ident is the part of a key that does not depend on the node's place.
type ident struct {
	root, dev, ino uint64
	view, source   uint32
	handle         backing.Handle
	keyed          uint8
}

// What else is part of a node's key.
const (
	byParent uint8 = 1 << iota
	byName
	unkeyed // another node has the key: this one is known by its id alone
)

// longName is a slot that holds the rest of another's name.
type longName struct {
	stamps
	text [restOfName]byte
}

// chunkHeader is what lies in the first slot of a chunk.
type chunkHeader struct {
	magic   [8]byte
	version uint32
	size    uint32 // of a slot
	number  uint32 // of the chunk, from 0
	first   uint32 // generation of slots that were never used
}

// The layout is what it says: neither constant may be negative.
const (
	_ = uint(slotSize - unsafe.Sizeof(slot{}))
	_ = uint(unsafe.Sizeof(slot{}) - slotSize)
	_ = uint(slotSize - unsafe.Sizeof(longName{}))
	_ = uint(slotSize - unsafe.Sizeof(chunkHeader{}))
	_ = uint(inlineName + restOfName - maxName)
)

// States of a slot, in its head.
const (
	stateFree   uint64 = 0 // zeroed memory is free
	stateNode   uint64 = 1
	stateMoving uint64 = 2 // a node whose place is being changed
	stateName   uint64 = 3 // the rest of a name
)

const (
	stateMask = 0xff
	lastGen   = 1<<32 - 1 // a slot with it is not used again
)

func (s *slot) gen() uint64   { return s.head.Load() >> indexBits }
func (s *slot) state() uint64 { return s.head.Load() & stateMask }

// mark sets the state and keeps the generation. What was written to the slot
// before is there once the mark is.
func (s *slot) mark(state uint64) { s.head.Store(s.gen()<<indexBits | state) }

func (s *slot) isNode() bool {
	state := s.state()
	return state == stateNode || state == stateMoving
}

func (s *slot) long() *longName { return (*longName)(unsafe.Pointer(s)) }
