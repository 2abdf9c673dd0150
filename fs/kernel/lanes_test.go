package kernel

import (
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lanesHandler takes the node id of a request for its lane. READ hangs until it
// is let go, WRITE pauses.
type lanesHandler struct {
	letGo   chan struct{}
	started sync.Map // unique
	inside  atomic.Int64
	most    atomic.Int64
}

func (h *lanesHandler) Plan(r *Request) Plan {
	return Plan{Lane: r.Header().NodeId, Slow: Opcode(r.Header().Opcode) == OpFsync}
}

func (h *lanesHandler) Handle(r *Request) (int, syscall.Errno) {
	switch Opcode(r.Header().Opcode) {
	case OpRead, OpFsync:
		h.started.Store(r.Header().Unique, true)
		n := h.inside.Add(1)
		for most := h.most.Load(); n > most && !h.most.CompareAndSwap(most, n); most = h.most.Load() {
		}
		<-h.letGo
		h.inside.Add(-1)
	case OpWrite:
		return 0, r.Pause(func(gone <-chan struct{}) syscall.Errno {
			select {
			case <-gone:
				return syscall.EINTR
			case <-h.letGo:
				return 0
			}
		})
	}
	return copy(r.Out, "done"), 0
}

func (w wire) sendTo(lane uint64, op Opcode, unique uint64) {
	w.t.Helper()
	w.sendBody(lane, op, unique, make([]byte, 40))
}

func (w wire) sendBody(lane uint64, op Opcode, unique uint64, body []byte) {
	w.t.Helper()
	in := append(make([]byte, 40), body...)
	binary.NativeEndian.PutUint32(in, uint32(len(in)))
	binary.NativeEndian.PutUint32(in[4:], uint32(op))
	binary.NativeEndian.PutUint64(in[8:], unique)
	binary.NativeEndian.PutUint64(in[16:], lane)
	if _, err := unix.Write(w.fd, in); err != nil {
		w.t.Fatal(err)
	}
}

func (w wire) interrupt(unique uint64) {
	w.t.Helper()
	var body [8]byte
	binary.NativeEndian.PutUint64(body[:], unique)
	w.send(OpInterrupt, unique|1, body[:])
}

// serve runs c with h; the returned function ends it.
func serve(t *testing.T, c *Conn, w wire, h Handler) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Serve(h); err == nil { // a socket ends with an error
			t.Error("Serve returned no error at the end of a socket")
		}
	}()
	return func() {
		unix.Shutdown(w.fd, unix.SHUT_RDWR)
		<-done
	}
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		runtime.Gosched()
	}
}

// TestLaneHangs lets far more requests of one lane hang than there can be
// readers: others are answered, few of the lane's own are under way at once, the
// rest waits and can be interrupted.
func TestLaneHangs(t *testing.T) {
	c, w := connect(t)
	h := &lanesHandler{letGo: make(chan struct{})}
	end := serve(t, c, w, h)
	const hung = 3 * maxReaders
	for i := range uint64(hung) {
		op := OpRead
		if i%3 == 0 {
			op = OpFsync
		}
		w.sendTo(7, op, 100+2*i)
	}
	w.sendTo(8, OpGetattr, 2)
	if unique, errno, _ := w.receive(); unique != 2 || errno != 0 {
		t.Errorf("reply to %d: %v, want one to the other lane", unique, errno)
	}
	waitUntil(t, "all others wait", func() bool { return c.Waiting() == hung-int(h.inside.Load()) && h.inside.Load() >= laneSlots })
	// Those that the readers had begun before they knew come on top.
	if most := h.most.Load(); most > int64(laneSlots+Readers()) {
		t.Errorf("%d requests of the lane were under way at once", most)
	}
	var victim uint64
	for i := range uint64(hung) {
		if _, ok := h.started.Load(100 + 2*i); !ok {
			victim = 100 + 2*i
		}
	}
	w.interrupt(100) // begun: nothing happens
	w.interrupt(victim)
	if unique, errno, _ := w.receive(); unique != victim || errno != syscall.EINTR {
		t.Errorf("reply to %d: %v, want EINTR to %d", unique, errno, victim)
	}
	close(h.letGo)
	seen := map[uint64]bool{}
	for range hung - 1 {
		unique, errno, _ := w.receive()
		if errno != 0 || seen[unique] {
			t.Errorf("reply to %d: %v, seen %v", unique, errno, seen[unique])
		}
		seen[unique] = true
	}
	waitUntil(t, "slots are given back", func() bool { return c.Waiting() == 0 && c.lanes.slots() == 0 })
	end()
}

// TestAlarm lets more requests hang than there can be readers, each of another
// lane or all of none.
func TestAlarm(t *testing.T) {
	for name, lane := range map[string]func(i uint64) uint64{
		"many lanes": func(i uint64) uint64 { return 10 + i },
		"no lane":    func(uint64) uint64 { return 0 },
	} {
		t.Run(name, func(t *testing.T) {
			c, w := connect(t)
			h := &lanesHandler{letGo: make(chan struct{})}
			end := serve(t, c, w, h)
			const hung = 2 * maxReaders
			for i := range uint64(hung) {
				w.sendTo(lane(i), OpRead, 100+2*i)
			}
			w.sendTo(8, OpGetattr, 2)
			if unique, errno, _ := w.receive(); unique != 2 || errno != 0 {
				t.Errorf("reply to %d: %v, want one to the lane that does not hang", unique, errno)
			}
			close(h.letGo)
			for range hung {
				w.receive()
			}
			waitUntil(t, "slots are given back", func() bool { return c.lanes.slots() == 0 })
			end()
		})
	}
}

// TestPause: a request that pauses holds no reader, ends when it is interrupted
// or when the connection ends.
func TestPause(t *testing.T) {
	c, w := connect(t)
	h := &lanesHandler{letGo: make(chan struct{})}
	end := serve(t, c, w, h)
	const paused = 2 * maxReaders
	for i := range uint64(paused) {
		w.sendTo(7+i%8, OpWrite, 100+2*i)
	}
	w.sendTo(7, OpGetattr, 2)
	if unique, errno, _ := w.receive(); unique != 2 || errno != 0 {
		t.Errorf("reply to %d: %v", unique, errno)
	}
	w.interrupt(106)
	if unique, errno, _ := w.receive(); unique != 106 || errno != syscall.EINTR {
		t.Errorf("reply to %d: %v, want EINTR", unique, errno)
	}
	// An interrupt that comes before its request waits.
	w.interrupt(4)
	w.sendTo(7, OpWrite, 4)
	if unique, errno, _ := w.receive(); unique != 4 || errno != syscall.EINTR {
		t.Errorf("reply to %d: %v, want EINTR", unique, errno)
	}
	waitUntil(t, "the others pause", func() bool { return c.Waiting() == paused-1 })
	end() // returns, so nothing pauses any more
	if n := c.Waiting(); n != 0 || c.lanes.slots() != 0 {
		t.Errorf("%d requests wait and %d slots are taken after the end", n, c.lanes.slots())
	}
}

// TestPauseMemory: a request that pauses on a reader keeps the reader's memory, for
// which its lane is charged; another lane's may pause all the same.
func TestPauseMemory(t *testing.T) {
	c, w := connect(t)
	h := &lanesHandler{letGo: make(chan struct{})}
	end := serve(t, c, w, h)
	const most, more = laneBytes / bufferSize, 5
	for i := range uint64(most + more) {
		w.sendTo(7, OpWrite, 100+2*i)
	}
	for range more {
		if unique, errno, _ := w.receive(); errno != syscall.ENOMEM {
			t.Errorf("reply to %d: %v, want ENOMEM", unique, errno)
		}
	}
	w.sendTo(8, OpWrite, 2)
	waitUntil(t, "the others pause", func() bool { return c.Waiting() == most+1 })
	close(h.letGo)
	for range most + 1 {
		if unique, errno, _ := w.receive(); errno != 0 {
			t.Errorf("reply to %d: %v", unique, errno)
		}
	}
	end()
	for key, l := range c.lanes.byKey { // but those that a busy machine has made doubtful
		if l.until == 0 || l.taken != 0 || l.bytes != 0 || l.queue.Len() != 0 {
			t.Errorf("lane %d is kept for nothing: %+v", key, l)
		}
	}
}

func (ls *lanes) slots() int {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.taken
}

// never is the channel of a request that is not interrupted.
func never() <-chan struct{} { return nil }

// TestSlots: a lane has its number of slots, one only in a crowd, and all lanes
// together have a bound.
func TestSlots(t *testing.T) {
	var ls lanes
	ls.init()
	for range laneSlots {
		ls.acquire(1, never)
	}
	var wg sync.WaitGroup
	wg.Go(func() { ls.acquire(1, never) })
	waitUntil(t, "the next waits", func() bool { return ls.waiting.Load() == 1 })
	ls.release(1)
	wg.Wait()
	for key := uint64(2); ls.slots() < crowd; key++ {
		ls.acquire(key, never)
	}
	wg.Go(func() { ls.acquire(2, never) })
	waitUntil(t, "a second of a lane waits in a crowd", func() bool { return ls.waiting.Load() == 1 })
	for key := uint64(1 << 20); ls.slots() < maxSlots; key++ {
		ls.acquire(key, never)
	}
	wg.Go(func() { ls.acquire(1<<30, never) })
	waitUntil(t, "nobody gets more than there are", func() bool { return ls.waiting.Load() == 2 })
	ls.release(2) // both wait for this: the lane's own first
	ls.release(1 << 20)
	wg.Wait()
	if n := ls.slots(); n != maxSlots {
		t.Errorf("%d slots are taken, want %d", n, maxSlots)
	}
}

// TestHandedOver: requests that wait hold no more memory than their lane is
// charged for.
func TestHandedOver(t *testing.T) {
	c, w := connect(t)
	h := &lanesHandler{letGo: make(chan struct{})}
	end := serve(t, c, w, h)
	used := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := used()
	const waiting, size = 100, 70 << 10
	for i := range uint64(waiting + laneSlots) {
		w.sendBody(7, OpFsync, 100+2*i, make([]byte, size))
	}
	waitUntil(t, "all others wait", func() bool { return c.Waiting() == waiting })
	const readers = 16 << 20
	if held, most := used()-before, (waiting+laneSlots)*(size+replyRoom+requestCost)+readers; held > most {
		t.Errorf("%d requests of %d bytes hold %d bytes, want %d at most", waiting+laneSlots, size, held, most)
	}
	close(h.letGo)
	for range waiting + laneSlots {
		w.receive()
	}
	end()
}

// TestRoom: the reply that a request asks for fits, and a list of attributes that
// is shortened afterwards.
func TestRoom(t *testing.T) {
	for _, tt := range []struct {
		op       Opcode
		at       int // of the size in the request
		size     uint32
		wantRoom int
	}{
		{OpRead, 16, 100, replyRoom},
		{OpRead, 16, 1 << 17, 1 << 17},
		{OpReaddirplus, 16, 1 << 31, MaxTransfer},
		{OpGetxattr, 0, 1 << 16, 1 << 16},
		{OpListxattr, 0, 0, 1 << 16},
		{OpListxattr, 0, 9000, 1 << 16},
		{OpMkdir, 0, 1 << 20, replyRoom},
	} {
		in := make([]byte, 40+40)
		binary.NativeEndian.PutUint32(in[4:], uint32(tt.op))
		binary.NativeEndian.PutUint32(in[40+tt.at:], tt.size)
		if got := room(&Request{In: in}); got != tt.wantRoom {
			t.Errorf("room of opcode %d for %d bytes = %d, want %d", tt.op, tt.size, got, tt.wantRoom)
		}
	}
}

// TestLaneMemory: what waits may not take all memory.
func TestLaneMemory(t *testing.T) {
	var ls lanes
	ls.init()
	n := 0
	for ls.admit(1, MaxTransfer) {
		n++
	}
	if n == 0 || n > laneBytes/MaxTransfer {
		t.Errorf("%d requests of %d bytes were admitted", n, MaxTransfer)
	}
	if !ls.admit(2, MaxTransfer) || ls.refused.Load() != 1 {
		t.Error("another lane is refused")
	}
	ls.dismiss(2, MaxTransfer)
	for range n {
		ls.dismiss(1, MaxTransfer)
	}
	if len(ls.byKey) != 0 {
		t.Errorf("%d lanes are kept for nothing", len(ls.byKey))
	}
}
