package limit

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Memory is where the records of one table lie. The zero Memory is ordinary
// memory, which ends with the process.
type Memory struct {
	// Held are the chunks that a predecessor got from its Grow, in any order.
	Held [][]byte
	// Grow returns size bytes of zeroed memory, aligned to 8, that stay where
	// they are.
	Grow func(size int) ([]byte, error)
}

const (
	chunkSize  = 64 << 10
	chunkMagic = 0x74696d696c736667 // "gfslimit", read from memory
	maxAccount = 32                 // product.md §3
)

// kind tells the tables' chunks apart; it changes with the layout of the records.
type kind uint32

const (
	kindRates     kind = 1
	kindTransfers kind = 2
)

// chunkHeader begins each chunk. The magic is written last.
type chunkHeader struct {
	magic atomic.Uint64
	kind  kind
	size  uint32 // of a slot
	_     [48]byte
}

// slot is the place of one record. It is filled before it is marked used, and
// what it held is of no account once it is not.
type slot[R any] struct {
	used    atomic.Uint32
	_       uint32
	account [maxAccount]byte
	entry   Entry
	record  R
}

func (s *slot[R]) key() Key { return Key{accountOf(&s.account), s.entry} }

// accountOf returns the name that zeros follow.
func accountOf(b *[maxAccount]byte) string {
	name, _, _ := bytes.Cut(b[:], []byte{0})
	return string(name)
}

// table keeps records of the pointer-free type R. Its owner serialises the
// calls; the records are the callers' to guard.
type table[R any] struct {
	kind kind
	grow func(size int) ([]byte, error)
	free []*slot[R]
}

// openTable returns the table in m and the records it holds already. A chunk of
// another kind or layout is an error: what it says would be misread.
func openTable[R any](k kind, m Memory) (*table[R], []*slot[R], error) {
	t := &table[R]{kind: k, grow: m.Grow}
	if t.grow == nil {
		t.grow = func(size int) ([]byte, error) { return make([]byte, size), nil }
	}
	var used []*slot[R]
	for i, chunk := range m.Held {
		slots, err := t.slots(chunk)
		if err != nil {
			return nil, nil, fmt.Errorf("chunk %d: %w", i, err)
		}
		for j := range slots {
			if s := &slots[j]; s.used.Load() != 0 {
				used = append(used, s)
			} else {
				t.free = append(t.free, s)
			}
		}
	}
	return t, used, nil
}

// slots returns the slots of a chunk, which is new if it says nothing yet.
func (t *table[R]) slots(chunk []byte) ([]slot[R], error) {
	size := unsafe.Sizeof(slot[R]{})
	if len(chunk) != chunkSize || uintptr(unsafe.Pointer(&chunk[0]))%8 != 0 {
		return nil, fmt.Errorf("%d bytes at %p: want %d, aligned to 8", len(chunk), chunk, chunkSize)
	}
	h := (*chunkHeader)(unsafe.Pointer(&chunk[0]))
	switch {
	case h.magic.Load() == 0:
		h.kind, h.size = t.kind, uint32(size)
		h.magic.Store(chunkMagic)
	case h.magic.Load() != chunkMagic || h.kind != t.kind || h.size != uint32(size):
		return nil, fmt.Errorf("holds kind %d in records of %d bytes: want kind %d in %d", h.kind, h.size, t.kind, size)
	}
	rest := chunk[unsafe.Sizeof(chunkHeader{}):]
	return unsafe.Slice((*slot[R])(unsafe.Pointer(&rest[0])), len(rest)/int(size)), nil
}

// take returns a slot for k whose record fill has written.
func (t *table[R]) take(k Key, fill func(*R)) (*slot[R], error) {
	if len(k.Account) > maxAccount {
		return nil, fmt.Errorf("account name %q is longer than %d bytes", k.Account, maxAccount)
	}
	if len(t.free) == 0 {
		chunk, err := t.grow(chunkSize)
		if err != nil {
			return nil, fmt.Errorf("memory for limits: %w", err)
		}
		slots, err := t.slots(chunk)
		if err != nil {
			return nil, fmt.Errorf("memory for limits: %w", err)
		}
		for i := range slots {
			t.free = append(t.free, &slots[len(slots)-1-i])
		}
	}
	s := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	clear(s.account[:])
	copy(s.account[:], k.Account)
	s.entry = k.Entry
	fill(&s.record)
	s.used.Store(1)
	return s, nil
}

// release gives s back. Nobody may use its record any more.
func (t *table[R]) release(s *slot[R]) {
	s.used.Store(0)
	t.free = append(t.free, s)
}
