package fs

import (
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// born charges something of type t that do makes at name in dir and describes in
// c.stat, the zero Stat if it is gone again. do may say beforehand what it makes.
func (s *Server) born(c *call, dir spot, name backing.Name, t policy.FileType, do func(intent) syscall.Errno) syscall.Errno {
	p := s.charges.enter()
	defer p.leave()
	b, errno := s.booksIn(p, dir)
	if errno != 0 {
		return errno
	}
	ask := quota.Request{Charge: quota.Charge{Inodes: 1}}
	if t == policy.TypeFile {
		ask.Files, ask.Room = 1, 1
	}
	grant, err := s.charges.ledger.Reserve(b.set, ask)
	if err != nil {
		return overQuota(err)
	}
	in := s.dirID(dir)
	b.tree.Enter(in)
	defer b.tree.Leave(in)
	i := s.charges.intents.intend(intentBirth, intentEnd{}, nameOf(b, dir, name))
	defer s.charges.intents.end(i)
	grant.Ticket = i.paper()
	if errno := do(i); errno != 0 {
		s.charges.ledger.Release(grant)
		return errno
	}
	c.done()
	s.charges.ledger.Settle(grant, ask.Charge)
	made := idOf(&c.stat)
	b.tree.Note(in, made, ask.Charge)
	if t == policy.TypeDir && made != (quota.ID{}) {
		b.tree.Made(made, in)
	}
	return 0
}

// object is what a name leads to that is about to be moved or to go.
type object struct {
	id    quota.ID
	dir   bool
	file  bool
	inode *inode // in use; nil for nothing
	born  unix.StatxTimestamp
	cost  quota.Charge // that ends with this name: nothing where a file has others
	open  bool         // it stays, without a name, until somebody closes it
	links bool         // it is a file with other names
}

// object describes what st does; done ends its use.
func (s *Server) object(st *backing.Stat) object {
	kind := typeOf(st)
	return object{id: idOf(st), dir: kind == policy.TypeDir, file: kind == policy.TypeFile, inode: s.charges.inodes.use(idOf(st))}
}

func (s *Server) done(o object) {
	if o.inode != nil {
		s.charges.inodes.end(o.inode)
	}
}

// look finds what o costs now that it is locked, and whether it is still what name
// leads to: ESTALE makes the kernel begin again, once.
func (s *Server) look(o *object, fd int, name backing.Name, st *backing.Stat) syscall.Errno {
	if errno := backing.StatAt(fd, name, st); errno != 0 {
		return errno
	}
	if idOf(st) != o.id || o.file != (typeOf(st) == policy.TypeFile) {
		return syscall.ESTALE
	}
	o.cost, o.born = costOf(st), st.Btime
	if !o.file {
		return 0
	}
	if o.inode.passed > 0 && o.inode.told != unknown {
		o.cost.Bytes = o.inode.told
	}
	if o.links = st.Nlink > 1; o.links {
		o.cost = quota.Charge{}
	}
	o.open = s.charges.inodes.isOpen(o.inode)
	return 0
}

// freed returns what becomes free when o loses the name.
func (o *object) freed() quota.Charge {
	if o.open {
		return quota.Charge{}
	}
	return o.cost
}

// removed takes what c.stat describes out of dir, as do does.
func (s *Server) removed(c *call, dir spot, fd int, name backing.Name, do func() syscall.Errno) syscall.Errno {
	p := s.charges.enter()
	defer p.leave()
	b, errno := s.booksIn(p, dir)
	if errno != 0 {
		return errno
	}
	o := s.object(&c.stat)
	defer s.done(o)
	defer lockBoth(o.inode, nil)()
	if errno := s.look(&o, fd, name, &c.stat); errno != 0 {
		return errno
	}
	in := s.dirID(dir)
	b.tree.Enter(in)
	defer b.tree.Leave(in)
	i := s.charges.intents.intend(intentRemoval, nameOf(b, dir, name).of(&c.stat, o.cost), intentEnd{})
	defer s.charges.intents.end(i)
	if errno := do(); errno != 0 {
		return errno
	}
	c.done()
	s.charges.ledger.Pay(i.paper(), b.set, s.gone(b, in, &o).Neg())
	if o.links {
		s.readAgain(b, dir)
	}
	return 0
}

// readAgain has what dir holds read again: a file with several names costs as much
// as before, but in which directories, and trees, is for those who read them all to
// find out.
func (s *Server) readAgain(b *books, dir spot) {
	s.charges.recounter.Touch(b.source.path, s.handleOf(dir))
}

// gone notes that o has lost its name in the directory in, and returns what is free
// now.
func (s *Server) gone(b *books, in quota.ID, o *object) quota.Charge {
	if o.cost == (quota.Charge{}) {
		return quota.Charge{}
	}
	b.tree.Note(in, o.id, o.cost.Neg())
	if o.dir {
		b.tree.Gone(o.id)
	}
	// It may have been opened since it was looked at; a directory or a symlink never
	// is, though its number may still be known of a file.
	if o.file && s.charges.inodes.abandon(o.inode, b.source, o.cost) {
		b.tree.Note(quota.ID{}, o.id, o.cost)
		o.inode.home = &home{source: b.source, born: o.born} // what is written to it now, too
		return quota.Charge{}
	}
	return o.cost
}
