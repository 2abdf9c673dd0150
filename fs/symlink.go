package fs

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// linkStays reports whether a symlink's text is relative and, from a directory
// that lies depth below its mount's root, never climbs above that root
// (product.md §5). The text alone is judged: what it leads to is looked up by
// the kernel in the caller's own view.
func linkStays(text string, depth int) bool {
	if text == "" || path.IsAbs(text) {
		return false
	}
	for c := range strings.SplitSeq(text, "/") {
		switch c {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return false
			}
		default:
			depth++
		}
	}
	return true
}

// judgeLink hides the symlink called name in fd unless its text stays inside
// the mount; depth is that of the directory.
func (s *Server) judgeLink(c *call, fd int, name backing.Name, depth int) syscall.Errno {
	text, errno := backing.ReadlinkAt(fd, name)
	if errno != 0 {
		return errno
	}
	if !linkStays(string(text), depth) {
		return c.refuse(policy.ReasonSymlink, policy.ClassHidden)
	}
	return 0
}

func (s *Server) readlink(c *call) syscall.Errno {
	sp, errno := s.own(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	if sp.node.Type != policy.TypeSymlink {
		return syscall.EINVAL
	}
	if errno := c.deny(sp.where.Place.Check(policy.OpReadlink, sp.target(nil))); errno != 0 {
		return errno
	}
	if errno := s.verifyObject(c, sp); errno != 0 {
		return errno
	}
	fd, errno := s.objectFD(sp)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	text, errno := backing.Readlink(fd.Num())
	if errno != 0 {
		return errno
	}
	if !linkStays(string(text), sp.where.Depth-1) {
		return c.refuse(policy.ReasonSymlink, policy.ClassHidden)
	}
	c.size = copy(c.out, text)
	return 0
}

func (s *Server) symlink(c *call) syscall.Errno {
	dir, name, errno := s.inDir(c)
	if errno != 0 {
		return errno
	}
	text, ok := c.text()
	if !ok {
		return syscall.EINVAL
	}
	if len(text) > unix.PathMax {
		return syscall.ENAMETOOLONG
	}
	if s.madeBefore(c, dir, name, policy.TypeSymlink) && s.sameLink(c, dir, name, text) {
		return s.answerMade(c, dir, name)
	}
	fd, errno := s.mayMake(c, dir, name, policy.OpSymlink, policy.TypeSymlink)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	if !linkStays(string(text[:len(text)-1]), dir.where.Depth) {
		return c.refuse(policy.ReasonSymlink, policy.ClassRefused)
	}
	b, errno := s.birth(dir, fd.Num(), policy.TypeSymlink, 0, &c.stat)
	if errno != 0 {
		return errno
	}
	errno = s.born(c, dir, name, policy.TypeSymlink, func(intent) syscall.Errno {
		c.begin(nil, nil)
		if errno := backing.Symlink(fd.Num(), name, text, b.UID, b.GID); errno != 0 {
			return errno
		}
		if backing.StatAt(fd.Num(), name, &c.stat) != 0 {
			c.stat = backing.Stat{} // somebody has removed it, and that is charged
		}
		c.making(&c.stat)
		return 0
	})
	if errno != 0 {
		return errno
	}
	return s.answerChild(c, dir, fd.Num(), name)
}

// store shows the directory that a site's link called name leads to, if its
// text is one of the exact places that the policy allows (product.md §11). Where
// static/files is itself a link to another disk, the place that can be opened is
// a parallel one of the list. ENOTDIR: the link is no such link.
func (s *Server) store(c *call, dir spot, fd int, name backing.Name) (spot, syscall.Errno) {
	stores := storesOf(dir, fd, name)
	if len(stores) == 0 {
		return spot{}, syscall.ENOTDIR
	}
	if errno := c.deny(dir.where.Place.Check(policy.OpLookup, policy.Target{Name: name.String(), Type: policy.TypeDir})); errno != 0 {
		return spot{}, errno
	}
	var sp spot
	var errno syscall.Errno
	for _, st := range stores {
		where := node.Where{Parent: dir.node.ID, Name: name.String(), Place: dir.where.Place.Child(name.String()), Epoch: dir.where.Epoch}
		if sp, errno = s.mountRoot(c, dir, s.sources.named(st.Path), nil, where); errno == 0 {
			c.verdict = policy.Verdict{}
			return sp, 0
		}
	}
	return sp, errno
}

// storesOf returns the places that the link called name in fd may lead to, the
// one that its text names first; none if it names none of them.
func storesOf(dir spot, fd int, name backing.Name) []policy.Store {
	stores := dir.where.Place.Store(name.String())
	if len(stores) == 0 {
		return nil
	}
	text, errno := backing.ReadlinkAt(fd, name)
	if errno != 0 || !path.IsAbs(string(text)) {
		return nil
	}
	i := slices.IndexFunc(stores, func(st policy.Store) bool { return cmp.Or(st.Text, st.Path) == path.Clean(string(text)) })
	if i < 0 {
		return nil
	}
	stores = slices.Clone(stores)
	stores[0], stores[i] = stores[i], stores[0]
	return stores
}
