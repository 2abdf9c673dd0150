package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// open opens an existing regular file.
func (s *Server) open(c *call) syscall.Errno {
	sp, errno := s.own(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	if sp.node.Type != policy.TypeFile {
		return syscall.EINVAL
	}
	if errno := roomFor(s.caps.files, sp); errno != 0 {
		return errno
	}
	if sp.node.Kind == node.KindVirtual {
		return s.openVirtual(c, sp)
	}
	flags := arg[fuse.OpenIn](c).Flags
	h := &handle{node: openedOn(sp.node)}
	errno = s.openAs(c, sp, h, flags)
	if errno == 0 {
		errno = s.handleOut(c, reply[fuse.OpenOut](c), sp, h)
	}
	if errno != 0 {
		s.notOpened(h)
	}
	return errno
}

// openAs opens the existing file sp as h, of which notOpened ends what it began
// where nothing comes of it.
func (s *Server) openAs(c *call, sp spot, h *handle, flags uint32) syscall.Errno {
	h.read, h.write = accessMode(flags)
	h.inode = s.charges.inodes.open(inodeOf(sp)) // from now on who unlinks it knows
	if errno := s.mayOpen(c, sp, h, flags); errno != 0 {
		return errno
	}
	return s.openData(c, sp, h.write, flags)
}

// openData opens the file as far as an open(2) must be able to fail: a reader
// needs no descriptor here, its data is passed through.
func (s *Server) openData(c *call, sp spot, write bool, flags uint32) syscall.Errno {
	if !write && flags&unix.O_TRUNC == 0 {
		return 0
	}
	fd, errno := s.dataFD(sp, true)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	if flags&unix.O_TRUNC == 0 {
		return 0
	}
	errno = s.truncate(c, sp, fd.Num(), 0)
	if errno == 0 && !write { // nothing comes to end it
		errno = s.endWriting(sp.node.ID)
	}
	return errno
}

// accessMode splits open(2)'s access mode.
func accessMode(flags uint32) (read, write bool) {
	switch flags & unix.O_ACCMODE {
	case unix.O_WRONLY:
		return false, true
	case unix.O_RDWR:
		return true, true
	}
	return true, false
}

// mayOpen checks everything that an open's flags ask for.
func (s *Server) mayOpen(c *call, sp spot, h *handle, flags uint32) syscall.Errno {
	if errno := s.verify(sp); errno != 0 {
		return errno
	}
	t := sp.target(nil)
	// Nothing on disk is asked for by a reader of a file whose backing id is kept,
	// unless a preset goes by the mode there.
	if h.write || flags&unix.O_TRUNC != 0 || !s.files.kept(sp.node.ID) ||
		sp.where.Place.Check(policy.OpOpenRead, t).Reason == policy.ReasonPreset {
		if errno := s.stat(sp, &c.stat); errno != 0 {
			return errno
		}
		if c.stat.Nlink == 0 && !s.charges.inodes.isOrphan(h.inode) {
			return syscall.ESTALE // what it cost is free already: the kernel looks for another
		}
		t = sp.target(&c.stat)
	}
	if h.read {
		if errno := c.deny(sp.where.Place.Check(policy.OpOpenRead, t)); errno != 0 {
			return errno
		}
	}
	if h.write || flags&unix.O_TRUNC != 0 {
		c.op = policy.OpOpenWrite
		if errno := c.deny(sp.where.Place.Check(s.rewriting(sp, policy.OpOpenWrite), t)); errno != 0 {
			return errno
		}
	}
	return s.mayMove(c, sp, h.read, h.write)
}

// handleOut registers the handle and fills the reply; c.stat is what is on disk.
// Every open of a regular file carries the inode's one backing id, a mediated one
// adds DIRECT_IO (architecture.md §3.4): the kernel refuses a mix. close(2) waits
// for us only where there are bits to clear; the rest is RELEASE's.
func (s *Server) handleOut(c *call, out *fuse.OpenOut, sp spot, h *handle) (errno syscall.Errno) {
	f, errno := s.files.opened(sp.node.ID, h.created)
	if errno != 0 {
		return errno
	}
	// A creator that may not download gets no way to the data but through read:
	// mmap(2) would go to the backing.
	blind := h.created && h.read && !sp.where.Place.Check(policy.OpOpenRead, sp.target(nil)).Allowed()
	if id := s.backingID(f, sp); id != 0 && !blind {
		out.BackingID = id
		out.OpenFlags |= fuse.FOPEN_PASSTHROUGH
	}
	p := s.charges.plan.Load()
	need := policy.Mediation{Reads: true, Writes: true}
	if m := sp.where.Place.Mount(); m != nil && out.BackingID != 0 {
		need = sp.rules.view.Mediation(m)
	}
	special := c.stat.Mode&(unix.S_ISUID|unix.S_ISGID) != 0
	if h.write && !need.Writes {
		// A preset that goes by the mode on disk is asked at each write, and
		// set-user-ID bits are cleared by one.
		need.Writes = special || s.limited(p, sp) || !sp.where.Place.Check(s.rewriting(sp, policy.OpWrite), sp.target(nil)).Allowed()
	}
	if h.read && need.Reads || h.write && need.Writes {
		out.OpenFlags |= fuse.FOPEN_DIRECT_IO | fuse.FOPEN_PARALLEL_DIRECT_WRITES
	}
	if !h.write || !special {
		out.OpenFlags |= fuse.FOPEN_NOFLUSH
	}
	if out.OpenFlags&(fuse.FOPEN_PASSTHROUGH|fuse.FOPEN_DIRECT_IO) == fuse.FOPEN_PASSTHROUGH {
		h.mode = Passthrough
		if h.write { // the kernel has its own, which ends with close(2)
			s.fds.CloseKind(sp.node.ID, backing.FDWrite)
		}
	}
	if out.Fh, errno = s.hold(c, h, sp); errno != 0 {
		s.files.closed(sp.node.ID)
		return errno
	}
	if h.mode == Passthrough && (s.policy.Load() != sp.rules.epochPolicy || s.charges.plan.Load() != p) {
		poke(s.swapped) // who looked for what is revoked may have come too early
	}
	return 0
}

// create makes a regular file and opens it; of two at once, the loser opens
// what the winner made.
func (s *Server) create(c *call) syscall.Errno {
	in := *arg[fuse.CreateIn](c)
	dir, name, errno := s.inDir(c)
	if errno != 0 {
		return errno
	}
	if errno := roomFor(s.caps.files, dir); errno != 0 {
		return errno
	}
	h := &handle{}
	sp, errno := s.createIn(c, dir, name, in.Mode, in.Flags, h)
	if errno != 0 {
		return errno
	}
	h.node = openedOn(sp.node)
	out := reply[fuse.CreateOut](c)
	// First the handle: the creator's file is shown as its own.
	if errno := s.handleOut(c, &out.OpenOut, sp, h); errno != 0 {
		s.notOpened(h)
		s.nodes.Forget(sp.node.ID, 1)
		return errno
	}
	s.entry(&out.EntryOut, sp, &c.stat)
	return 0
}

// createIn makes the file called name, or opens what is there already unless
// O_EXCL forbids. It counts a lookup.
func (s *Server) createIn(c *call, dir spot, name backing.Name, mode, flags uint32, h *handle) (sp spot, errno syscall.Errno) {
	h.read, h.write = accessMode(flags)
	dirFD, errno := s.mayMake(c, dir, name, policy.OpCreate, policy.TypeFile)
	if errno == syscall.EEXIST && c.resumed() {
		if sp, ok := s.createdBefore(c, dir, name); ok {
			h.created = true
			return sp, 0
		}
	}
	if errno == 0 {
		defer dirFD.Release()
		if errno := s.mayMove(c, dir, false, h.write); errno != 0 {
			return sp, errno
		}
		sp, errno = s.createAt(c, dir, dirFD.Num(), name, mode)
		h.created = errno == 0
	}
	if errno == syscall.EEXIST && flags&unix.O_EXCL == 0 {
		sp, errno = s.openThere(c, dir, name, flags, h)
	}
	return sp, errno
}

func (s *Server) createAt(c *call, dir spot, dirFD int, name backing.Name, mode uint32) (spot, syscall.Errno) {
	b, errno := s.birth(dir, dirFD, policy.TypeFile, mode, &c.stat)
	if errno != 0 {
		return spot{}, errno
	}
	root, errno := s.root(dir)
	if errno != 0 {
		return spot{}, errno
	}
	fd, obj := -1, backing.Object{}
	errno = s.born(c, dir, name, policy.TypeFile, func(i intent) (errno syscall.Errno) {
		c.begin(nil, nil)
		fd, errno = backing.CreateFile(dirFD, name, b, func(fd int) {
			if backing.StatFD(fd, &c.stat) == 0 {
				i.makes(&c.stat)
				c.making(&c.stat)
			}
		})
		if errno == 0 {
			obj, errno = root.Identify(fd, &c.stat)
		}
		return errno
	})
	if errno != 0 {
		return spot{}, errno
	}
	sp, errno := s.ref(c, dir, obj, name)
	if errno != 0 {
		backing.Close(fd)
		return spot{}, errno
	}
	s.fds.Put(sp.node.ID, backing.FDWrite, fd).Release()
	return sp, 0
}

// openThere opens the file that is at name already as h, and counts a lookup.
func (s *Server) openThere(c *call, dir spot, name backing.Name, flags uint32, h *handle) (spot, syscall.Errno) {
	sp, errno := s.child(c, dir, name)
	if errno != 0 {
		return spot{}, errno
	}
	switch {
	case sp.node.Type == policy.TypeDir:
		errno = syscall.EISDIR
	case sp.node.Type != policy.TypeFile:
		errno = syscall.EEXIST
	default:
		errno = s.openAs(c, sp, h, flags)
	}
	if errno != 0 {
		s.notOpened(h)
		s.nodes.Forget(sp.node.ID, 1)
		return spot{}, errno
	}
	return sp, 0
}

// mknodFile serves mknod(2) of a regular file: creation without an open.
func (s *Server) mknodFile(c *call, mode uint32) syscall.Errno {
	c.op = policy.OpCreate
	dir, name, errno := s.inDir(c)
	if errno != 0 {
		return errno
	}
	sp, errno := s.createIn(c, dir, name, mode, unix.O_EXCL, &handle{})
	if errno != 0 {
		return errno
	}
	s.entry(reply[fuse.EntryOut](c), sp, &c.stat)
	return s.endWriting(sp.node.ID)
}

// release ends a file's or a directory's handle.
func (s *Server) release(c *call) syscall.Errno {
	fh := arg[fuse.ReleaseIn](c).Fh
	c.note().handle = fh
	s.letGo(fh)
	return 0
}
