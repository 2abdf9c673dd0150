package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Request is one request and the room for its reply. It is the Handler's until
// the Handler returns.
type Request struct {
	In  []byte // header, structure, names or payload
	Out []byte // room for the body of the reply that the request asks for

	loop *loop
	on   *reader // the reader that answers it, nil if none does (any more)
	lane uint64
	slot bool // it has a slot of its lane

	entry   *entry // of the journal
	resent  bool   // it was read before
	suspect bool   // it is in journal.suspect
}

// Header returns the request's header.
func (r *Request) Header() *fuse.InHeader { return (*fuse.InHeader)(unsafe.Pointer(&r.In[0])) }

// Plan says how a request is to be answered.
type Plan struct {
	// Lane is whose request it is. Requests of one lane that last share its
	// slots and wait for one another; 0 waits for nobody.
	Lane uint64
	// Slow: it may wait for more than memory and the page cache, so no reader
	// begins it.
	Slow bool
}

// Handler answers requests; its methods are called from several goroutines.
type Handler interface {
	// Plan is asked before Handle, on a reader: it must not wait.
	Plan(r *Request) Plan
	// Handle answers one request: the number of bytes of Out that are the body
	// of the reply, or an errno.
	Handle(r *Request) (int, syscall.Errno)
}

// Pause runs f, which waits for something else than the backing (for a rate,
// say). No reader and no slot of its lane is held meanwhile. f must return soon
// after gone is closed: the caller has got a signal or the connection has
// ended. Pause returns f's errno, or EINTR if the request was interrupted while
// it waited for a slot to go on.
//
// A request that is known beforehand to pause should be planned as Slow: it
// then holds no more memory than it needs. Any other keeps the reader's, which its
// lane is charged for: ENOMEM, without f, if that has too much already.
func (r *Request) Pause(f func(gone <-chan struct{}) syscall.Errno) syscall.Errno {
	l := r.loop
	if l == nil { // of no connection
		return f(nil)
	}
	if r.on != nil {
		if !l.lanes.admit(r.lane, bufferSize) {
			return syscall.ENOMEM
		}
		l.free(r)
		l.start()
		l.leave(r.on)
		r.on = nil
	}
	l.giveBack(r)
	l.conn.journal.rest(r)
	unique := r.Header().Unique
	gone := l.interrupts.enter(unique)
	defer l.interrupts.leave(unique)
	l.lanes.waiting.Add(1)
	errno := f(gone)
	l.lanes.waiting.Add(-1)
	if errno != 0 {
		return errno
	}
	errno = l.lanes.acquire(r.lane, func() <-chan struct{} { return gone })
	r.slot = errno == 0
	l.conn.journal.execute(r) // as before
	return errno
}

// giveBack ends the request's use of a slot.
func (l *loop) giveBack(r *Request) {
	if r.slot {
		r.slot = false
		l.lanes.release(r.lane)
	}
}

// free ends the reader's being busy with the request.
func (l *loop) free(r *Request) {
	if r.on.busy.Swap(0)&stuckBit != 0 {
		l.lanes.unstuck(r.lane)
	}
}

// answer handles the request and replies.
func (l *loop) answer(r *Request, out []byte) error {
	h := *r.Header()
	size, errno := 0, l.conn.journal.execute(r)
	if errno == 0 {
		r.Step(StepBegun)
		size, errno = l.handler.Handle(r)
		r.Step(StepHandled)
	}
	l.giveBack(r)
	err := l.reply(&h, out, size, errno)
	r.Step(StepReplied)
	l.conn.journal.end(r)
	return err
}

// reply sends the first size bytes behind out's header, or errno.
func (l *loop) reply(h *fuse.InHeader, out []byte, size int, errno syscall.Errno) error {
	if Opcode(h.Opcode).Silent() {
		return nil
	}
	if errno == syscall.EINTR && l.conn.draining.Load() && l.conn.features.Resend {
		return nil // it waited: a successor gets it again
	}
	if errno != 0 {
		size = 0
	}
	err := l.conn.write(out[:OutHeaderSize+size], h.Unique, errno)
	if err != nil && !errors.Is(err, errDone) && size > 0 {
		// The kernel refuses the reply's form: the caller must not wait for ever.
		return l.conn.write(out[:OutHeaderSize], h.Unique, syscall.EIO)
	}
	return err
}

// handOver answers a request on a goroutine of its own, when its lane has a slot.
// It takes a copy along, which is what the lane is charged for: the reader's
// buffers have room for the largest.
func (l *loop) handOver(read *Request, out []byte, lane uint64) {
	r := &Request{In: read.In, loop: l, lane: lane, entry: read.entry, resent: read.resent}
	size := len(r.In) + room(r)
	if !l.lanes.admit(lane, size) {
		if err := l.reply(r.Header(), out, 0, syscall.ENOMEM); err != nil {
			l.fail(err)
		}
		l.conn.journal.end(r)
		return
	}
	r.In = bytes.Clone(r.In)
	l.wg.Go(func() {
		defer l.lanes.dismiss(lane, size)
		if err := l.queued(r); err != nil {
			l.fail(err)
		}
	})
}

// queued waits for a slot and answers.
func (l *loop) queued(r *Request) error {
	h := *r.Header()
	out := make([]byte, OutHeaderSize+room(r))
	r.Out = out[OutHeaderSize:]
	errno := l.lanes.acquire(r.lane, func() <-chan struct{} { return l.interrupts.enter(h.Unique) })
	l.interrupts.leave(h.Unique)
	if errno != 0 {
		defer l.conn.journal.end(r)
		return l.reply(&h, out, 0, errno)
	}
	r.slot = true
	return l.answer(r, out)
}

// replyRoom is enough for the reply to any request that names no size.
const replyRoom = 8 << 10

// listRoom is enough for any list of attributes (XATTR_LIST_MAX), of which the
// caller may see a part only.
const listRoom = 64 << 10

// room returns how many bytes the body of the reply may take.
func room(r *Request) int {
	body := r.In[unsafe.Sizeof(fuse.InHeader{}):]
	at := 0
	switch Opcode(r.Header().Opcode) {
	case OpRead, OpReaddir, OpReaddirplus:
		at = 16 // struct fuse_read_in
	case OpRelease, OpReleasedir, OpFlush:
		return 0 // they must never be refused: as many as an account may have open fit into its lane
	case OpGetxattr:
	case OpListxattr:
		return listRoom
	default:
		return replyRoom
	}
	if len(body) < at+4 {
		return replyRoom
	}
	return max(replyRoom, min(MaxTransfer, int(binary.NativeEndian.Uint32(body[at:]))))
}
