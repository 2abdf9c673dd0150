package memory

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	namesMagic = 0x73656d616e736667 // "gfsnames"
	namesChunk = 256 << 10
	maxName    = 4096
)

// namesHeader begins each chunk of a list; strings follow it, each behind its
// length (two bytes).
type namesHeader struct {
	magic atomic.Uint64
	used  atomic.Uint32 // bytes of the chunk, this header included
	_     uint32
}

// Names is a list of strings that only grows; the places in it never change.
// Safe for concurrent use.
type Names struct {
	grow func(size int) ([]byte, error)

	mu   sync.Mutex // guards what follows
	last []byte     // the chunk that is being filled
}

// OpenNames returns the list of an owner and what it holds already, in order.
func OpenNames(m *Memory, o Owner) (*Names, []string, error) {
	n := &Names{grow: m.Grow(o)}
	var list []string
	for i, mem := range m.Held(o) {
		held, err := n.add(mem)
		if err != nil {
			return nil, nil, fmt.Errorf("chunk %d of owner %d: %w", i, o, err)
		}
		list = append(list, held...)
	}
	return n, list, nil
}

func namesOf(mem []byte) *namesHeader { return (*namesHeader)(unsafe.Pointer(&mem[0])) }

// add takes a chunk, one that was filled or a new one, and returns its strings.
func (n *Names) add(mem []byte) ([]string, error) {
	if len(mem) != namesChunk {
		return nil, fmt.Errorf("%d bytes: %w", len(mem), ErrLayout)
	}
	h := namesOf(mem)
	if h.magic.Load() == 0 {
		h.used.Store(uint32(unsafe.Sizeof(*h)))
		h.magic.Store(namesMagic)
	}
	used := int(h.used.Load())
	if h.magic.Load() != namesMagic || used > len(mem) {
		return nil, ErrLayout
	}
	n.last = mem
	var list []string
	for at := int(unsafe.Sizeof(*h)); at < used; {
		length := used
		if at+2 <= used {
			length = int(binary.NativeEndian.Uint16(mem[at:]))
		}
		if at += 2; at+length > used {
			return nil, ErrLayout
		}
		list = append(list, string(mem[at:at+length]))
		at += length
	}
	return list, nil
}

// Append puts a string behind the others.
func (n *Names) Append(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(name) > maxName {
		return fmt.Errorf("a name of %d bytes does not fit", len(name))
	}
	if n.last == nil || int(namesOf(n.last).used.Load())+2+len(name) > namesChunk {
		mem, err := n.grow(namesChunk)
		if err != nil {
			return err
		}
		if _, err := n.add(mem); err != nil {
			return err
		}
	}
	h := namesOf(n.last)
	at := h.used.Load()
	binary.NativeEndian.PutUint16(n.last[at:], uint16(len(name)))
	copy(n.last[at+2:], name)
	h.used.Store(at + 2 + uint32(len(name)))
	return nil
}
