package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Request is one request and the room for its reply. It is the Handler's until
// the Handler returns.
type Request struct {
	In  []byte // header, structure, names or payload
	Out []byte // room for the reply's body, MaxTransfer bytes at least
}

// Header returns the request's header.
func (r *Request) Header() *fuse.InHeader { return (*fuse.InHeader)(unsafe.Pointer(&r.In[0])) }

// Handler answers requests; its methods are called from several goroutines.
type Handler interface {
	// Handle answers one request: the number of bytes of Out that are the body
	// of the reply, or an errno.
	Handle(r *Request) (int, syscall.Errno)
	// Slow reports whether Handle may wait for more than memory and the page
	// cache; such a request gets a goroutine of its own.
	Slow(r *Request) bool
}

// buffers are one request's memory: kept while the reader lives, or taken
// along by a slow request.
type buffers struct {
	in  []byte
	out []byte
}

type loop struct {
	conn    *Conn
	handler Handler
	base    int // readers that should be reading
	pool    sync.Pool
	wg      sync.WaitGroup

	mu      sync.Mutex // guards what follows
	err     error
	readers map[*reader]struct{}
}

// reader is one goroutine that reads requests.
type reader struct {
	busy atomic.Uint64 // the watchdog's tick when its request began, 0 while it reads
}

// Readers returns how many readers serve a connection: two on small machines,
// more on large ones (measured: more than needed are slower).
func Readers() int { return min(4, max(2, runtime.NumCPU()/2)) }

// Serve answers requests until the mount is gone and every request under way
// has been answered. It returns the first error of a reader.
func (c *Conn) Serve(h Handler) error {
	l := &loop{conn: c, handler: h, base: Readers(), readers: map[*reader]struct{}{}}
	l.pool.New = func() any {
		return &buffers{in: make([]byte, MaxTransfer+inputRoom), out: make([]byte, OutHeaderSize+MaxTransfer+inputRoom)}
	}
	w := l.watch()
	for range l.base {
		l.start(w)
	}
	l.wg.Wait()
	w.stop()
	return l.err
}

// start adds a reader. The caller is a reader itself, or l.wg waits for more.
func (l *loop) start(w *watchdog) {
	r := &reader{}
	l.mu.Lock()
	l.readers[r] = struct{}{}
	l.mu.Unlock()
	l.wg.Add(1)
	go l.run(r, w)
}

func (l *loop) run(me *reader, w *watchdog) {
	defer l.wg.Done()
	defer l.leave(me)
	b := l.pool.Get().(*buffers)
	defer func() { l.pool.Put(b) }()
	for {
		n, err := l.conn.read(b.in)
		if err != nil {
			l.fail(err)
			return
		}
		if n < int(unsafe.Sizeof(fuse.InHeader{})) {
			l.fail(fmt.Errorf("read /dev/fuse: a request of %d bytes", n))
			return
		}
		r := Request{In: b.in[:n], Out: b.out[OutHeaderSize:]}
		if l.handler.Slow(&r) {
			l.wg.Add(1)
			go l.slow(b, n)
			b = l.pool.Get().(*buffers)
			continue
		}
		me.busy.Store(w.tick.Load())
		err = l.answer(b, n)
		me.busy.Store(0)
		if err != nil {
			l.fail(err)
			return
		}
		if w.surplus() {
			return
		}
	}
}

func (l *loop) leave(me *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.readers, me)
}

// slow answers a request whose buffers it owns.
func (l *loop) slow(b *buffers, n int) {
	defer l.wg.Done()
	if err := l.answer(b, n); err != nil {
		l.fail(err)
	}
	l.pool.Put(b)
}

func (l *loop) answer(b *buffers, n int) error {
	r := Request{In: b.in[:n], Out: b.out[OutHeaderSize:]}
	h := *r.Header()
	size, errno := l.handler.Handle(&r)
	if Opcode(h.Opcode).Silent() {
		return nil
	}
	if errno != 0 {
		size = 0
	}
	err := l.conn.write(b.out[:OutHeaderSize+size], h.Unique, errno)
	if err != nil && !errors.Is(err, errDone) && size > 0 {
		// The kernel refuses the reply's form: the caller must not wait for ever.
		return l.conn.write(b.out[:OutHeaderSize], h.Unique, syscall.EIO)
	}
	return err
}

// fail notes the first error and ends the connection: a mount with fewer and
// fewer readers would die without a word.
func (l *loop) fail(err error) {
	if errors.Is(err, errDone) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = errors.Join(err, l.conn.abort())
	}
}
