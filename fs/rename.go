package fs

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

func (s *Server) rename1(c *call) syscall.Errno {
	return s.rename(c, binary.NativeEndian.Uint64(c.in[header:]), 0)
}

func (s *Server) rename2(c *call) syscall.Errno {
	in := arg[fuse.RenameIn](c)
	switch in.Flags {
	case 0, unix.RENAME_NOREPLACE:
		return s.rename(c, in.Newdir, in.Flags)
	case unix.RENAME_EXCHANGE:
		return s.exchange(c, in.Newdir)
	}
	return syscall.EINVAL // as from file systems that have no whiteouts
}

// end is one of the two names of a rename.
type end struct {
	dir  spot
	name backing.Name
	fd   backing.FD    // of dir
	t    policy.Target // what is there now

	node  spot // of what is there, if known
	known bool // the kernel has a node for it
}

// ends begins a rename: the two directories, which must be of one view, and the
// names in them.
func (s *Server) ends(c *call, newDir uint64) (from, to end, errno syscall.Errno) {
	if from.dir, errno = s.own(c, c.head.NodeId); errno != 0 {
		return from, to, errno
	}
	if to.dir, errno = s.own(c, newDir); errno != 0 {
		return from, to, errno
	}
	if from.dir.view != to.dir.view {
		return from, to, syscall.EXDEV
	}
	if from.name, errno = c.name(); errno != 0 {
		return from, to, errno
	}
	to.name, errno = c.name()
	return from, to, errno
}

func (s *Server) rename(c *call, newDir uint64, flags uint32) syscall.Errno {
	from, to, errno := s.ends(c, newDir)
	if errno != 0 {
		return errno
	}
	if c.resumed() {
		if f := s.fateOfRename(c, from, to); f != fateUndone {
			return s.renamedBefore(c, f, from, to)
		}
	}
	if from.fd, from.t, errno = s.existing(c, from.dir, from.name, &c.stat); errno != 0 {
		return errno
	}
	defer from.fd.Release()
	if to.fd, to.t, errno = s.replaced(c, to.dir, to.name); errno != 0 {
		return errno
	}
	defer to.fd.Release()
	if errno := c.deny(from.dir.where.Place.CheckRename(from.t, to.dir.where.Place, to.t)); errno != 0 {
		return errno
	}
	if errno := s.arrives(c, from, to.dir); errno != 0 {
		return errno
	}
	if from.node, from.known = s.known(from.dir, from.fd.Num(), from.name, &c.stat); s.stranded(c, from, to.dir) {
		return syscall.EXDEV
	}
	c.begin(&c.stat, nil)
	if s.sameBirth(from.dir, to.dir) {
		return s.move(c, from, to, flags)
	}
	if from.t.Type != policy.TypeFile {
		return c.refuse(policy.ReasonAcrossMounts, policy.ClassCross)
	}
	return s.reown(c, from, to, flags)
}

// arrives judges a symlink where it would lie: one that leaves its mount is
// absent, and is refused here.
func (s *Server) arrives(c *call, from end, dir spot) syscall.Errno {
	if from.t.Type == policy.TypeSymlink && s.judgeLink(c, from.fd.Num(), from.name, dir.where.Depth) != 0 {
		return c.refuse(policy.ReasonSymlink, policy.ClassRefused)
	}
	return 0
}

// replaced says what is at the target of a rename; nothing there is fine, and a
// hidden name is the policy's to refuse whether or not it exists.
func (s *Server) replaced(c *call, dir spot, name backing.Name) (backing.FD, policy.Target, syscall.Errno) {
	t := policy.Target{Name: name.String()}
	if _, ok := dir.where.Place.ProvidedName(t.Name); ok {
		return backing.FD{}, t, c.refuse(policy.ReasonMountPoint, policy.ClassBusy)
	}
	if dir.where.Depth >= node.MaxDepth {
		return backing.FD{}, t, syscall.ENAMETOOLONG
	}
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return backing.FD{}, t, errno
	}
	switch errno := backing.StatAt(fd.Num(), name, &c.stat2); errno {
	case 0:
		t.Type, t.Perm = typeOf(&c.stat2), uint32(c.stat2.Mode)&0o7777
		if t.Type == policy.TypeNone {
			fd.Release()
			return backing.FD{}, t, c.refuse(policy.ReasonHidden, policy.ClassRefused)
		}
	case syscall.ENOENT:
	default:
		fd.Release()
		return backing.FD{}, t, errno
	}
	return fd, t, 0
}

// sameBirth reports whether objects of both mounts have the same owner and
// birth rules, so that one rename(2) leaves nothing to mend (product.md §7).
func (s *Server) sameBirth(from, to spot) bool {
	a, b := from.where.Place.Mount(), to.where.Place.Mount()
	if a == b {
		return true
	}
	if a == nil || b == nil || a.GroupWrite != b.GroupWrite || a.ClientMode != b.ClientMode {
		return false
	}
	if (a.Owner == nil) != (b.Owner == nil) {
		return false
	}
	if a.Owner != nil {
		return *a.Owner == *b.Owner
	}
	return s.ownerOf(from, a) == s.ownerOf(to, b)
}

// renameJudged moves what was judged, and nothing else: whoever can write to the
// directories may have put another object at either name meanwhile. Where
// nothing was at the target nothing is replaced; and if another object was
// moved, it is put back.
func renameJudged(c *call, from, to end, flags uint32) syscall.Errno {
	oldFD, newFD := from.fd.Num(), to.fd.Num()
	try := flags
	if to.t.Type == policy.TypeNone {
		try |= unix.RENAME_NOREPLACE
	}
	errno := backing.Rename(oldFD, from.name, newFD, to.name, try)
	if errno == syscall.EINVAL && try != flags {
		errno = backing.Rename(oldFD, from.name, newFD, to.name, flags) // not all file systems have it
	}
	if errno == syscall.EEXIST && flags&unix.RENAME_NOREPLACE == 0 {
		return c.refuse(policy.ReasonNoPermission, policy.ClassRefused) // it has come meanwhile
	}
	if errno != 0 {
		return errno
	}
	if isStill(newFD, to.name, &c.stat) {
		return 0
	}
	if errno := putBack(from, to); errno != 0 {
		return errno
	}
	return syscall.EAGAIN
}

// putBack moves what is at to back to the directory that it came from. Where its
// name was taken meanwhile it gets one beside: it must not stay where nobody has
// judged it, and is not ours to remove.
func putBack(from, to end) syscall.Errno {
	const tries = 100
	name, errno := from.name, syscall.EEXIST
	for i := 1; errno == syscall.EEXIST && i <= tries; i++ {
		errno = backing.Rename(to.fd.Num(), to.name, from.fd.Num(), name, unix.RENAME_NOREPLACE)
		var st backing.Stat
		if errno == syscall.EINVAL { // not all file systems have it
			errno = syscall.EEXIST
			if backing.StatAt(from.fd.Num(), name, &st) == syscall.ENOENT {
				errno = backing.Rename(to.fd.Num(), to.name, from.fd.Num(), name, 0)
			}
		}
		text := from.name.String()
		name, _ = backing.NewName(fmt.Sprintf("%s~%d", text[:min(len(text), 250)], i))
	}
	return errno
}

// isStill reports whether name in dir is what st describes, or nothing any more.
func isStill(dir int, name backing.Name, st *backing.Stat) bool {
	var now backing.Stat
	return backing.StatAt(dir, name, &now) != 0 || now.Ino == st.Ino && now.Mode&unix.S_IFMT == st.Mode&unix.S_IFMT
}

// move does what rename has found to be permitted, and then moves the nodes.
func (s *Server) move(c *call, from, to end, flags uint32) syscall.Errno {
	var victim spot
	over := false
	if to.t.Type == policy.TypeFile {
		victim, over = s.known(to.dir, to.fd.Num(), to.name, &c.stat2)
		over = over && (!from.known || victim.node.ID != from.node.node.ID)
	}
	if over {
		if errno := s.keepOpen(victim); errno != 0 {
			return errno
		}
	}
	errno := s.renamed(c, from, to, func() syscall.Errno {
		errno := renameJudged(c, from, to, flags)
		if errno == 0 && over {
			victim.node.Check(0) // as in remove
		}
		return errno
	})
	if errno != 0 {
		return errno
	}
	s.moved(from, to)
	return 0
}

// stranded reports whether moving what is at e to the directory to would leave
// behind whoever has it open: in another mount it is another node, which they
// could not follow.
func (s *Server) stranded(c *call, e end, to spot) bool {
	return e.known && rootFor(e.dir) != rootFor(to) && s.staysOpen(c, e.node.node.ID)
}

// moved notes that what was at from is at to now. In another mount it is another
// node: find then answers ESTALE for this one, and the kernel asks for the name
// anew.
func (s *Server) moved(from, to end) {
	if !from.known {
		return
	}
	n, dir := from.node.node, to.dir
	where := node.Where{Parent: dir.node.ID, Name: to.name.String(), Depth: dir.where.Depth + 1, Place: dir.where.Place, Epoch: dir.where.Epoch}
	if n.Type == policy.TypeDir {
		where.Place = dir.where.Place.Child(where.Name)
	}
	s.nodes.Move(n, where)
	if n.Type == policy.TypeDir || rootFor(from.dir) != rootFor(dir) {
		dir.view.moves.Add(1)
	}
}
