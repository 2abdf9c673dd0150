package fs

import (
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// renamed charges what do does: the rename of what c.stat describes, over what
// c.stat2 describes if anything is there.
func (s *Server) renamed(c *call, from, to end, do func() syscall.Errno) syscall.Errno {
	p := s.charges.enter()
	defer p.leave()
	a, b, errno := s.booksOfBoth(c, p, from, to)
	if errno != 0 {
		return errno
	}
	o, over, unlock, errno := s.lookBoth(c, from, to)
	if errno != 0 {
		return errno
	}
	defer unlock()
	if o.id == over.id {
		return do() // two names of one file: nothing is moved (rename(2))
	}
	var move *quota.Move
	var freed quota.Charge
	if a.source != b.source {
		if o.cost == (quota.Charge{}) {
			return c.refuse(policy.ReasonAcrossMounts, policy.ClassCross) // its other names stay where they are
		}
		var err error
		freed = over.freed()
		if move, err = s.charges.ledger.Move(a.set, b.set, o.cost, freed); err != nil {
			return overQuota(err)
		}
	}
	in, out := s.dirID(to.dir), s.dirID(from.dir)
	a.tree.Enter(out)
	defer a.tree.Leave(out)
	b.tree.Enter(in)
	defer b.tree.Leave(in)
	target := nameOf(b, to.dir, to.name)
	if to.t.Type != policy.TypeNone {
		target = target.of(&c.stat2, over.cost)
	}
	i := s.charges.intents.intend(intentMove, nameOf(a, from.dir, from.name).of(&c.stat, o.cost), target)
	defer s.charges.intents.end(i)
	if errno := do(); errno != 0 {
		if move != nil {
			move.Cancel()
		}
		return errno
	}
	c.done()
	gone := s.gone(b, in, &over)
	if move != nil {
		move.Ticket = i.paper()
		move.Do(freed.Sub(gone))
	} else {
		s.charges.ledger.Pay(i.paper(), b.set, gone.Neg())
	}
	s.carried(a, b, out, in, &o, to)
	if o.links || over.links {
		s.readAgain(a, from.dir)
		s.readAgain(b, to.dir)
	}
	return 0
}

// exchanged charges what do does: the exchange of what c.stat and c.stat2 describe.
func (s *Server) exchanged(c *call, x, y end, do func() syscall.Errno) syscall.Errno {
	p := s.charges.enter()
	defer p.leave()
	a, b, errno := s.booksOfBoth(c, p, x, y)
	if errno == 0 && a.source != b.source {
		errno = c.refuse(policy.ReasonAcrossMounts, policy.ClassCross)
	}
	if errno != 0 {
		return errno
	}
	o, other, unlock, errno := s.lookBoth(c, x, y)
	if errno != 0 {
		return errno
	}
	defer unlock()
	dirX, dirY := s.dirID(x.dir), s.dirID(y.dir)
	a.tree.Enter(dirX, dirY)
	defer a.tree.Leave(dirX, dirY)
	if errno := do(); errno != 0 {
		return errno
	}
	s.carried(a, b, dirX, dirY, &o, y)
	s.carried(b, a, dirY, dirX, &other, x)
	if o.links || other.links {
		s.readAgain(a, x.dir)
		s.readAgain(b, y.dir)
	}
	return 0
}

// lookBoth describes and locks what is at two names, the second of which may be
// nothing, until unlock.
func (s *Server) lookBoth(c *call, from, to end) (o, over object, unlock func(), errno syscall.Errno) {
	o = s.object(&c.stat)
	there := to.t.Type != policy.TypeNone
	if there {
		over = s.object(&c.stat2)
	}
	free := lockBoth(o.inode, over.inode)
	unlock = func() {
		free()
		s.done(o)
		s.done(over)
	}
	errno = s.look(&o, from.fd.Num(), from.name, &c.stat)
	if errno == 0 && there {
		errno = s.look(&over, to.fd.Num(), to.name, &c.stat2)
	}
	if errno != 0 {
		unlock()
	}
	return o, over, unlock, errno
}

// booksOfBoth returns where the two ends of a rename are charged. A directory is
// not moved between sources, with all that it holds, nor is one that a source lies
// in or is.
func (s *Server) booksOfBoth(c *call, p *plan, from, to end) (a, b *books, errno syscall.Errno) {
	if a, errno = s.booksIn(p, from.dir); errno != 0 {
		return nil, nil, errno
	}
	if b, errno = s.booksIn(p, to.dir); errno != 0 {
		return nil, nil, errno
	}
	if from.t.Type != policy.TypeDir && to.t.Type != policy.TypeDir {
		return a, b, 0
	}
	if a.source != b.source || s.holdsSource(p, from) || s.holdsSource(p, to) {
		return nil, nil, c.refuse(policy.ReasonAcrossMounts, policy.ClassCross)
	}
	return a, b, 0
}

// holdsSource reports whether a source is, or lies below, the name of a rename.
func (s *Server) holdsSource(p *plan, e end) bool {
	src := e.dir.source(s)
	if !p.above[p.first(src.path)] {
		return false
	}
	at := p.first(path.Join(s.pathOf(src, e.dir), e.name.String()))
	_, is := p.charged[at]
	return is || p.above[at]
}

// carried notes that o was moved from the directory out to in, where it is what
// to names.
func (s *Server) carried(a, b *books, out, in quota.ID, o *object, to end) {
	if o.cost != (quota.Charge{}) && (a.tree != b.tree || out != in) {
		a.tree.Note(out, o.id, o.cost.Neg())
		b.tree.Note(in, o.id, o.cost)
	}
	if o.file {
		s.charges.inodes.move(o.inode, home{b.source, in, o.born})
	}
	if !o.dir {
		return
	}
	fd, errno := backing.OpenAt(to.fd.Num(), to.name, o.id.Dev, o.id.Ino, unix.O_PATH)
	if errno != 0 {
		return // others have moved it on: theirs to notice
	}
	defer backing.Close(fd)
	if err := b.tree.Moved(o.id, in, fd); err != nil {
		s.opt.Log.Warn("a count of a source may miss a directory that was moved", "source", b.source.path, "error", err)
	}
}
