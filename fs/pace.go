package fs

import (
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/limit"
	"grantfs/fs/memory"
	"grantfs/policy"
)

// Sessions knows whose session a process belongs to. It must not block on
// anything but /proc, and is safe for concurrent use.
type Sessions interface {
	// Source returns the account of the session that a process or thread belongs
	// to and its client's address, invalid if that is not known; false if the
	// process is of no session.
	Source(pid int) (account string, addr netip.Addr, ok bool)
	// End ends the account's session that a process or thread belongs to, or that
	// process alone where it is of none and of uid, without waiting for its end. Where
	// the process is gone, what it had open is somebody else's now: all sessions of the
	// account end, and the processes of uid beside them. It returns how many.
	End(pid int, uid uint32, account string) (int, error)
	// EndMapped ends the processes of uid that have mapped (mmap(2)) one of the files
	// of a device with these inode numbers, without waiting for their end. It returns
	// how many.
	EndMapped(uid uint32, dev uint64, inos map[uint64]bool) (int, error)
}

// limits are what a view's account may move and write under one policy.
type limits struct {
	fileSize  policy.Setting[policy.Limit]
	perSource bool  // it depends on the client's address, so everywhere is nil
	anywhere  *pace // nil: nothing limits
}

// pace is what limits the data that an account moves, from one client's address
// or from anywhere.
type pace struct {
	buckets [2]*limit.Bucket // by limit.Direction
	meter   limit.Meter
	traffic *[2]traffic
}

// sourcePace is a pace with what it was found for.
type sourcePace struct {
	*pace
	epoch uint64 // of the policy
	pid   uint32 // process or thread that asked
}

// traffic counts what moves in one direction under any account's limit.
type traffic struct {
	moved  atomic.Uint64 // bytes
	waits  atomic.Uint64 // requests that waited
	waited atomic.Int64  // how long, in nanoseconds
}

// nobody is Sessions where there are none.
type nobody struct{}

func (nobody) Source(int) (account string, addr netip.Addr, ok bool)  { return "", netip.Addr{}, false }
func (nobody) End(int, uint32, string) (int, error)                   { return 0, nil }
func (nobody) EndMapped(uint32, uint64, map[uint64]bool) (int, error) { return 0, nil }

// initLimits makes the token buckets, and the transfer counters as they were left.
func (s *Server) initLimits() error {
	inherited := len(s.memory.Held(memory.Transfers)) > 0
	if s.opt.Sessions == nil {
		s.opt.Sessions = nobody{}
	}
	var err error
	if s.rates, err = limit.NewRates(s.limitMemory(memory.Rates), s.effective); err != nil {
		return err
	}
	if s.transfers, err = limit.NewTransfers(s.limitMemory(memory.Transfers), s.effective, time.Now); err != nil {
		return err
	}
	if s.opt.Transferred != nil && !inherited {
		if err := s.transfers.Restore(s.opt.Transferred); err != nil {
			s.opt.Log.Error("what accounts have transferred in this period is lost, they begin anew", "error", err)
		}
	}
	return nil
}

// limitMemory is where what limits count lies.
func (s *Server) limitMemory(o memory.Owner) limit.Memory {
	return limit.Memory{Held: s.memory.Held(o), Grow: s.memory.Grow(o)}
}

// Transfers returns the counters of what accounts have moved, also after Serve
// has returned, until Close.
func (s *Server) Transfers() *limit.Transfers { return s.transfers }

// effective returns what the policy in force says of an account (limit.Policy).
func (s *Server) effective(account string) *policy.Effective {
	v, ok := s.policy.Load().Set.View(account)
	if !ok {
		return nil
	}
	return v.Effective()
}

// limitsOf returns what limits the account of a view. It is found once for each
// policy.
func (s *Server) limitsOf(sp spot) (*limits, syscall.Errno) {
	if l := sp.rules.limits.Load(); l != nil {
		return l, 0
	}
	e := sp.rules.view.Effective()
	l := &limits{
		fileSize:  e.Scalars.MaxUploadFileSize,
		perSource: len(e.BandwidthLimits)+len(e.DataTransferLimits) > 0,
	}
	if !l.perSource {
		var errno syscall.Errno
		if l.anywhere, errno = s.paceFrom(sp.view.name, netip.Addr{}); errno != 0 {
			return nil, errno
		}
	}
	sp.rules.limits.Store(l)
	return l, 0
}

// paceFrom returns what limits an account that comes from addr, nil for nothing.
func (s *Server) paceFrom(account string, addr netip.Addr) (*pace, syscall.Errno) {
	p := &pace{traffic: &s.traffic}
	var err error
	p.buckets[limit.Upload], p.buckets[limit.Download], err = s.rates.For(account, addr)
	if err == nil {
		p.meter, err = s.transfers.For(account, addr)
	}
	if err != nil {
		s.opt.Log.Error("find what limits an account", "account", account, "error", err)
		return nil, syscall.ENOMEM
	}
	if *p == (pace{traffic: &s.traffic}) {
		return nil, 0
	}
	return p, 0
}

// paceOf returns what limits the data that the request moves through h, which is
// nil before the open; nil for nothing. Where it depends on the client's address
// a process that is of no session of the account is refused.
func (s *Server) paceOf(c *call, sp spot, h *handle) (*pace, syscall.Errno) {
	l, errno := s.limitsOf(sp)
	if errno != 0 || !l.perSource {
		return l.pace(), errno
	}
	if h != nil {
		if p := h.pace.Load(); p != nil && p.epoch == sp.rules.epoch && p.pid == c.head.Pid {
			return p.pace, 0
		}
	}
	account, addr, ok := s.opt.Sessions.Source(int(c.head.Pid))
	if !ok || account != sp.view.name {
		return nil, c.refuse(policy.ReasonNoSession, policy.ClassRefused)
	}
	p, errno := s.paceFrom(account, addr)
	if errno == 0 && h != nil {
		h.pace.Store(&sourcePace{pace: p, epoch: sp.rules.epoch, pid: c.head.Pid})
	}
	return p, errno
}

// pace returns what limits the account wherever it comes from; l may be nil.
func (l *limits) pace() *pace {
	if l == nil {
		return nil
	}
	return l.anywhere
}

// limited reports whether anything limits the direction d.
func (p *pace) limited(d limit.Direction) bool {
	if p == nil {
		return false
	}
	_, metered := p.meter.Left(d)
	return metered || p.buckets[d] != nil
}

// mayMove refuses an open with EDQUOT for which nothing is left to move: in
// mid-transfer it would be refused anyway, and a truncation comes before it.
// Who opens for both may mean to do one only.
func (s *Server) mayMove(c *call, sp spot, read, write bool) syscall.Errno {
	p, errno := s.paceOf(c, sp, nil)
	if p == nil || !read && !write {
		return errno
	}
	left := func(d limit.Direction) bool {
		n, metered := p.meter.Left(d)
		return !metered || n > 0
	}
	if read && left(limit.Download) || write && left(limit.Upload) {
		return 0
	}
	return syscall.EDQUOT
}

// sized returns w as far as max_upload_file_size lets it make a file of that size
// larger; EFBIG if that is not at all, or not all where only all will do.
func (s *Server) sized(sp spot, w span, size int64) (span, syscall.Errno) {
	l, errno := s.limitsOf(sp)
	if errno != 0 {
		return w, errno
	}
	var err error
	if w.whole {
		err = limit.FileSize(l.fileSize, size, w.off+w.n)
	} else {
		w.n, err = limit.FileRoom(l.fileSize, size, w.off, w.n)
	}
	if err != nil {
		return w, syscall.EFBIG
	}
	return w, 0
}

// sizeOf returns the size of an open file.
func (s *Server) sizeOf(sp spot, write bool) (int64, syscall.Errno) {
	fd, errno := s.dataFD(sp, write)
	if errno != 0 {
		return 0, errno
	}
	defer fd.Release()
	var st backing.Stat
	errno = backing.StatFD(fd.Num(), &st)
	return int64(st.Size), errno
}
