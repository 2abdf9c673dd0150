package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// buffers are a reader's memory.
type buffers struct {
	in      []byte
	out     []byte
	request Request
}

// bufferSize is how much memory buffers have.
const bufferSize = 2*(MaxTransfer+inputRoom) + OutHeaderSize

type loop struct {
	conn       *Conn
	handler    Handler
	base       int // readers that should be reading
	pool       sync.Pool
	wg         sync.WaitGroup
	watchdog   *watchdog
	lanes      *lanes
	interrupts interrupts
	ended      chan struct{} // closed when nothing of it runs any more

	mu      sync.Mutex // guards what follows
	err     error
	readers map[*reader]struct{}
}

// reader is one goroutine that reads requests.
type reader struct {
	// busy is the watchdog's tick when its request began, shifted by one, and
	// stuckBit once the watchdog has noticed that it lasts; 0 while it reads.
	busy atomic.Uint64
	lane atomic.Uint64 // whose request it is
}

const stuckBit = 1

// Readers returns how many readers serve a connection: two on small machines,
// more on large ones (measured: more than needed are slower).
func Readers() int { return min(4, max(2, runtime.NumCPU()/2)) }

// Serve answers requests until the mount is gone, or Drain is called, and every
// request under way has been answered. It returns the first error of a reader.
func (c *Conn) Serve(h Handler) error {
	l := &loop{conn: c, handler: h, base: Readers(), readers: map[*reader]struct{}{}, lanes: &c.lanes, ended: make(chan struct{})}
	l.pool.New = func() any {
		b := &buffers{in: make([]byte, MaxTransfer+inputRoom), out: make([]byte, OutHeaderSize+MaxTransfer+inputRoom)}
		// The kernel ends a request with EIO if we are killed while it waits for a
		// page to copy it to: all of them are there beforehand.
		for i := 0; i < len(b.in); i += pageSize {
			b.in[i] = 0
		}
		return b
	}
	l.lanes.init()
	l.interrupts.init()
	l.watchdog = l.watch()
	for range l.base {
		l.start()
	}
	c.loop.Store(l)
	l.wg.Wait()
	l.watchdog.stop()
	close(l.ended)
	return l.err
}

// start adds a reader. l.wg does not wait yet, or for the caller's goroutine.
func (l *loop) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add()
}

// add is start for a caller that holds mu.
func (l *loop) add() {
	if l.conn.draining.Load() {
		return
	}
	r := &reader{}
	l.readers[r] = struct{}{}
	l.wg.Go(func() { l.run(r) })
}

func (l *loop) run(me *reader) {
	defer l.leave(me)
	b := l.pool.Get().(*buffers)
	defer l.pool.Put(b)
	for !l.conn.draining.Load() {
		n, err := l.conn.read(b.in)
		if errors.Is(err, errDrained) {
			return
		}
		if err != nil {
			l.fail(err)
			return
		}
		if n < int(unsafe.Sizeof(fuse.InHeader{})) {
			l.fail(fmt.Errorf("read /dev/fuse: a request of %d bytes", n))
			return
		}
		r := &b.request
		*r = Request{In: b.in[:n], Out: b.out[OutHeaderSize:], loop: l, on: me}
		if Opcode(r.Header().Opcode) == OpInterrupt {
			if n >= int(unsafe.Sizeof(fuse.InterruptIn{})) {
				l.interrupts.interrupt((*fuse.InterruptIn)(unsafe.Pointer(&r.In[0])).Unique)
			}
			continue
		}
		c := l.conn
		c.journal.receive(r)
		p := l.handler.Plan(r)
		// What comes again may have to wait for another one: see journal.suspect.
		again := r.Header().Unique&resentBit != 0
		if p.Slow || again || !l.lanes.inline(p.Lane) {
			l.handOver(r, b.out, p.Lane)
			continue
		}
		r.lane = p.Lane
		me.lane.Store(p.Lane)
		me.busy.Store(l.watchdog.tick.Load() << 1)
		err = l.answer(r, b.out)
		if err != nil {
			l.fail(err)
		}
		if r.on == nil {
			l.lanes.dismiss(p.Lane, bufferSize)
			return // another reader has taken the place
		}
		l.free(r)
		if err != nil || l.watchdog.surplus() {
			return
		}
	}
}

func (l *loop) leave(me *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.readers, me)
}

// fail ends all waiting, notes the first error and ends the connection: a mount
// with fewer and fewer readers would die without a word. One that is kept is
// drained instead, for a successor to go on.
func (l *loop) fail(err error) {
	l.interrupts.end()
	if errors.Is(err, errDone) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
	case l.conn.kept:
		l.err = err
		l.conn.draining.Store(true)
	default:
		l.err = errors.Join(err, l.conn.abort())
	}
}
