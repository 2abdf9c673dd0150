package node

import (
	"errors"
	"fmt"
	"unsafe"
)

const (
	indexBits  = 32
	chunkBits  = 12
	chunkSlots = 1 << chunkBits
	maxChunks  = 1 << 14 // 64 million nodes
)

// ChunkSize is how many bytes a table asks for at a time.
const ChunkSize = chunkSlots * slotSize

// Grow returns size more bytes of memory, zeroed and aligned to a page, which
// stay where they are as long as the table is used.
type Grow func(size int) ([]byte, error)

// ErrLayout is returned for memory that is no node table of this version.
var ErrLayout = errors.New("not a node table of this version")

var magic = [8]byte{'g', 'r', 'a', 'n', 't', 'n', 'o', 'd'}

type chunk [chunkSlots]slot

// slots hands out slots by index. The first of each chunk is its header, so 0
// is no slot's index. Guarded by Table.mu.
type slots struct {
	grow   Grow
	first  uint32 // generation of slots that were never used
	chunks []*chunk
	free   uint32 // the first free slot, 0 for none
	next   uint32 // from here on none was ever used
}

func (ss *slots) at(i uint32) *slot { return &ss.chunks[i>>chunkBits][i&(chunkSlots-1)] }

// node returns the slot of a live node, nil if there is none at i.
func (ss *slots) node(i uint32) *slot {
	if int(i>>chunkBits) >= len(ss.chunks) || i&(chunkSlots-1) == 0 {
		return nil
	}
	if s := ss.at(i); s.isNode() {
		return s
	}
	return nil
}

func (ss *slots) id(i uint32) uint64 { return ss.at(i).gen()<<indexBits | uint64(i) }

// take returns a slot that is free, still marked as such.
func (ss *slots) take() (uint32, error) {
	if i := ss.free; i != 0 {
		ss.free = ss.at(i).next
		return i, nil
	}
	if ss.next&(chunkSlots-1) == 0 {
		if len(ss.chunks) == maxChunks {
			return 0, ErrFull
		}
		mem, err := ss.grow(ChunkSize)
		if err == nil {
			err = ss.add(mem)
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrFull, err)
		}
		ss.next++
	}
	ss.next++
	return ss.next - 1, nil
}

// give frees a slot. Its generation goes up: a late request for the old id must
// not reach a new node.
func (ss *slots) give(i uint32) {
	s := ss.at(i)
	if s.gen() == lastGen {
		s.mark(stateFree)
		return
	}
	s.head.Store((s.gen() + 1) << indexBits) // free
	s.next, ss.free = ss.free, i
}

// add appends a chunk: a new one, all zero, or one with the header of its
// number.
func (ss *slots) add(mem []byte) error {
	if len(mem) != ChunkSize || uintptr(unsafe.Pointer(&mem[0]))%8 != 0 {
		return fmt.Errorf("chunk %d of %d bytes: %w", len(ss.chunks), len(mem), ErrLayout)
	}
	h, c := (*chunkHeader)(unsafe.Pointer(&mem[0])), (*chunk)(unsafe.Pointer(&mem[0]))
	want := chunkHeader{magic, layoutVersion, slotSize, uint32(len(ss.chunks)), ss.first}
	if *h == (chunkHeader{}) {
		if ss.first != 0 {
			for i := 1; i < chunkSlots; i++ {
				c[i].head.Store(uint64(ss.first) << indexBits)
			}
		}
		*h = want
	}
	if *h != want {
		return fmt.Errorf("chunk %d: %w", len(ss.chunks), ErrLayout)
	}
	ss.chunks = append(ss.chunks, c)
	return nil
}

// reserve gets the slot for what does not fit into the inline part of name, and
// fills it; 0 where all of it fits.
func (ss *slots) reserve(name string) (uint32, error) {
	if len(name) > maxName {
		return 0, fmt.Errorf("%w: a name of %d bytes", ErrFull, len(name))
	}
	if len(name) <= inlineName {
		return 0, nil
	}
	i, err := ss.take()
	if err != nil {
		return 0, err
	}
	s := ss.at(i)
	copy(s.long().text[:], name[inlineName:])
	s.mark(stateName)
	return i, nil
}

// setName names the node in s; more is what reserve gave for the name. The
// slot that the old name needed is returned, to be freed.
func (s *slot) setName(name string, more uint32) (old uint32) {
	old = s.more
	s.nameLen, s.more = uint8(len(name)), more
	copy(s.name[:], name)
	return old
}

func (ss *slots) name(s *slot) string {
	if s.more == 0 {
		return string(s.name[:s.nameLen])
	}
	return string(s.name[:]) + string(ss.at(s.more).long().text[:s.nameLen-inlineName])
}

func (ss *slots) named(s *slot, name string) bool {
	if int(s.nameLen) != len(name) {
		return false
	}
	if s.more == 0 {
		return string(s.name[:s.nameLen]) == name
	}
	return string(s.name[:]) == name[:inlineName] && string(ss.at(s.more).long().text[:s.nameLen-inlineName]) == name[inlineName:]
}
