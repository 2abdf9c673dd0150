package fs

import (
	"bytes"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/backing"
	"grantfs/fs/kernel"
	"grantfs/fs/node"
	"grantfs/policy"
)

// call is one request on its way through the funnel.
type call struct {
	request *kernel.Request // Pause what waits for something else than the backing
	in      []byte
	out     []byte
	head    *fuse.InHeader
	body    []byte // what follows the request's structure: names or payload
	size    int    // bytes of out that are the reply
	op      policy.Op
	verdict policy.Verdict
	missing bool         // the name that was looked up is nowhere: see lookup
	stat    backing.Stat // scratch of the request
	stat2   backing.Stat
}

// Handle answers one request (kernel.Handler).
func (s *Server) Handle(r *kernel.Request) (n int, errno syscall.Errno) {
	start := time.Now()
	c := s.calls.Get().(*call)
	c.request, c.in, c.out, c.head, c.size = r, r.In, r.Out, r.Header(), 0
	c.op, c.verdict, c.missing = policy.OpNone, policy.Verdict{}, false
	defer func() {
		if p := recover(); p != nil {
			// An impossible state: this request fails, the mount lives.
			s.panics.Add(1)
			s.opt.Log.Error("internal error", "opcode", c.head.Opcode, "panic", p, "stack", string(debug.Stack()))
			n, errno = 0, syscall.EIO
			return
		}
		s.calls.Put(c)
	}()
	if r.Resumed() {
		s.forgetHandle(c.note())
	}
	errno = s.dispatch(c)
	if !c.verdict.Allowed() {
		s.opt.Observer.Denied(c.verdict.Reason)
	}
	s.opt.Observer.Observe(c.op, errno, time.Since(start))
	if s.toRecord(c, errno) {
		s.record(c, errno)
	}
	return c.size, errno
}

// endings is added to a view's lane for what takes something back: it must never
// queue behind what it would end, nor behind what another account ends.
const endings = 1 << 32

// Plan says whose request it is, and whether it may wait for a disk
// (kernel.Handler).
func (s *Server) Plan(r *kernel.Request) kernel.Plan {
	h := r.Header()
	op := kernel.Opcode(h.Opcode)
	if op.Silent() || op >= kernel.OpcodeCount {
		return kernel.Plan{}
	}
	p := kernel.Plan{Slow: table[op].slow}
	if n := s.nodes.Get(h.NodeId); n != nil && n.View != 0 {
		p.Lane = uint64(n.View)
		p.Slow = p.Slow || s.mustWait(r, n.View) || n.Kind == node.KindVirtual && op != kernel.OpGetattr ||
			n.Kind == node.KindSynthetic && op == kernel.OpUnlink
		if op == kernel.OpRelease || op == kernel.OpReleasedir || op == kernel.OpFlush {
			p.Lane |= endings
		}
	}
	return p
}

// dispatch finds the row of the request and runs it.
func (s *Server) dispatch(c *call) syscall.Errno {
	if c.head.Opcode >= kernel.OpcodeCount {
		return syscall.EOPNOTSUPP
	}
	row := &table[c.head.Opcode]
	if row.run == nil {
		return syscall.EOPNOTSUPP
	}
	c.op = row.op
	if len(c.in) < int(row.size) {
		return syscall.EINVAL
	}
	c.body = c.in[row.size:]
	return row.run(s, c)
}

// arg returns the request's structure; the row's size has been checked.
func arg[T any](c *call) *T { return (*T)(unsafe.Pointer(&c.in[0])) }

// reply returns the reply's structure, zeroed, and makes it the whole reply.
func reply[T any](c *call) *T {
	var zero T
	c.size = int(unsafe.Sizeof(zero))
	p := (*T)(unsafe.Pointer(&c.out[0]))
	*p = zero
	return p
}

// name takes the next NUL-terminated component off the request.
func (c *call) name() (backing.Name, syscall.Errno) {
	n, rest, errno := backing.InPlace(c.body)
	c.body = rest
	return n, errno
}

// text takes the next NUL-terminated string off the request, with its NUL.
func (c *call) text() ([]byte, bool) {
	i := bytes.IndexByte(c.body, 0)
	if i < 0 {
		return nil, false
	}
	t := c.body[:i+1]
	c.body = c.body[i+1:]
	return t, true
}
