package fs

import (
	"syscall"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

func (s *Server) unlink(c *call) syscall.Errno { return s.remove(c, false) }

func (s *Server) rmdir(c *call) syscall.Errno { return s.remove(c, true) }

func (s *Server) remove(c *call, isDir bool) syscall.Errno {
	dir, name, errno := s.inDir(c)
	if errno != 0 {
		return errno
	}
	if c.resumed() {
		if f := s.fateOfRemoval(c, dir, name); f != fateUndone {
			return f.errno()
		}
	}
	if dir.where.Place.Credentials() != policy.CredentialsNone {
		return s.removeVirtual(c, dir, name, isDir)
	}
	fd, t, errno := s.existing(c, dir, name, &c.stat)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	if errno := c.deny(dir.where.Place.Check(c.op, t)); errno != 0 {
		return errno
	}
	c.begin(&c.stat, nil)
	if isDir {
		return s.removed(c, dir, fd.Num(), name, func() syscall.Errno { return backing.Rmdir(fd.Num(), name) })
	}
	if t.Type == policy.TypeDir {
		return syscall.EISDIR
	}
	victim, ok := s.known(dir, fd.Num(), name, &c.stat)
	if ok {
		if errno := s.keepOpen(victim); errno != 0 {
			return errno
		}
	}
	return s.removed(c, dir, fd.Num(), name, func() syscall.Errno {
		errno := backing.Unlink(fd.Num(), name)
		if errno == 0 && ok {
			victim.node.Check(0) // who opens it from now on looks for the name first
		}
		return errno
	})
}

// existing borrows dir's descriptor and says what is at name, for operations
// on something that must be there. What the view provides is refused by the
// policy (EBUSY); what the account can't see is absent.
func (s *Server) existing(c *call, dir spot, name backing.Name, st *backing.Stat) (backing.FD, policy.Target, syscall.Errno) {
	t := policy.Target{Name: name.String()}
	if _, ok := dir.where.Place.ProvidedName(t.Name); ok {
		t.Type = policy.TypeDir
		if errno := c.deny(dir.where.Place.Check(c.op, t)); errno != 0 {
			return backing.FD{}, t, errno
		}
		return backing.FD{}, t, syscall.EBUSY
	}
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return backing.FD{}, t, errno
	}
	errno = backing.StatAt(fd.Num(), name, st)
	if errno == 0 {
		t.Type, t.Perm = typeOf(st), uint32(st.Mode)&0o7777
		errno = s.seen(c, dir, fd.Num(), name, t)
	}
	if errno != 0 {
		fd.Release()
		return backing.FD{}, t, errno
	}
	return fd, t, 0
}

// seen refuses what a lookup would not find.
func (s *Server) seen(c *call, dir spot, fd int, name backing.Name, t policy.Target) syscall.Errno {
	if t.Type == policy.TypeNone {
		return absent
	}
	if errno := c.deny(dir.where.Place.Check(policy.OpLookup, t)); errno != 0 {
		return errno
	}
	if t.Type == policy.TypeSymlink {
		if len(storesOf(dir, fd, name)) > 0 {
			return 0
		}
		return s.judgeLink(c, fd, name, dir.where.Depth)
	}
	return 0
}

// known returns the node of the object called name in fd if the kernel knows
// it already.
func (s *Server) known(dir spot, fd int, name backing.Name, st *backing.Stat) (spot, bool) {
	src := dir.source(s)
	key := node.Key{View: dir.view.index, Source: src.index, Root: rootFor(dir), Dev: backing.Dev(st), Ino: st.Ino}
	if typeOf(st) == policy.TypeFile && st.Nlink > 1 {
		key.Parent = dir.node.ID
	}
	if root := s.pinned(src); root != nil && root.HasHandles() {
		h, errno := backing.HandleAt(fd, name)
		if errno != 0 {
			return spot{}, false
		}
		key.Handle = h
	}
	n := s.nodes.Lookup(key)
	if n == nil {
		return spot{}, false
	}
	return spot{n, n.Where(), dir.view, dir.rules}, true
}
