package fs

import (
	"errors"
	"syscall"
	"time"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/kernel"
	"grantfs/fs/limit"
)

// passage is leave for n bytes of file data to move. It must be settled, once.
type passage struct {
	n      int
	waited bool // long enough for the policy, or the file, to be another now
	dir    limit.Direction
	pace   *pace
	taken  int // from the bucket
	hold   limit.Hold
	note   *note // nil where nothing is counted
}

// pass returns when want bytes may move, or as many as the transfer limit leaves
// of an upload: first the rate, so that nobody waits for it with others' transfer
// in hand (fs/limit). EDQUOT when the limit is used up, EINTR when the caller was
// interrupted before anything might move.
//
// A download is not shortened: clients take a short read for the end of the file.
func (p *pace) pass(c *call, d limit.Direction, want int) (passage, syscall.Errno) {
	pass := passage{n: want, dir: d, pace: p}
	if p == nil {
		return pass, 0
	}
	left, metered := p.meter.Left(d)
	if metered && c.request.Resumed() && c.note().moved[d] > 0 {
		// A predecessor has moved that many, and counted them.
		return passage{n: int(min(int64(want), c.note().moved[d]))}, 0
	}
	if metered && left < int64(want) {
		if left == 0 || d == limit.Download {
			return passage{}, syscall.EDQUOT
		}
		pass.n = int(left)
	}
	if metered {
		pass.note = c.note()
	}
	b := p.buckets[d]
	if b.Try(pass.n) {
		pass.taken = pass.n
		hold, ok, err := p.meter.Try(d, pass.n)
		if ok || err != nil {
			return pass, pass.held(hold, err)
		}
		b.GiveBack(pass.taken) // others' requests in flight are waited for
		pass.taken = 0
	}
	start := time.Now()
	errno := c.request.Pause(func(gone <-chan struct{}) syscall.Errno {
		n, err := b.Wait(gone, pass.n)
		if n == 0 && err != nil {
			return syscall.EINTR
		}
		pass.n, pass.taken = n, n
		hold, err := p.meter.Reserve(gone, d, n)
		return pass.held(hold, err)
	})
	p.traffic[d].waits.Add(1)
	p.traffic[d].waited.Add(int64(time.Since(start)))
	pass.waited = true
	if errno != 0 { // perhaps for want of a slot to go on
		pass.settle(0)
	}
	return pass, errno
}

// held adds what the transfer limit has let go. With an error nothing is taken
// any more.
func (p *passage) held(hold limit.Hold, err error) syscall.Errno {
	errno := syscall.Errno(0)
	switch {
	case errors.Is(err, limit.ErrUsedUp):
		errno = syscall.EDQUOT
	case err != nil:
		errno = syscall.EINTR
	case hold.N < p.n && p.dir == limit.Download:
		hold.Settle(0)
		errno = syscall.EDQUOT
	default:
		p.n, p.hold = hold.N, hold
		return 0
	}
	p.pace.buckets[p.dir].GiveBack(p.taken)
	p.n, p.taken = 0, 0
	return errno
}

// settle says how many of the bytes moved.
func (p *passage) settle(moved int) {
	if p.pace == nil {
		return
	}
	p.pace.buckets[p.dir].GiveBack(p.taken - moved)
	p.hold.Settle(moved)
	if p.note != nil {
		p.note.moved[p.dir] = int64(moved) // comes again, is not counted again
	}
	p.pace.traffic[p.dir].moved.Add(uint64(moved))
}

// passRead returns when a read may move its bytes. The end of the file costs
// nothing. If it had to wait it is judged again.
func (s *Server) passRead(c *call, sp *spot, h *handle, in *fuse.ReadIn) (passage, syscall.Errno) {
	want := min(int(in.Size), len(c.out))
	p, errno := s.paceOf(c, *sp, h)
	if errno != 0 || !p.limited(limit.Download) {
		return passage{n: want}, errno
	}
	size, errno := s.sizeOf(*sp, false)
	if errno != 0 {
		return passage{}, errno
	}
	pass, errno := p.pass(c, limit.Download, within(size, int64(in.Offset), want))
	if errno == 0 && pass.waited {
		if *sp, _, errno = s.mayRead(c, in.Fh); errno != 0 {
			pass.settle(0)
		}
	}
	return pass, errno
}

// within returns how many of want bytes at off lie in a file of that size.
func within(size, off int64, want int) int { return int(min(int64(want), max(0, size-off))) }

// passWrite is passRead for a write.
func (s *Server) passWrite(c *call, sp *spot, h *handle, in *fuse.WriteIn) (passage, syscall.Errno) {
	p, errno := s.paceOf(c, *sp, h)
	if errno != 0 {
		return passage{}, errno
	}
	pass, errno := p.pass(c, limit.Upload, int(in.Size))
	if errno == 0 && pass.waited {
		if *sp, _, errno = s.mayWrite(c, in.Fh); errno != 0 {
			pass.settle(0)
		}
	}
	return pass, errno
}

// pacedCopy is how much a request of an account copies at once whose data is
// limited, in bytes: no more waits together.
const pacedCopy = 1 << 20

// passCopy returns when a request may copy n bytes, and what to settle it with. A
// copy costs what reading and writing would: that is what it is where the kernel or
// sftp-server copies.
func (s *Server) passCopy(c *call, from, to *spot, source, target *handle) (int, func(moved int), syscall.Errno) {
	in := arg[fuse.CopyFileRangeIn](c)
	want := int(min(in.Len, mostCopied))
	p, errno := s.paceOf(c, *from, source)
	if errno != 0 {
		return 0, nil, errno
	}
	if p != nil {
		size, errno := s.sizeOf(*from, false)
		if errno != 0 {
			return 0, nil, errno
		}
		want = within(size, int64(in.OffIn), min(want, pacedCopy))
	}
	down, errno := p.pass(c, limit.Download, want)
	if errno != 0 {
		return 0, nil, errno
	}
	up, errno := p.pass(c, limit.Upload, down.n)
	if errno == 0 && (down.waited || up.waited) {
		*from, *to, _, _, errno = s.mayCopy(c, in)
	}
	settle := func(moved int) {
		down.settle(moved)
		up.settle(moved)
	}
	if errno != 0 {
		settle(0)
	}
	return up.n, settle, errno
}

// mustWait reports whether a read or write of a view will wait for its rate: then
// no reader need begin it.
func (s *Server) mustWait(r *kernel.Request, index uint32) bool {
	d := limit.Upload
	switch kernel.Opcode(r.Header().Opcode) {
	case kernel.OpRead:
		d = limit.Download
	case kernel.OpWrite:
	default:
		return false
	}
	rules := s.views.at(index).rules.Load()
	if rules == nil || len(r.In) < int(unsafe.Sizeof(fuse.ReadIn{})) {
		return false
	}
	in := (*fuse.ReadIn)(unsafe.Pointer(&r.In[0])) // fuse.WriteIn begins alike
	l := rules.limits.Load()
	p := l.pace()
	if l != nil && l.perSource {
		if h := s.handles.at(in.Fh); h != nil {
			sp := h.pace.Load()
			if sp == nil {
				return true // it is not known yet
			}
			p = sp.pace
		}
	}
	return p != nil && !(p.buckets[d].Ready(int(in.Size)) && p.meter.Ready(d, int(in.Size)))
}
