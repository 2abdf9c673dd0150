package fs

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// spot is a node at its place under the rules of this moment.
type spot struct {
	node  *node.Node
	where *node.Where
	view  *view
	rules *viewRules
}

// find places the node that the request is about: its rules are found again
// if the policy or the tree above it has changed. EACCES where the account has
// no view any more. ESTALE for an unknown node and for one that is not where the
// policy has it now: the kernel then looks the path up again.
func (s *Server) find(c *call, id uint64) (spot, syscall.Errno) {
	n := s.nodes.Get(id)
	if n == nil {
		return spot{}, syscall.ESTALE
	}
	if n.Kind == node.KindTop {
		return spot{node: n, where: n.Where()}, 0
	}
	v := s.views.at(n.View)
	r := s.rulesOf(v)
	if r.view == nil {
		return spot{}, c.refuse(policy.ReasonNoSuchPlace, policy.ClassRefused)
	}
	w := s.locate(n, v, r)
	if w == nil {
		return spot{}, syscall.ESTALE
	}
	return spot{n, w, v, r}, 0
}

// locate returns where n lies under r, nil if r has no such place.
func (s *Server) locate(n *node.Node, v *view, r *viewRules) *node.Where {
	return s.locateFrom(n, v, r, new(node.Ascent))
}

// locateFrom is locate of what lies up below the node that is asked for.
func (s *Server) locateFrom(n *node.Node, v *view, r *viewRules, up *node.Ascent) *node.Where {
	w := n.Where()
	if w.Lost {
		return nil
	}
	epoch := v.epoch(r)
	if w.Epoch == epoch {
		return w
	}
	now := *w
	now.Epoch = epoch
	if n.Kind == node.KindView {
		now.Place = r.view.Root()
	} else {
		parent := s.nodes.Get(w.Parent)
		if parent == nil || !up.Step() {
			return nil
		}
		above := s.locateFrom(parent, v, r, up)
		if above == nil || !s.replace(n, parent, &now, above) {
			return nil
		}
	}
	n.Refresh(w, &now)
	return &now
}

// replace finds the rules of n, which lies at now in parent, which lies above.
func (s *Server) replace(n, parent *node.Node, now, above *node.Where) bool {
	now.Place = above.Place
	if n.Type == policy.TypeDir {
		now.Place = above.Place.Child(now.Name)
	}
	if n.Kind == node.KindVirtual {
		return above.Place.Credentials() != policy.CredentialsNone
	}
	if n.Kind == node.KindSynthetic {
		_, provided := above.Place.ProvidedName(now.Name)
		return provided
	}
	m := now.Place.Mount()
	if m == nil {
		return false
	}
	source := s.sources.at(n.Source).path
	now.Depth = 0
	if n.Root != 0 && n.Root != parent.ID && n.Root != parent.Root {
		return false // of the same source mounted elsewhere
	}
	switch {
	case n.Type == policy.TypeDir && now.Place.IsMountRoot():
		return m.Source == source
	case parent.Kind == node.KindBacked && parent.Source == n.Source, parent.Kind == node.KindView && m.Source == source:
		now.Depth = above.Depth + 1
		return now.Depth <= node.MaxDepth
	}
	// The only other place that a directory leads to is a site's store.
	return slices.ContainsFunc(above.Place.Store(now.Name), func(st policy.Store) bool { return st.Path == source })
}

// findOpen is find for what a handle is open on: it is not looked up again, it
// is taken away.
func (s *Server) findOpen(c *call, id uint64) (spot, syscall.Errno) {
	sp, errno := s.find(c, id)
	if errno == syscall.ESTALE {
		errno = c.refuse(policy.ReasonNoSuchPlace, policy.ClassRefused)
	}
	return sp, errno
}

// caller checks that the request comes from the view's account. Root may only
// touch the roots of views: see lookup and getattr.
func (s *Server) caller(c *call, sp spot) syscall.Errno {
	if sp.rules != nil && c.head.Uid == sp.rules.ids.UID {
		return 0
	}
	if c.head.Uid == 0 && sp.node.Kind <= node.KindView {
		return 0
	}
	return c.refuse(policy.ReasonForeignUID, policy.ClassRefused)
}

// own is find for requests that only the account itself may make.
func (s *Server) own(c *call, id uint64) (spot, syscall.Errno) {
	sp, errno := s.find(c, id)
	if errno != 0 {
		return sp, errno
	}
	return sp, s.belongs(c, sp)
}

// inDir is how a request about a name begins: the directory, which only the
// account itself may ask about, and the name.
func (s *Server) inDir(c *call) (spot, backing.Name, syscall.Errno) {
	dir, errno := s.own(c, c.head.NodeId)
	if errno != 0 {
		return dir, backing.Name{}, errno
	}
	name, errno := c.name()
	return dir, name, errno
}

// belongs refuses everybody but the account itself: below a view's root not
// even root may look (product.md §5).
func (s *Server) belongs(c *call, sp spot) syscall.Errno {
	if sp.rules == nil || c.head.Uid != sp.rules.ids.UID {
		return c.refuse(policy.ReasonForeignUID, policy.ClassRefused)
	}
	return 0
}

// root returns the backing root that the spot's objects are opened through;
// ENOENT where there is none.
func (s *Server) root(sp spot) (*backing.Root, syscall.Errno) {
	src := sp.source(s)
	if src == nil {
		return nil, syscall.ENOENT
	}
	r := s.pinned(src)
	if r == nil {
		return nil, syscall.ENOENT
	}
	if sp.node.Kind == node.KindBacked && sp.node.Dev != r.Dev() {
		return nil, syscall.ESTALE
	}
	return r, 0
}

// source returns the source that the spot lies in, nil for what only the view
// provides.
func (sp spot) source(s *Server) *source {
	switch sp.node.Kind {
	case node.KindBacked:
		return s.sources.at(sp.node.Source)
	case node.KindView:
		if m := sp.where.Place.Mount(); m != nil {
			return s.sources.named(m.Source)
		}
	}
	return nil
}

// dirFD borrows an O_PATH descriptor of the spot's backing directory; EACCES
// inside a directory that only the view provides.
func (s *Server) dirFD(c *call, sp spot) (backing.FD, syscall.Errno) {
	if !sp.backed() {
		return backing.FD{}, c.refuse(policy.ReasonSynthetic, policy.ClassRefused)
	}
	if errno := s.verify(sp); errno != 0 {
		return backing.FD{}, errno
	}
	return s.baseFD(sp)
}

// objectFD borrows an O_PATH descriptor of a backed node.
func (s *Server) objectFD(sp spot) (backing.FD, syscall.Errno) {
	root, errno := s.root(sp)
	if errno != 0 {
		return backing.FD{}, errno
	}
	return s.fds.Get(sp.node.ID, backing.FDPath, func() (int, syscall.Errno) {
		return s.openObject(sp, root, unix.O_PATH|unix.O_NOFOLLOW)
	})
}

// openObject opens a backed node: by its handle, by its pinned descriptor, or by
// its name in the directory that held it last. The root of a source has no name
// there that leads to it.
func (s *Server) openObject(sp spot, root *backing.Root, flags int) (int, syscall.Errno) {
	obj := sp.node.Object
	if !obj.Handle.IsZero() || obj.FD > 0 {
		return root.Open(obj, flags)
	}
	if sp.node.Dev == root.Dev() && sp.node.Ino == root.Ino() {
		return backing.Reopen(root.FD(), flags)
	}
	name, errno := backing.NewName(sp.where.Name)
	if errno != 0 {
		return -1, errno
	}
	above, ok := s.parent(sp)
	if !ok {
		return -1, syscall.ESTALE
	}
	dir, errno := s.baseFD(above)
	if errno != 0 {
		return -1, errno
	}
	defer dir.Release()
	return backing.OpenAt(dir.Num(), name, sp.node.Dev, sp.node.Ino, flags)
}

// backed reports whether there is a real directory behind the spot.
func (sp spot) backed() bool {
	return sp.node.Kind == node.KindBacked || sp.node.Kind == node.KindView && sp.where.Place.Mount() != nil
}

// target returns what is known of a node for a question about it.
func (sp spot) target(st *backing.Stat) policy.Target {
	t := policy.Target{Name: sp.where.Name, Type: sp.node.Type}
	if st != nil {
		t.Perm = uint32(st.Mode) & 0o7777
	}
	return t
}

// holder returns the rules of the directory that holds the spot's object; for
// the root of a view, its own.
func (s *Server) holder(sp spot) *policy.Place {
	if sp.node.Kind == node.KindView || sp.node.Type != policy.TypeDir {
		return sp.where.Place
	}
	parent := s.nodes.Get(sp.where.Parent)
	if parent == nil || parent.Kind == node.KindTop {
		return sp.where.Place
	}
	above := s.locate(parent, sp.view, sp.rules)
	if above == nil {
		return sp.where.Place
	}
	return above.Place
}

// parent returns the directory that holds the spot, where that was last found;
// false if the kernel has forgotten it.
func (s *Server) parent(sp spot) (spot, bool) {
	n := s.nodes.Get(sp.where.Parent)
	if n == nil {
		return spot{}, false
	}
	// Its rules may not be known any more, or be older than the child's.
	where := n.Where()
	if n.Kind != node.KindTop {
		if where = s.locate(n, sp.view, sp.rules); where == nil {
			return spot{}, false
		}
	}
	return spot{n, where, sp.view, sp.rules}, true
}
