package quota

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Grow returns size more bytes of memory, zeroed and aligned for 64-bit words,
// that stay where they are for good: Go memory, or memory that a successor of
// this process can map too.
type Grow func(size int) ([]byte, error)

// GoMemory is a Grow for a ledger that lives no longer than the process.
func GoMemory(size int) ([]byte, error) {
	words := make([]uint64, size/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size), nil
}

const (
	chunkMagic   = "grantfsq"
	chunkVersion = 1
	chunkSize    = 256 << 10
	maxChunks    = 1 << 16
	maxName      = 4096
)

// header is the beginning of a chunk. The records follow it and grow upwards,
// their names grow downwards from the end. Everything of a record is in place
// before count says that it is there.
type header struct {
	magic   [8]byte
	version uint32
	number  uint32 // of the chunk within its ledger
	count   uint32 // records in use; atomic
	names   uint32 // where the last name begins
	_       [40]byte
}

// record is one bucket: fixed size, no pointers, so that a successor can take it
// over as it lies in memory.
type record struct {
	used     amounts
	reserved amounts
	drift    int64 // bytes that the last reconciliation found
	name     uint32
	nameLen  uint16
	flags    uint16
}

// flagCounted: used comes from a count, with every change since.
const flagCounted = 1 << iota

const (
	headerSize = int(unsafe.Sizeof(header{}))
	recordSize = int(unsafe.Sizeof(record{}))
	maxRecords = (chunkSize - headerSize) / recordSize
)

// chunk is one piece of the ledger's memory.
type chunk struct{ mem []byte }

var (
	errLayout = errors.New("not a chunk of a ledger of this version")
	errFull   = errors.New("the ledger is full")
)

func newChunk(number int, grow Grow) (*chunk, error) {
	if number >= maxChunks {
		return nil, errFull
	}
	mem, err := grow(chunkSize)
	if err != nil {
		return nil, err
	}
	if len(mem) != chunkSize || uintptr(unsafe.Pointer(unsafe.SliceData(mem)))%8 != 0 {
		return nil, fmt.Errorf("%d bytes of memory, not %d aligned ones", len(mem), chunkSize)
	}
	c := &chunk{mem: mem}
	c.begin(number)
	return c, nil
}

func (c *chunk) begin(number int) {
	h := c.header()
	h.version, h.number, h.names = chunkVersion, uint32(number), chunkSize
	copy(h.magic[:], chunkMagic) // last: without it there is no chunk
}

// attachChunk takes over the memory of a chunk that a predecessor filled, or got
// at the very end.
func attachChunk(number int, mem []byte) (*chunk, error) {
	if len(mem) != chunkSize || uintptr(unsafe.Pointer(unsafe.SliceData(mem)))%8 != 0 {
		return nil, errLayout
	}
	c := &chunk{mem: mem}
	h := c.header()
	if h.magic == [len(h.magic)]byte{} {
		c.begin(number)
	}
	if string(h.magic[:]) != chunkMagic || h.version != chunkVersion || int(h.number) != number {
		return nil, errLayout
	}
	end := headerSize + int(h.count)*recordSize
	if h.count > uint32(maxRecords) || h.names > chunkSize || int(h.names) < end {
		return nil, errLayout
	}
	for i := range c.count() {
		r := c.record(i)
		if int(r.name) < end || r.nameLen == 0 || int(r.name)+int(r.nameLen) > chunkSize {
			return nil, errLayout
		}
	}
	return c, nil
}

func (c *chunk) header() *header { return (*header)(unsafe.Pointer(unsafe.SliceData(c.mem))) }

// count returns how many records are in use.
func (c *chunk) count() int { return int(atomic.LoadUint32(&c.header().count)) }

func (c *chunk) record(i int) *record {
	return (*record)(unsafe.Pointer(&c.mem[headerSize+i*recordSize]))
}

// name returns the name of a record without copying it: it never changes.
func (c *chunk) name(i int) string {
	r := c.record(i)
	return unsafe.String(&c.mem[r.name], int(r.nameLen))
}

// add puts a record called name behind the others and returns its index, false
// where it does not fit.
func (c *chunk) add(name string) (int, bool) {
	h := c.header()
	n := int(h.count)
	if headerSize+(n+1)*recordSize > int(h.names)-len(name) {
		return 0, false
	}
	h.names -= uint32(len(name))
	copy(c.mem[h.names:], name)
	r := c.record(n)
	*r = record{name: h.names, nameLen: uint16(len(name))}
	atomic.StoreUint32(&h.count, uint32(n+1))
	return n, true
}
