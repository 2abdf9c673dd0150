package memory

import (
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	slotsMagic     = 0x73746f6c73736667 // "gfsslots"
	slotsChunk     = 64 << 10
	indexBits      = 32
	generationBits = 32
	lastGeneration = 1<<generationBits - 1
)

// slotsHeader begins each chunk of a table.
type slotsHeader struct {
	magic   atomic.Uint64
	size    uint32 // of a slot
	version uint32 // of the record
	_       [48]byte
}

// slot is one record: its generation and whether it is used, in one word.
type slot[T any] struct {
	head  atomic.Uint64 // generation<<32 | 1 if it is used
	value T
}

// Slots is a table of records of a pointer-free type T. A record's number never
// comes back for another one: it carries the generation of its place. Safe for
// concurrent use; what a record says is its user's to guard.
type Slots[T any] struct {
	grow    func(size int) ([]byte, error)
	version uint32
	first   uint32 // generation

	mu     sync.Mutex // guards what follows
	chunks [][]slot[T]
	free   []uint32 // indexes, the next one last
}

// OpenSlots returns the table of an owner, with the records that it holds
// already. version is that of T: memory of another one is ErrLayout.
func OpenSlots[T any](m *Memory, o Owner, version uint32) (*Slots[T], error) {
	t := &Slots[T]{grow: m.Grow(o), version: version, first: m.FirstGeneration()}
	for i, mem := range m.Held(o) {
		if err := t.add(mem); err != nil {
			return nil, fmt.Errorf("chunk %d of owner %d: %w", i, o, err)
		}
	}
	return t, nil
}

// add appends a chunk, one that was filled or a new one.
func (t *Slots[T]) add(mem []byte) error {
	size := int(unsafe.Sizeof(slot[T]{}))
	const before = int(unsafe.Sizeof(slotsHeader{}))
	if len(mem) != slotsChunk {
		return fmt.Errorf("%d bytes: %w", len(mem), ErrLayout)
	}
	slots := unsafe.Slice((*slot[T])(unsafe.Pointer(&mem[before])), (slotsChunk-before)/size)
	h := (*slotsHeader)(unsafe.Pointer(&mem[0]))
	switch {
	case h.magic.Load() == 0:
		h.size, h.version = uint32(size), t.version
		if t.first != 0 {
			for i := range slots {
				slots[i].head.Store(uint64(t.first) << indexBits)
			}
		}
		h.magic.Store(slotsMagic)
	case h.magic.Load() != slotsMagic || h.size != uint32(size) || h.version != t.version:
		return ErrLayout
	}
	first := len(t.chunks) * len(slots)
	t.chunks = append(t.chunks, slots)
	for i := len(slots) - 1; i >= 0; i-- {
		if head := slots[i].head.Load(); head&1 == 0 && head>>indexBits < lastGeneration {
			t.free = append(t.free, uint32(first+i))
		}
	}
	return nil
}

func (t *Slots[T]) at(i uint32) *slot[T] {
	n := len(t.chunks[0])
	return &t.chunks[int(i)/n][int(i)%n]
}

// Take returns the number of a record, which is never 0, and the record, which
// fill has written before it counted as used.
func (t *Slots[T]) Take(fill func(*T)) (uint64, *T, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.free) == 0 {
		mem, err := t.grow(slotsChunk)
		if err == nil {
			err = t.add(mem)
		}
		if err != nil {
			return 0, nil, err
		}
	}
	i := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	s := t.at(i)
	fill(&s.value)
	generation := s.head.Load()>>indexBits + 1
	s.head.Store(generation<<indexBits | 1)
	return generation<<indexBits | uint64(i), &s.value, nil
}

// Give ends the use of a record that Take or Used has returned.
func (t *Slots[T]) Give(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := uint32(number)
	s := t.at(i)
	generation := s.head.Load() >> indexBits
	s.head.Store(generation << indexBits)
	if generation < lastGeneration {
		t.free = append(t.free, i)
	}
}

// Used returns the records in use with their numbers. They may be given back
// meanwhile.
func (t *Slots[T]) Used() iter.Seq2[uint64, *T] {
	return func(yield func(uint64, *T) bool) {
		t.mu.Lock()
		chunks := t.chunks[:len(t.chunks):len(t.chunks)]
		t.mu.Unlock()
		for n, slots := range chunks {
			for i := range slots {
				head := slots[i].head.Load()
				number := head&^(1<<indexBits-1) | uint64(n*len(slots)+i)
				if head&1 != 0 && !yield(number, &slots[i].value) {
					return
				}
			}
		}
	}
}
