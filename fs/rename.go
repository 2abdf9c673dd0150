package fs

import (
	"encoding/binary"
	"strings"
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
	if in.Flags&^unix.RENAME_NOREPLACE != 0 {
		// EXCHANGE comes with the complete engine; WHITEOUT never.
		return syscall.EINVAL
	}
	return s.rename(c, in.Newdir, in.Flags)
}

func (s *Server) rename(c *call, newDir uint64, flags uint32) syscall.Errno {
	from, errno := s.own(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	to, errno := s.own(c, newDir)
	if errno != 0 {
		return errno
	}
	if from.view != to.view {
		return syscall.EXDEV
	}
	oldName, errno := c.name()
	if errno != 0 {
		return errno
	}
	newName, errno := c.name()
	if errno != 0 {
		return errno
	}
	oldFD, moved, errno := s.existing(c, from, oldName, &c.stat)
	if errno != 0 {
		return errno
	}
	defer oldFD.Release()
	newFD, over, errno := s.replaced(c, to, newName)
	if errno != 0 {
		return errno
	}
	defer newFD.Release()
	if errno := c.deny(from.where.Place.CheckRename(moved, to.where.Place, over)); errno != 0 {
		return errno
	}
	if moved.Type == policy.TypeSymlink {
		// Judged where it would lie: a link that leaves its mount is absent.
		if errno := s.judgeLink(c, oldFD.Num(), oldName, to.where.Depth); errno != 0 {
			return c.refuse(policy.ReasonSymlink, policy.ClassRefused)
		}
	}
	if from.where.Place.Mount() != to.where.Place.Mount() && !s.sameBirth(from, to) {
		return c.refuse(policy.ReasonAcrossMounts, policy.ClassCross)
	}
	return s.move(c, from, oldFD.Num(), oldName, to, newFD.Num(), newName, over.Type, flags)
}

// replaced says what is at the target of a rename; nothing there is fine, and a
// hidden name is the policy's to refuse whether or not it exists.
func (s *Server) replaced(c *call, dir spot, name backing.Name) (backing.FD, policy.Target, syscall.Errno) {
	t := policy.Target{Name: name.String()}
	if _, ok := dir.where.Place.ProvidedName(t.Name); ok {
		return backing.FD{}, t, c.refuse(policy.ReasonMountPoint, policy.ClassBusy)
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
// moved, it is moved back.
func renameJudged(c *call, oldFD int, oldName backing.Name, newFD int, newName backing.Name, over policy.FileType, flags uint32) syscall.Errno {
	try := flags
	if over == policy.TypeNone {
		try |= unix.RENAME_NOREPLACE
	}
	errno := backing.Rename(oldFD, oldName, newFD, newName, try)
	if errno == syscall.EINVAL && try != flags {
		errno = backing.Rename(oldFD, oldName, newFD, newName, flags) // not all file systems have it
	}
	if errno == syscall.EEXIST && flags&unix.RENAME_NOREPLACE == 0 {
		return c.refuse(policy.ReasonNoPermission, policy.ClassRefused) // it has come meanwhile
	}
	if errno != 0 {
		return errno
	}
	var moved backing.Stat
	if backing.StatAt(newFD, newName, &moved) != 0 || moved.Ino == c.stat.Ino && moved.Mode&unix.S_IFMT == c.stat.Mode&unix.S_IFMT {
		return 0
	}
	if errno := backing.Rename(newFD, newName, oldFD, oldName, unix.RENAME_NOREPLACE); errno != 0 {
		return errno
	}
	return syscall.EAGAIN
}

// move does what rename has found to be permitted, and then moves the nodes.
func (s *Server) move(c *call, from spot, oldFD int, oldName backing.Name, to spot, newFD int, newName backing.Name, over policy.FileType, flags uint32) syscall.Errno {
	moving, known := s.known(from, oldFD, oldName, &c.stat)
	elsewhere := rootFor(from) != rootFor(to)
	if known && elsewhere && s.files.inUse(moving.node.ID) {
		// In another mount it is another node, which whoever has it open could
		// not follow.
		return syscall.EXDEV
	}
	if over == policy.TypeFile {
		if victim, ok := s.known(to, newFD, newName, &c.stat2); ok && (!known || victim.node != moving.node) {
			s.keepOpen(victim)
		}
	}
	if errno := renameJudged(c, oldFD, oldName, newFD, newName, over, flags); errno != 0 {
		return errno
	}
	if !known {
		return 0
	}
	// In another mount it is another node: find then answers ESTALE for this
	// one, and the kernel asks for the name anew.
	where := node.Where{Parent: to.node, Name: strings.Clone(newName.String()), Depth: to.where.Depth + 1, Place: to.where.Place, Epoch: to.where.Epoch}
	if moving.node.Type == policy.TypeDir {
		where.Place = to.where.Place.Child(where.Name)
	}
	s.nodes.Move(moving.node, where)
	if moving.node.Type == policy.TypeDir || elsewhere {
		from.view.moves.Add(1)
	}
	return 0
}
