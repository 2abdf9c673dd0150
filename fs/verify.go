package fs

import (
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/node"
)

// verify makes sure that the spot still lies where its rules are from, if that
// was not seen within the entry timeout. The kernel sees to it for paths, by
// looking each name up again; a directory that is kept open or is somebody's
// working directory may have been moved meanwhile by another view or beside the
// mount, and must not take its old rights along. ESTALE: it is somewhere else.
func (s *Server) verify(sp spot) syscall.Errno {
	now := time.Now().UnixNano()
	var up node.Ascent
	for n := sp.node; n == nil || n.Kind == node.KindBacked; n = s.nodes.Get(n.Where().Parent) {
		if n == nil || !up.Step() {
			return syscall.ESTALE
		}
		if now-n.Checked() < int64(s.opt.EntryTimeout) {
			continue
		}
		w := n.Where()
		if w.Lost || !s.atPlace(spot{n, w, sp.view, sp.rules}) {
			return syscall.ESTALE
		}
		n.Check(now)
	}
	return 0
}

// verifyObject is verify for what changes or shows the object itself, which may
// also be reached by a descriptor that is kept: one that has no name any more lies
// nowhere, and a new file is its creator's until the last close.
func (s *Server) verifyObject(c *call, sp spot) syscall.Errno {
	if s.files.creating(sp.node.ID) {
		return 0
	}
	errno := s.verify(sp)
	if errno == syscall.ESTALE && s.stat(sp, &c.stat) == 0 && c.stat.Nlink == 0 {
		return 0
	}
	return errno
}

// atPlace reports whether the name that a node was last found at still leads to
// it.
func (s *Server) atPlace(sp spot) bool {
	if sp.where.Depth == 0 {
		return s.currentRoot(sp)
	}
	var st backing.Stat
	above, ok := s.parent(sp)
	if !ok {
		return false
	}
	dir, errno := s.baseFD(above)
	if errno != 0 {
		return false
	}
	defer dir.Release()
	name, errno := backing.NewName(sp.where.Name)
	if errno != 0 || backing.StatAt(dir.Num(), name, &st) != 0 || st.Ino != sp.node.Ino || backing.Dev(&st) != sp.node.Dev {
		return false
	}
	if sp.node.Object.Handle.IsZero() {
		return true
	}
	h, errno := backing.HandleAt(dir.Num(), name)
	return errno == 0 && h == sp.node.Object.Handle
}

// currentRoot reports whether the root of a mount is what its source's path
// leads to now.
func (s *Server) currentRoot(sp spot) bool {
	root, errno := s.enter(s.sources.at(sp.node.Source), nil, sp.rules.ids)
	if errno != 0 {
		return false
	}
	if !sp.node.Object.Handle.IsZero() {
		return root.IsHandle(sp.node.Object.Handle) && root.Dev() == sp.node.Dev
	}
	return root.Ino() == sp.node.Ino && root.Dev() == sp.node.Dev
}

// baseFD borrows an O_PATH descriptor of a backed directory. A home is entered
// through its path: it may have been made again.
func (s *Server) baseFD(sp spot) (backing.FD, syscall.Errno) {
	if sp.node.Kind == node.KindBacked {
		return s.objectFD(sp)
	}
	m := sp.where.Place.Mount()
	if m == nil {
		return backing.FD{}, syscall.ENOENT
	}
	root, errno := s.enter(s.sources.named(m.Source), m, sp.rules.ids)
	if errno != 0 {
		return backing.FD{}, errno
	}
	return backing.Lent(root.FD()), 0
}
