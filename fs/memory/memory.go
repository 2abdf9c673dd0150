package memory

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Owner says whose a chunk is. The numbers are part of the layout.
type Owner uint32

// The owners.
const (
	Nodes     Owner = 1
	Handles   Owner = 2
	Files     Owner = 3
	Views     Owner = 4
	Sources   Owner = 5
	Ledger    Owner = 6
	Rates     Owner = 7
	Transfers Owner = 8
	Journal   Owner = 9
	Sessions  Owner = 10
	Intents   Owner = 11
	Orphans   Owner = 12
)

// ErrLayout is returned for memory that is not of this version, or is damaged.
var ErrLayout = errors.New("not memory of this version")

const (
	version       = 1
	pageSize      = 4096
	directorySize = 1 << 20 // header and directory
	maxChunks     = (directorySize - int(unsafe.Sizeof(header{}))) / int(unsafe.Sizeof(entry{}))
)

var magic = [8]byte{'g', 'r', 'a', 'n', 't', 'f', 's', 'm'}

// header begins the file; the directory follows it.
type header struct {
	magic   [8]byte
	version uint32
	epoch   uint32
	count   atomic.Uint32 // of entries that are valid
	_       [44]byte
}

// entry is one chunk, by pages.
type entry struct {
	owner Owner
	at    uint32
	pages uint32
	_     uint32
}

// Memory is the file, mapped. Safe for concurrent use.
type Memory struct {
	fd int

	mu     sync.Mutex // guards what follows and the directory
	base   []byte     // header and directory
	chunks []chunk
}

type chunk struct {
	owner Owner
	mem   []byte
}

// New makes an empty memory.
func New() (*Memory, error) {
	fd, err := unix.MemfdCreate("grantfs", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make the shared memory: %w", err)
	}
	m := &Memory{fd: fd}
	if err := unix.Ftruncate(fd, directorySize); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make the shared memory: %w", err)
	}
	if err := m.mapDirectory(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	m.header().version = version
	m.header().magic = magic
	return m, nil
}

// Open maps the memory that fd refers to, which a predecessor has filled and
// does not use any more; fd is m's from then on, but not after an error. That is
// ErrLayout, or a system call's.
func Open(fd int) (*Memory, error) {
	m := &Memory{fd: fd}
	if err := m.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("take over the shared memory: %w", err), m.unmap())
	}
	return m, nil
}

func (m *Memory) open() error {
	var st unix.Stat_t
	if err := unix.Fstat(m.fd, &st); err != nil {
		return err
	}
	if st.Size < directorySize {
		return fmt.Errorf("%d bytes: %w", st.Size, ErrLayout)
	}
	if err := m.mapDirectory(); err != nil {
		return err
	}
	h := m.header()
	if h.magic != magic || h.version != version || int(h.count.Load()) > maxChunks {
		return ErrLayout
	}
	next := uint32(directorySize / pageSize)
	for i := range h.count.Load() {
		e := m.entry(int(i))
		if e.at != next || e.pages == 0 || (int64(e.at)+int64(e.pages))*pageSize > st.Size {
			return fmt.Errorf("chunk %d: %w", i, ErrLayout)
		}
		next += e.pages
		if err := m.mapChunk(e); err != nil {
			return err
		}
	}
	return nil
}

func (m *Memory) mapDirectory() (err error) {
	m.base, err = unix.Mmap(m.fd, 0, directorySize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the directory of the shared memory: %w", err)
	}
	return nil
}

func (m *Memory) header() *header { return (*header)(unsafe.Pointer(&m.base[0])) }

func (m *Memory) entry(i int) *entry {
	return (*entry)(unsafe.Pointer(&m.base[int(unsafe.Sizeof(header{}))+i*int(unsafe.Sizeof(entry{}))]))
}

func (m *Memory) mapChunk(e *entry) error {
	mem, err := unix.Mmap(m.fd, int64(e.at)*pageSize, int(e.pages)*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map %d pages of the shared memory: %w", e.pages, err)
	}
	m.chunks = append(m.chunks, chunk{e.owner, mem})
	return nil
}

// FD returns the descriptor of the file, to be handed to a successor.
func (m *Memory) FD() int { return m.fd }

// Epoch is another number after each Reset: what was numbered by the memory
// before and is still known outside must not be taken for what is numbered now.
func (m *Memory) Epoch() uint32 { return m.header().epoch }

// FirstGeneration is where the generations of what is numbered in the memory
// begin: it tells the numbers of one epoch from those of another.
func (m *Memory) FirstGeneration() uint32 { return m.Epoch() * (lastGeneration / epochs) }

// Held returns the chunks of an owner in the order they were asked for.
func (m *Memory) Held(o Owner) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list [][]byte
	for _, c := range m.chunks {
		if c.owner == o {
			list = append(list, c.mem)
		}
	}
	return list
}

// Grow returns the function by which an owner gets size more bytes, a multiple
// of the page size, zeroed.
func (m *Memory) Grow(o Owner) func(size int) ([]byte, error) {
	return func(size int) ([]byte, error) { return m.grow(o, size) }
}

func (m *Memory) grow(o Owner, size int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.chunks)
	if size <= 0 || size%pageSize != 0 || n == maxChunks {
		return nil, fmt.Errorf("grow the shared memory by %d bytes, beside %d chunks: %w", size, n, unix.ENOMEM)
	}
	at := uint32(directorySize / pageSize)
	if n > 0 {
		last := m.entry(n - 1)
		at = last.at + last.pages
	}
	e := m.entry(n)
	*e = entry{owner: o, at: at, pages: uint32(size / pageSize)}
	if err := unix.Ftruncate(m.fd, (int64(at)+int64(e.pages))*pageSize); err != nil {
		return nil, fmt.Errorf("grow the shared memory: %w", err)
	}
	if err := m.mapChunk(e); err != nil {
		return nil, err
	}
	m.header().count.Store(uint32(n + 1))
	return m.chunks[n].mem, nil
}

// Close unmaps the memory and closes its descriptor. Nothing that lies in it may
// be used any more.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.unmap(), unix.Close(m.fd))
}

func (m *Memory) unmap() error {
	var errs []error
	for _, c := range m.chunks {
		errs = append(errs, unix.Munmap(c.mem))
	}
	if m.base != nil {
		errs = append(errs, unix.Munmap(m.base))
	}
	m.chunks, m.base = nil, nil
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}
