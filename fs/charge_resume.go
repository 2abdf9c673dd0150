package fs

import (
	"sync"
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// What a process had begun when it was killed its successor settles before it
// answers anything: the objects themselves say what was done of it.

// settlePatience is how long sources may take for that: one that hangs must not
// keep all views waiting. What it holds is counted instead.
const settlePatience = 500 * time.Millisecond

// settleIntents charges what a predecessor did and did not charge any more, so
// that every bucket holds what is there.
func (s *Server) settleIntents() error {
	ch := &s.charges
	bySource := map[uint32][]intent{}
	for number, r := range ch.intents.records.Used() {
		src := max(r.from.source, r.to.source)
		bySource[src] = append(bySource[src], intent{number, r})
	}
	// First all that was begun to be charged: it says what a source holds then, as
	// if nothing had been charged since.
	for _, list := range bySource {
		for _, i := range list {
			ch.ledger.Paid(&i.ticket)
		}
	}
	for _, r := range ch.inodes.orphans.Used() {
		ch.ledger.Paid(&r.ticket)
	}
	s.inheritOrphans()
	late := s.settleEach(bySource)
	for _, list := range bySource {
		for _, i := range list {
			ch.intents.end(i)
		}
	}
	if late {
		s.opt.Log.Warn("a source hangs in which something was under way: what is used there is known when it was counted")
	}
	p := ch.plan.Load()
	if err := p.derive(ch.ledger); err != nil {
		return err
	}
	for _, r := range ch.inodes.orphans.Used() {
		if b, errno := s.booksOf(p, nil, s.sources.at(r.source), nil); errno == 0 {
			b.tree.Inherit(r.id, r.cost)
		}
	}
	return nil
}

// settleEach settles the intents of each source, at the same time. It reports
// whether one was too late: then nothing of it is charged.
func (s *Server) settleEach(bySource map[uint32][]intent) (late bool) {
	if len(bySource) == 0 {
		return false
	}
	var mu sync.Mutex // guards over, and is held over what is charged
	over := false
	var all sync.WaitGroup
	for _, list := range bySource {
		all.Add(1)
		if !s.sources.check(func() {
			defer all.Done()
			for _, i := range list {
				pay := s.judge(i)
				mu.Lock()
				if !over && pay != nil {
					pay()
				}
				mu.Unlock()
			}
		}) {
			all.Done()
		}
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	patience := time.NewTimer(settlePatience)
	defer patience.Stop()
	select {
	case <-done:
		return false
	case <-patience.C:
		mu.Lock()
		defer mu.Unlock()
		over = true
		return true
	}
}

// accountOf returns the source with an index, and what its own bucket alone is in;
// nil where there is none.
func (s *Server) accountOf(index uint32) (*source, *quota.Set) {
	s.sources.mu.RLock()
	known := index != 0 && int(index) < len(s.sources.list)
	s.sources.mu.RUnlock()
	if !known {
		return nil, nil
	}
	src := s.sources.at(index)
	set, err := s.charges.ledger.Set([]policy.Bucket{quota.SourceBucket(src.path)})
	if err != nil {
		return nil, nil
	}
	return src, set
}

// judge looks what became of an intent and returns what charges that, nil for
// nothing.
func (s *Server) judge(i intent) (pay func()) {
	if s.charges.ledger.Paid(&i.ticket) {
		return nil
	}
	switch i.kind {
	case intentBirth:
		return s.judgeBirth(i)
	case intentRemoval:
		var st backing.Stat
		if errno := s.statEnd(&i.from, &st); errno == 0 && identOf(&st) != i.from.object || errno == syscall.ENOENT {
			return func() { s.pay(i, &i.from, s.freedOf(&i.from).Neg(), nil) }
		}
	case intentMove:
		return s.judgeMove(i)
	case intentSize:
		return s.judgeSize(i)
	case intentReown:
		s.judgeReown(i)
	}
	return nil
}

// pay charges what happened at one end, or at both.
func (s *Server) pay(i intent, at *intentEnd, change quota.Charge, other *intentEnd) {
	_, set := s.accountOf(at.source)
	if set == nil {
		return
	}
	if other == nil {
		s.charges.ledger.Pay(&i.ticket, set, change)
		return
	}
	if _, from := s.accountOf(other.source); from != nil {
		if m, err := s.charges.ledger.Move(from, set, other.cost, quota.Charge{}); err == nil { // sources have no limit
			m.Ticket = &i.ticket
			m.Do(change)
		}
	}
}

// statEnd describes what has the name of an end now.
func (s *Server) statEnd(e *intentEnd, st *backing.Stat) syscall.Errno {
	name, errno := backing.NewName(string(e.name[:min(int(e.length), len(e.name))]))
	if errno != 0 {
		return errno
	}
	dir, errno := s.nodeFD(e.node)
	if errno != 0 {
		return syscall.ESTALE // nothing is known of its names
	}
	defer dir.Release()
	return backing.StatAt(dir.Num(), name, st)
}

// nodeFD borrows an O_PATH descriptor of a node that was taken over, wherever the
// policy has it now.
func (s *Server) nodeFD(id uint64) (backing.FD, syscall.Errno) {
	n := s.nodes.Get(id)
	if n == nil || n.Kind != node.KindBacked && n.Kind != node.KindView {
		return backing.FD{}, syscall.ESTALE
	}
	v := s.views.at(n.View)
	r := s.rulesOf(v)
	if r.view == nil {
		return backing.FD{}, syscall.ESTALE
	}
	w := n.Where()
	if n.Kind == node.KindView {
		if w = s.locate(n, v, r); w == nil {
			return backing.FD{}, syscall.ESTALE
		}
	}
	return s.baseFD(spot{n, w, v, r})
}

func (s *Server) judgeBirth(i intent) func() {
	var st backing.Stat
	if s.statEnd(&i.to, &st) != 0 || i.to.object != (ident{}) && i.to.object != identOf(&st) {
		return nil
	}
	return func() { s.pay(i, &i.to, costOf(&st), nil) }
}

// freedOf returns what is free now that what an end names has lost that name: what
// is open is not.
func (s *Server) freedOf(e *intentEnd) quota.Charge {
	src, set := s.accountOf(e.source)
	if set == nil || e.cost.Files == 0 {
		return e.cost
	}
	is := &s.charges.inodes
	in := is.use(quota.ID{Dev: e.object.dev, Ino: e.object.ino})
	defer is.end(in)
	if is.isOrphan(in) || is.abandon(in, src, e.cost) {
		return quota.Charge{}
	}
	return e.cost
}

func (s *Server) judgeMove(i intent) func() {
	var st backing.Stat
	if s.statEnd(&i.to, &st) != 0 || identOf(&st) != i.from.object {
		return nil
	}
	return func() {
		var freed quota.Charge
		if i.to.object != (ident{}) {
			freed = s.freedOf(&i.to)
		}
		if i.from.source == i.to.source {
			s.pay(i, &i.to, freed.Neg(), nil)
		} else {
			s.pay(i, &i.to, freed.Neg(), &i.from)
		}
	}
}

func (s *Server) judgeSize(i intent) func() {
	fd, errno := s.nodeFD(i.from.node)
	if errno != 0 {
		return nil
	}
	defer fd.Release()
	var st backing.Stat
	if backing.StatFD(fd.Num(), &st) != 0 || identOf(&st) != i.from.object {
		return nil
	}
	change := quota.Charge{Bytes: int64(st.Size) - i.from.cost.Bytes}
	return func() {
		if st.Nlink == 0 {
			change = s.keepOf(&i, change)
		}
		s.pay(i, &i.from, change, nil)
	}
}

// keepOf is inodes.keep for a file that a predecessor has changed.
func (s *Server) keepOf(i *intent, change quota.Charge) quota.Charge {
	src, set := s.accountOf(i.from.source)
	if set == nil {
		return quota.Charge{}
	}
	is := &s.charges.inodes
	in := is.use(quota.ID{Dev: i.from.object.dev, Ino: i.from.object.ino})
	defer is.end(in)
	is.restore(in, i.to.cost)
	return is.keep(in, src, change)
}

// judgeReown ends the change of a file's owner around a rename: where that was
// done it gets its mode, where it was not, its old owner.
func (s *Server) judgeReown(i intent) {
	common := i.old.Mode & i.next.Mode & 0o777
	if s.ownedAt(&i.to, i.from.object, func(fd int) { backing.Chmod(fd, i.next.Mode) }) {
		return
	}
	s.ownedAt(&i.from, i.from.object, func(fd int) {
		if backing.Give(fd, i.old, common) == 0 {
			backing.Chmod(fd, i.old.Mode&0o1777)
		}
	})
}

// ownedAt calls f with the object, opened, if that is what has the name of an end.
func (s *Server) ownedAt(e *intentEnd, object ident, f func(fd int)) bool {
	name, errno := backing.NewName(string(e.name[:min(int(e.length), len(e.name))]))
	if errno != 0 {
		return false
	}
	dir, errno := s.nodeFD(e.node)
	if errno != 0 {
		return false
	}
	defer dir.Release()
	var st backing.Stat
	if backing.StatAt(dir.Num(), name, &st) != 0 || identOf(&st) != object {
		return false
	}
	fd, errno := backing.OpenFile(dir.Num(), name, &st)
	if errno != 0 {
		return false
	}
	defer backing.Close(fd)
	f(fd)
	return true
}
