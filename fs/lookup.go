package fs

import (
	"encoding/binary"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

func (s *Server) lookup(c *call) syscall.Errno {
	dir, errno := s.find(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	name, errno := c.name()
	if errno != 0 {
		return errno
	}
	var sp spot
	if dir.node.Kind == node.KindTop {
		sp, errno = s.enterView(c, dir, name)
	} else {
		if errno := s.belongs(c, dir); errno != 0 {
			return errno
		}
		sp, errno = s.child(c, dir, name)
	}
	if errno == absent && c.missing {
		// An entry without a node: the kernel may keep for as long as any other
		// that there is none. Programs ask again and again for what is not there:
		// in a chroot, for each line of a listing, for the time zone.
		out := reply[fuse.EntryOut](c)
		out.EntryValid, out.EntryValidNsec = timeout(s.opt.EntryTimeout)
		return 0
	}
	if errno != 0 {
		return errno
	}
	s.entry(reply[fuse.EntryOut](c), sp, &c.stat)
	return 0
}

// entry fills the reply for a node whose lookup was counted.
func (s *Server) entry(out *fuse.EntryOut, sp spot, st *backing.Stat) {
	out.NodeId = sp.node.ID
	out.Generation = 0
	s.fill(&out.Attr, sp, st)
	out.AttrValid, out.AttrValidNsec = timeout(s.attrTimeout(sp))
	if sp.node.Kind == node.KindVirtual {
		return // nor its name: it may be gone with the next change of the policy
	}
	if sp.node.Kind == node.KindView {
		// Never cached: each walk into a view from outside is asked for, and
		// refused to other users. Sessions are chrooted and don't walk it.
		out.EntryValid, out.EntryValidNsec = 0, 0
		return
	}
	out.EntryValid, out.EntryValidNsec = timeout(s.opt.EntryTimeout)
}

// enterView looks up an account in the mount's root: open to root and to the
// account itself.
func (s *Server) enterView(c *call, top spot, name backing.Name) (spot, syscall.Errno) {
	p := s.policy.Load()
	ids, ok := p.IDs[name.String()]
	if ok {
		_, ok = p.Set.View(name.String())
	}
	if !ok {
		return spot{}, absent
	}
	if c.head.Uid != 0 && c.head.Uid != ids.UID {
		return spot{}, c.refuse(policy.ReasonForeignUID, policy.ClassRefused)
	}
	v := s.views.named(name.Clone())
	r := s.rulesOf(v)
	if r.view == nil {
		return spot{}, absent
	}
	where := node.Where{Parent: top.node.ID, Name: v.name, Place: r.view.Root(), Epoch: v.epoch(r)}
	n, _, err := s.nodes.Ref(node.Key{View: v.index}, node.Identity{Kind: node.KindView, Type: policy.TypeDir, View: v.index}, where)
	if err != nil {
		return spot{}, refErrno(err)
	}
	return spot{n, n.Where(), v, r}, 0
}

// child looks name up in dir and counts the lookup; what is on disk is in
// c.stat.
func (s *Server) child(c *call, dir spot, name backing.Name) (spot, syscall.Errno) {
	if p, ok := dir.where.Place.ProvidedName(name.String()); ok {
		if errno := c.deny(dir.where.Place.Check(policy.OpLookup, policy.Target{Name: name.String(), Type: policy.TypeDir})); errno != 0 {
			return spot{}, errno
		}
		return s.provided(c, dir, name, p)
	}
	if dir.where.Place.Credentials() != policy.CredentialsNone {
		return s.virtualChild(c, dir, name)
	}
	if !dir.backed() {
		c.missing = true
		return spot{}, absent
	}
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return spot{}, errno
	}
	defer fd.Release()
	return s.backedChild(c, dir, fd.Num(), name)
}

// backedChild looks name up in the real directory fd behind dir. The object is
// identified first, so that everything said of it is about one inode, whatever
// the name leads to meanwhile.
func (s *Server) backedChild(c *call, dir spot, fd int, name backing.Name) (spot, syscall.Errno) {
	root, errno := s.root(dir)
	if errno != 0 {
		return spot{}, errno
	}
	obj, errno := root.Find(fd, name, &c.stat)
	if errno == syscall.EXDEV {
		if errno := c.deny(dir.where.Place.Check(policy.OpLookup, policy.Target{Name: name.String(), Type: policy.TypeDir})); errno != 0 {
			return spot{}, errno
		}
		return spot{}, c.refuse(policy.ReasonForeignDevice, policy.ClassRefused)
	}
	if errno != 0 {
		c.missing = errno == absent
		return spot{}, errno
	}
	if typeOf(&c.stat) == policy.TypeSymlink {
		if sp, errno := s.store(c, dir, fd, name); errno != syscall.ENOTDIR {
			return sp, errno
		}
	}
	if errno := s.mayLook(c, dir, fd, name); errno != 0 {
		obj.Close()
		return spot{}, errno
	}
	return s.ref(c, dir, obj, name)
}

// mayLook judges the object called name in fd, whose attributes are in c.stat.
func (s *Server) mayLook(c *call, dir spot, fd int, name backing.Name) syscall.Errno {
	t := policy.Target{Name: name.String(), Type: typeOf(&c.stat), Perm: uint32(c.stat.Mode) & 0o7777}
	switch t.Type {
	case policy.TypeNone:
		return absent
	case policy.TypeSymlink:
		if errno := s.judgeLink(c, fd, name, dir.where.Depth); errno != 0 {
			return errno
		}
	}
	return c.deny(dir.where.Place.Check(policy.OpLookup, t))
}

// answerChild replies with the entry of what was made at name just now.
func (s *Server) answerChild(c *call, dir spot, fd int, name backing.Name) syscall.Errno {
	sp, errno := s.backedChild(c, dir, fd, name)
	if errno != 0 {
		return errno
	}
	s.entry(reply[fuse.EntryOut](c), sp, &c.stat)
	return 0
}

// ref returns the node of an object of dir, whose attributes are in c.stat, and
// counts the lookup. The object is the node's from then on.
func (s *Server) ref(c *call, dir spot, obj backing.Object, name backing.Name) (spot, syscall.Errno) {
	id := node.Identity{
		Kind: node.KindBacked, Type: typeOf(&c.stat), View: dir.view.index, Source: dir.source(s).index, Root: rootFor(dir),
		Object: obj, Ino: c.stat.Ino, Dev: backing.Dev(&c.stat),
	}
	key := node.Key{View: id.View, Source: id.Source, Root: id.Root, Handle: obj.Handle, Dev: id.Dev, Ino: id.Ino}
	if id.Type == policy.TypeFile && c.stat.Nlink > 1 {
		key.Parent = dir.node.ID
	}
	return s.refKey(dir, key, id, name)
}

// rootFor returns the Root of what lies in dir.
func rootFor(dir spot) uint64 {
	if dir.node.Kind == node.KindBacked && dir.node.Root != 0 {
		return dir.node.Root
	}
	return dir.node.ID
}

// refKey counts a lookup of key in dir.
func (s *Server) refKey(dir spot, key node.Key, id node.Identity, name backing.Name) (spot, syscall.Errno) {
	where := node.Where{Parent: dir.node.ID, Name: name.String(), Depth: dir.where.Depth + 1, Place: dir.where.Place, Epoch: dir.where.Epoch}
	if id.Type == policy.TypeDir {
		where.Place = dir.where.Place.Child(name.String())
	}
	return s.refWhere(dir, key, id, where)
}

func (s *Server) refWhere(dir spot, key node.Key, id node.Identity, where node.Where) (spot, syscall.Errno) {
	n, fresh, err := s.nodes.Ref(key, id, where)
	if err != nil {
		id.Object.Close()
		return spot{}, refErrno(err)
	}
	if !fresh && n.Object != id.Object {
		id.Object.Close()
	}
	n.Check(time.Now().UnixNano())
	return spot{n, n.Where(), dir.view, dir.rules}, 0
}

// provided looks up a name that the view itself provides: a mount, a site, or
// a synthetic directory that a real one may be merged into.
func (s *Server) provided(c *call, dir spot, name backing.Name, p policy.Provided) (spot, syscall.Errno) {
	where := node.Where{Parent: dir.node.ID, Name: name.String(), Place: p.Place, Epoch: dir.where.Epoch, Depth: dir.where.Depth + 1}
	m := p.Place.Mount()
	if m != nil && p.Place.IsMountRoot() {
		where.Depth = 0
		return s.mountRoot(c, dir, s.sources.named(m.Source), m, where)
	}
	if m != nil && dir.backed() {
		// Only a real directory is merged; anything else there is hidden.
		if sp, ok := s.merged(c, dir, name, where); ok {
			return sp, 0
		}
	}
	key := node.Key{View: dir.view.index, Parent: dir.node.ID, Name: name.String()}
	id := node.Identity{Kind: node.KindSynthetic, Type: policy.TypeDir, View: dir.view.index}
	return s.refWhere(dir, key, id, where)
}

// merged looks for a real directory at a synthetic one's place.
func (s *Server) merged(c *call, dir spot, name backing.Name, where node.Where) (spot, bool) {
	fd, errno := s.dirFD(c, dir)
	if errno != 0 {
		return spot{}, false
	}
	defer fd.Release()
	root, errno := s.root(dir)
	if errno != 0 {
		return spot{}, false
	}
	obj, errno := root.Find(fd.Num(), name, &c.stat)
	if errno != 0 {
		return spot{}, false
	}
	if typeOf(&c.stat) != policy.TypeDir {
		obj.Close()
		return spot{}, false
	}
	sp, errno := s.ref(c, dir, obj, name)
	return sp, errno == 0
}

// mountRoot enters a source through its path.
func (s *Server) mountRoot(c *call, dir spot, src *source, m *policy.Mount, where node.Where) (spot, syscall.Errno) {
	root, errno := s.enter(src, m, dir.rules.ids)
	if errno != 0 {
		return spot{}, errno
	}
	if errno := backing.StatFD(root.FD(), &c.stat); errno != 0 {
		return spot{}, errno
	}
	if c.stat.Nlink == 0 { // removed while it is pinned
		src.checked.Store(0)
		return spot{}, absent
	}
	obj, errno := root.Object()
	if errno != 0 {
		return spot{}, errno
	}
	id := node.Identity{
		Kind: node.KindBacked, Type: policy.TypeDir, View: dir.view.index, Source: src.index,
		Object: obj, Ino: c.stat.Ino, Dev: backing.Dev(&c.stat),
	}
	// A mount of the same source at another path is another node.
	key := node.Key{View: dir.view.index, Source: src.index, Handle: obj.Handle, Dev: id.Dev, Ino: id.Ino, Parent: dir.node.ID, Name: where.Name}
	return s.refWhere(dir, key, id, where)
}

func (s *Server) forget(c *call) syscall.Errno {
	s.nodes.Forget(c.head.NodeId, arg[fuse.ForgetIn](c).Nlookup)
	return 0
}

func (s *Server) batchForget(c *call) syscall.Errno {
	const one = 16 // a node id and a count
	count := binary.NativeEndian.Uint32(c.in[header:])
	for range count {
		if len(c.body) < one {
			return syscall.EINVAL
		}
		s.nodes.Forget(binary.NativeEndian.Uint64(c.body), binary.NativeEndian.Uint64(c.body[8:]))
		c.body = c.body[one:]
	}
	return 0
}
