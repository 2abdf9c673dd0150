package fs

import (
	"cmp"
	"syscall"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// mayMake checks that something new of the given type may be made at name in
// dir and borrows dir's descriptor. EEXIST where something visible is there
// already; a hidden name is refused whether or not it exists.
func (s *Server) mayMake(c *call, dir spot, name backing.Name, op policy.Op, t policy.FileType) (backing.FD, syscall.Errno) {
	if _, ok := dir.where.Place.ProvidedName(name.String()); ok {
		if errno := c.deny(dir.where.Place.Check(op, policy.Target{Name: name.String(), Type: t})); errno != 0 {
			return backing.FD{}, errno
		}
		return backing.FD{}, syscall.EEXIST
	}
	switch { // what is made must be shown
	case dir.where.Depth >= node.MaxDepth:
		return backing.FD{}, syscall.ENAMETOOLONG
	case s.nodes.Full(dir.view.index):
		return backing.FD{}, syscall.ENFILE
	}
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return backing.FD{}, errno
	}
	if root, errno := s.root(dir); errno != 0 || t == policy.TypeDir && root.Full() {
		fd.Release()
		return backing.FD{}, cmp.Or(errno, syscall.ENFILE)
	}
	switch errno := backing.StatHere(fd.Num(), name, &c.stat2); errno {
	case syscall.ENOENT:
		errno := c.deny(dir.where.Place.Check(op, policy.Target{Name: name.String(), Type: t}))
		if errno == 0 {
			return fd, 0
		}
		fd.Release()
		return backing.FD{}, errno
	case 0:
		there := policy.Target{Name: name.String(), Type: typeOf(&c.stat2), Perm: uint32(c.stat2.Mode) & 0o7777}
		seen := s.seen(c, dir, fd.Num(), name, there)
		fd.Release()
		if seen == 0 {
			return backing.FD{}, syscall.EEXIST
		}
		return backing.FD{}, c.refuse(policy.ReasonHidden, policy.ClassRefused)
	case syscall.EXDEV:
		fd.Release()
		return backing.FD{}, c.refuse(policy.ReasonForeignDevice, policy.ClassRefused)
	default:
		fd.Release()
		return backing.FD{}, errno
	}
}

// birth returns what a new object in dir is born with (product.md §8): the
// owner of the mount, the group and mode of the directory. mode is what the
// client asked for, honoured only where the mount says so.
func (s *Server) birth(dir spot, dirFD int, t policy.FileType, mode uint32, st *backing.Stat) (backing.Birth, syscall.Errno) {
	if errno := backing.StatFD(dirFD, st); errno != 0 {
		return backing.Birth{}, errno
	}
	m := dir.where.Place.Mount()
	b := backing.Birth{GID: st.Gid}
	if m.Owner != nil {
		b.UID, b.GID = m.Owner.UID, m.Owner.GID
	} else {
		b.UID = s.ownerOf(dir, m)
	}
	b.Mode = birthMode(uint32(st.Mode), t, m, mode)
	return b, 0
}

// ownerOf returns the owner of the mount's root.
func (s *Server) ownerOf(dir spot, m *policy.Mount) uint32 {
	src := s.sources.named(m.Source)
	root := s.pinned(src)
	if root == nil { // the mount's source has vanished, a store of it has not
		root = s.pinned(dir.source(s))
	}
	var st backing.Stat
	if backing.StatFD(root.FD(), &st) == 0 {
		return st.Uid
	}
	uid, _ := root.Owner()
	return uid
}

// birthMode derives the mode of a new object from its directory's.
func birthMode(parent uint32, t policy.FileType, m *policy.Mount, asked uint32) uint32 {
	if m.ClientMode {
		if t == policy.TypeDir {
			return asked&0o777 | parent&syscall.S_ISGID | 0o700
		}
		return asked&0o777 | 0o600
	}
	mode := parent&0o666 | 0o600
	if t == policy.TypeDir {
		mode = parent&0o7777 | 0o700
	}
	mode &^= 0o002
	if m.GroupWrite {
		mode |= mode >> 3 & 0o070
	}
	return mode
}
