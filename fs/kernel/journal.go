package kernel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/fs/memory"
)

const (
	// resentBit is FUSE_UNIQUE_RESEND: the request was read before, by this process
	// or by one that has died.
	resentBit = 1 << 63
	// poison is how many processes a request may end: with the last one it is
	// answered EIO.
	poison = 2
	// maxAge is for how many processes the note of a request is kept that does not
	// come again: it was answered, or its caller was killed.
	maxAge = 8
	// suspectPatience is how long a request that a process has died with waits for
	// another one: what lasts longer, or hangs, is not what ends processes.
	suspectPatience = time.Second
	// lastRead marks the entry of the largest unique.
	lastRead = 2
	// uniqueStep is FUSE_REQ_ID_STEP: by that much requests differ.
	uniqueStep = 2
	// near is how far from the last one that was noted requests are looked for that
	// were read and not noted any more.
	near = 512 * uniqueStep
	// NoteSize is the size of a Note.
	NoteSize = 128

	journalVersion = 1
)

// Note is what a Handler writes down of a request while it executes it, for the
// process that gets the request again. It is zero at first.
type Note [NoteSize]byte

// entry is one request that is being executed, where a successor finds it.
type entry struct {
	unique    atomic.Uint64 // 0 for none; written last
	executing atomic.Uint32 // 1 from when its Handler is called; lastRead: see journal.last
	deaths    uint32        // processes that have died with it
	age       uint32        // processes since it was executed
	noted     atomic.Uint32 // 1 once the note may be anything else than zero
	note      Note
}

// journal knows what is being executed. Safe for concurrent use.
type journal struct {
	// suspect holds one value while one of the requests that a process has died with
	// is executed: the next death tells which of them it was.
	suspect chan struct{}

	mu     sync.Mutex // guards what follows; a leaf
	slots  *memory.Slots[entry]
	free   []*entry
	before map[uint64]*entry // by unique: of predecessors, not come again yet
	last   *entry            // its unique is the largest that was read, nil for none
}

// OpenJournal notes from now on in m what is being executed, and takes over what a
// predecessor was executing. It must be called before Resend and Serve; without it
// requests that come again are executed like others.
func (c *Conn) OpenJournal(m *memory.Memory) error {
	slots, err := memory.OpenSlots[entry](m, memory.Journal, journalVersion)
	if err != nil {
		return err
	}
	j := &journal{slots: slots, suspect: make(chan struct{}, 1), before: map[uint64]*entry{}}
	for _, e := range slots.Used() {
		unique := e.unique.Load()
		if e.executing.Load() == lastRead {
			j.last = e
			continue
		}
		switch {
		case e.executing.Load() != 0:
			e.deaths++
			e.age = 0
			e.executing.Store(0)
		default:
			e.age++
		}
		if unique == 0 || e.age > maxAge {
			e.clear()
			j.free = append(j.free, e)
		} else {
			j.before[unique] = e
		}
	}
	if j.last == nil {
		if j.last = j.take(); j.last != nil {
			j.last.executing.Store(lastRead)
		}
	}
	c.journal = j
	return nil
}

// clear makes e nobody's.
func (e *entry) clear() {
	e.unique.Store(0)
	e.executing.Store(0)
	e.deaths, e.age = 0, 0
	if e.noted.Load() != 0 {
		e.note = Note{}
		e.noted.Store(0)
	}
}

// receive notes that r was read.
func (j *journal) receive(r *Request) {
	h := r.Header()
	if j == nil || Opcode(h.Opcode).Silent() {
		return
	}
	unique := h.Unique &^ resentBit
	j.mu.Lock()
	defer j.mu.Unlock()
	e := j.before[unique]
	if e != nil && h.Unique&resentBit != 0 {
		delete(j.before, unique)
	} else if e = j.take(); e != nil {
		e.unique.Store(unique)
	}
	if j.last != nil && unique > j.last.unique.Load() {
		j.last.unique.Store(unique)
	}
	r.entry, r.resent = e, h.Unique&resentBit != 0 // without memory it is executed all the same
}

// execute notes that r is being executed; EIO if it must not be, because it has
// ended too many processes.
func (j *journal) execute(r *Request) syscall.Errno {
	if r.entry == nil {
		return 0
	}
	if r.entry.deaths >= poison {
		return syscall.EIO
	}
	if r.entry.deaths > 0 {
		patience := time.NewTimer(suspectPatience)
		select {
		case j.suspect <- struct{}{}:
			r.suspect = true
		case <-patience.C:
		}
		patience.Stop()
	}
	r.entry.executing.Store(1)
	return 0
}

// rest notes that r is not being executed, for now.
func (j *journal) rest(r *Request) {
	if r.entry == nil {
		return
	}
	r.entry.executing.Store(0)
	if r.suspect {
		r.suspect = false
		<-j.suspect
	}
}

// take returns an entry that is nobody's, nil if there is none. The caller holds
// mu.
func (j *journal) take() *entry {
	if n := len(j.free); n > 0 {
		e := j.free[n-1]
		j.free = j.free[:n-1]
		return e
	}
	_, e, err := j.slots.Take((*entry).clear)
	if err != nil {
		return nil
	}
	return e
}

func (j *journal) give(e *entry) {
	e.clear()
	j.mu.Lock()
	j.free = append(j.free, e)
	j.mu.Unlock()
}

// end notes that r was answered.
func (j *journal) end(r *Request) {
	if r.entry == nil {
		return
	}
	e := r.entry
	j.rest(r)
	r.entry = nil
	j.give(e)
}

// acquit says that this process does not end by what it is executing.
func (j *journal) acquit() {
	if j == nil {
		return
	}
	for _, e := range j.slots.Used() {
		e.executing.CompareAndSwap(1, 0)
	}
}

// Abandon answers EIO to what predecessors have read and not answered, where the
// kernel does not send that again; its callers would wait for ever. undo is told
// what was written down of each. It returns how many there were, and must be called
// before Serve.
func (c *Conn) Abandon(undo func(*Note)) (int, error) {
	j := c.journal
	if j == nil {
		return 0, nil
	}
	n := 0
	for unique, e := range j.before {
		waits, err := c.answer(make([]byte, OutHeaderSize), unique, syscall.EIO)
		if err != nil {
			return n, fmt.Errorf("answer a request of the last process: %w", err)
		}
		if waits {
			n++
			if e.noted.Load() != 0 {
				undo(&e.note)
			}
		}
		delete(j.before, unique)
		j.give(e)
	}
	if j.last == nil {
		return n, nil
	}
	last := j.last.unique.Load()
	for unique := max(last, near+uniqueStep) - near; unique <= last+near; unique += uniqueStep { // 0 is none
		waits, err := c.answer(make([]byte, OutHeaderSize), unique, syscall.EIO)
		if err != nil {
			return n, fmt.Errorf("answer a request of the last process: %w", err)
		}
		if waits {
			n++
		}
	}
	return n, nil
}

// Note returns what is written down of the request.
func (r *Request) Note() *Note {
	if r.entry == nil {
		return new(Note) // nobody will find it
	}
	r.entry.noted.Store(1)
	return &r.entry.note
}

// Resumed reports whether a predecessor has begun to execute the request and
// written something down.
func (r *Request) Resumed() bool { return r.resent && r.entry != nil && r.entry.noted.Load() != 0 }
