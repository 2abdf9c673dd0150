package fs

import (
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// exchange swaps what is at two names (RENAME_EXCHANGE): two moves of which each
// must be permitted, between places where objects are born alike.
func (s *Server) exchange(c *call, newDir uint64) syscall.Errno {
	a, b, errno := s.ends(c, newDir)
	if errno != 0 {
		return errno
	}
	if c.resumed() {
		switch s.fateOfExchange(c, a, b) {
		case fateDone:
			s.follow(c, a, b)
			s.follow(c, b, a)
			return 0
		case fateUnknown:
			return syscall.EIO
		}
	}
	if a.fd, a.t, errno = s.existing(c, a.dir, a.name, &c.stat); errno != 0 {
		return errno
	}
	defer a.fd.Release()
	if b.fd, b.t, errno = s.existing(c, b.dir, b.name, &c.stat2); errno != 0 {
		return errno
	}
	defer b.fd.Release()
	if errno := c.deny(a.dir.where.Place.CheckExchange(a.t, b.dir.where.Place, b.t)); errno != 0 {
		return errno
	}
	if errno := s.arrives(c, a, b.dir); errno != 0 {
		return errno
	}
	if errno := s.arrives(c, b, a.dir); errno != 0 {
		return errno
	}
	if !s.sameBirth(a.dir, b.dir) {
		return c.refuse(policy.ReasonAcrossMounts, policy.ClassCross)
	}
	a.node, a.known = s.known(a.dir, a.fd.Num(), a.name, &c.stat)
	b.node, b.known = s.known(b.dir, b.fd.Num(), b.name, &c.stat2)
	if s.stranded(c, a, b.dir) || s.stranded(c, b, a.dir) {
		return syscall.EXDEV
	}
	c.begin(&c.stat, &c.stat2)
	if errno := s.exchanged(c, a, b, func() syscall.Errno { return swapJudged(c, a, b) }); errno != 0 {
		return errno
	}
	s.moved(a, b)
	s.moved(b, a)
	return 0
}

// swapJudged is renameJudged for an exchange: if another object was at either
// name, both are put back.
func swapJudged(c *call, a, b end) syscall.Errno {
	swap := func() syscall.Errno {
		return backing.Rename(a.fd.Num(), a.name, b.fd.Num(), b.name, unix.RENAME_EXCHANGE)
	}
	if errno := swap(); errno != 0 {
		return errno
	}
	if isStill(b.fd.Num(), b.name, &c.stat) && isStill(a.fd.Num(), a.name, &c.stat2) {
		return 0
	}
	if errno := swap(); errno != 0 {
		return errno
	}
	return syscall.EAGAIN
}
