package fs

import (
	"encoding/binary"
	"math"
	"syscall"
	"time"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// opendir opens a directory. Root may list the mount's root.
func (s *Server) opendir(c *call) syscall.Errno {
	sp, errno := s.find(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	if errno := s.mayList(c, sp); errno != 0 {
		return errno
	}
	if errno := roomFor(s.caps.dirs, sp); errno != 0 {
		return errno
	}
	d := &stream{fd: -1}
	if sp.node.Kind != node.KindTop {
		if d, errno = s.openStream(c, sp); errno != 0 {
			return errno
		}
	}
	out := reply[fuse.OpenOut](c)
	if out.Fh, errno = s.hold(c, &handle{node: openedOn(sp.node), stream: d}, sp); errno != 0 {
		d.close()
	}
	return errno
}

// mayList judges the listing of a directory, at opendir and at each block.
func (s *Server) mayList(c *call, sp spot) syscall.Errno {
	if sp.node.Kind == node.KindTop {
		if c.head.Uid != 0 {
			return c.refuse(policy.ReasonForeignUID, policy.ClassRefused)
		}
		return 0
	}
	if errno := s.belongs(c, sp); errno != 0 {
		return errno
	}
	if sp.node.Type != policy.TypeDir {
		return syscall.ENOTDIR
	}
	return c.deny(sp.where.Place.Check(policy.OpReaddir, policy.Target{}))
}

func (s *Server) readdir(c *call) syscall.Errno     { return s.list(c, false) }
func (s *Server) readdirplus(c *call) syscall.Errno { return s.list(c, true) }

// lister is one READDIR or READDIRPLUS on its way.
type lister struct {
	s    *Server
	c    *call
	dir  spot
	plus bool // the reply's form has room for attributes
	bare bool // they are left out all the same: see adapt
	left int  // names until the block is cut short
	room int
}

func (s *Server) list(c *call, plus bool) syscall.Errno {
	in := arg[fuse.ReadIn](c)
	sp, errno := s.findOpen(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	h, errno := s.handles.get(in.Fh, sp.node)
	if errno != 0 {
		return errno
	}
	if h.stream == nil {
		return syscall.ENOTDIR
	}
	if errno := s.mayList(c, sp); errno != 0 {
		return errno
	}
	if errno := s.verify(sp); errno != 0 {
		return s.listGone(c, sp)
	}
	l := lister{s: s, c: c, dir: sp, plus: plus, left: math.MaxInt, room: min(int(in.Size), len(c.out))}
	h.stream.mu.Lock()
	defer h.stream.mu.Unlock()
	if errno := s.reopenStream(c, sp, h.stream); errno != 0 {
		return errno
	}
	l.adapt(h.stream, in.Offset)
	errno = l.block(h.stream, in.Offset)
	if errno == 0 && c.size == 0 && !h.stream.since.IsZero() { // the end
		s.listings.note(sp.node, h.stream.since)
	}
	return errno
}

// adapt decides for which names of a block attributes are sent: see habit.
func (l *lister) adapt(d *stream, offset uint64) {
	if l.s.opt.AlwaysPlus {
		return
	}
	habits, pid := &l.s.habits, l.c.head.Pid
	if offset == 0 {
		d.since, d.spared = time.Now(), false
	} else if l.plus {
		habits.note(pid, habitStats)
	} else if !d.spared {
		habits.note(pid, habitNames)
	}
	switch {
	case !l.plus:
	case l.s.listings.fresh(l.dir.node, l.s.opt.EntryTimeout):
		l.bare, d.spared = true, true
	case offset != 0:
		return
	default:
		switch habits.of(pid) {
		case habitNames:
			l.bare = true
		case habitUnknown:
			l.left = probeEntries
			return
		case habitStats:
			return
		}
	}
	d.since = time.Time{}
}

// block lists from an offset as much as there is room for.
func (l *lister) block(d *stream, offset uint64) syscall.Errno {
	if offset < firstBacking {
		full, errno := l.provided(int(offset))
		if full || errno != 0 || d.fd < 0 {
			return errno
		}
		return l.backed(d, 0)
	}
	if d.fd < 0 {
		return 0
	}
	return l.backed(d, cookieOf(offset))
}

// listGone answers for an open directory that is not at its place any more: one
// that was removed is empty, one that was moved is taken away.
func (s *Server) listGone(c *call, sp spot) syscall.Errno {
	if s.stat(sp, &c.stat) == 0 && c.stat.Nlink == 0 {
		return 0
	}
	return c.refuse(policy.ReasonNoSuchPlace, policy.ClassRefused)
}

// provided lists what the view provides, from the i-th entry; full means that
// the reply has no room for more.
func (l *lister) provided(i int) (full bool, errno syscall.Errno) {
	names, typ := l.names(), uint8(syscall.DT_DIR)
	if isCredentials(l.dir) {
		names, typ = append(names, l.virtualNames()...), syscall.DT_REG
	}
	for ; i < len(names); i++ {
		next := uint64(i + 1)
		if l.left == 0 || !l.fits(len(names[i])) {
			return true, l.tooSmall()
		}
		if i < 2 { // "." and "..": the kernel knows them
			l.dirent(names[i], next, 1, syscall.DT_DIR, nil)
			continue
		}
		l.child(names[i], next, 1<<62, typ)
	}
	return false, 0
}

// names are the entries that lie in no backing: "." and "..", then the
// accounts in the mount's root, or what the view provides.
func (l *lister) names() []string {
	names := []string{".", ".."}
	if l.dir.node.Kind == node.KindTop {
		p := l.s.policy.Load()
		for _, v := range p.Set.Views() {
			if _, ok := p.IDs[v.Account()]; ok {
				names = append(names, v.Account())
			}
		}
		return names
	}
	for _, p := range l.dir.where.Place.Provided() {
		if p.Listed && l.there(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// there reports whether what the view provides has a directory behind it, if it
// needs one: a missing source is no entry of a listing.
func (l *lister) there(p policy.Provided) bool {
	m := p.Place.Mount()
	if m == nil || !p.Place.IsMountRoot() {
		return true
	}
	_, errno := l.s.enter(l.s.sources.named(m.Source), m, l.dir.rules.ids)
	return errno == 0
}

// backed lists the backing directory from a cookie on.
func (l *lister) backed(d *stream, cookie uint64) syscall.Errno {
	if errno := d.seek(cookie); errno != 0 {
		return errno
	}
	for {
		e, size, ok, errno := d.next()
		if !ok {
			if l.c.size > 0 {
				return 0
			}
			return errno
		}
		name := e.Name.String()
		if !l.shown(d.fd, e) {
			d.take(e, size)
			continue
		}
		if l.left == 0 || !l.fits(len(name)) {
			return l.tooSmall()
		}
		l.child(name, backingCookie(e.Next), l.ino(e.Ino), e.Type)
		d.take(e, size)
	}
}

// ino returns the inode number that a backing entry shows, as getattr does.
func (l *lister) ino(ino uint64) uint64 {
	if root, errno := l.s.root(l.dir); errno == 0 {
		return shownIno(ino, root.Dev())
	}
	return ino
}

// shown reports whether a backing entry is part of the view.
func (l *lister) shown(fd int, e backing.Dirent) bool {
	place, name := l.dir.where.Place, e.Name.String()
	if _, provided := place.ProvidedName(name); provided {
		return false // listed already, or only reachable by name
	}
	t := policy.Target{Name: name}
	switch e.Type {
	case syscall.DT_DIR:
		t.Type = policy.TypeDir
	case syscall.DT_REG:
		t.Type = policy.TypeFile
	case syscall.DT_LNK:
		t.Type = policy.TypeSymlink
	case syscall.DT_UNKNOWN:
		if backing.StatAt(fd, e.Name, &l.c.stat) != 0 {
			return false
		}
		t.Type = typeOf(&l.c.stat)
	}
	if t.Type == policy.TypeNone || !place.Visible(t) {
		return false
	}
	if t.Type == policy.TypeSymlink {
		if len(storesOf(l.dir, fd, e.Name)) > 0 {
			return true
		}
		text, errno := backing.ReadlinkAt(fd, e.Name)
		return errno == 0 && linkStays(string(text), l.dir.where.Depth)
	}
	return true
}

// child adds the entry of a child. In a READDIRPLUS it is looked up like any
// other name, unless the view has too many nodes already; one that has vanished
// meanwhile is left to the kernel to look up.
func (l *lister) child(name string, next, ino uint64, typ uint8) {
	l.left--
	if !l.plus || l.bare || l.dir.view != nil && l.s.nodes.Crowded(l.dir.view.index) {
		if typ == syscall.DT_LNK && len(l.dir.where.Place.Store(name)) > 0 {
			typ = syscall.DT_DIR
		}
		l.dirent(name, next, ino, typ, nil)
		return
	}
	n, errno := backing.NewName(name)
	if errno != 0 {
		return
	}
	var sp spot
	if l.dir.node.Kind == node.KindTop {
		sp, errno = l.s.enterView(l.c, l.dir, n)
	} else {
		sp, errno = l.s.child(l.c, l.dir, n)
	}
	if errno != 0 {
		l.c.verdict = policy.Verdict{} // not the listing's refusal
		if errno != syscall.ENOENT {
			l.dirent(name, next, ino, typ, nil)
		}
		return
	}
	var entry fuse.EntryOut
	l.s.entry(&entry, sp, &l.c.stat)
	l.dirent(name, next, entry.Ino, uint8(entry.Mode>>12), &entry)
}

const (
	direntSize = 24 // struct fuse_dirent before its name
	entrySize  = int(unsafe.Sizeof(fuse.EntryOut{}))
)

func (l *lister) length(name int) int {
	n := (direntSize + name + 7) &^ 7
	if l.plus {
		n += entrySize
	}
	return n
}

func (l *lister) fits(name int) bool { return l.c.size+l.length(name) <= l.room }

// tooSmall is the answer when an entry does not fit: an error only if nothing
// was listed, since an empty reply would mean the end.
func (l *lister) tooSmall() syscall.Errno {
	if l.c.size == 0 {
		return syscall.EINVAL
	}
	return 0
}

// dirent writes one struct fuse_dirent or fuse_direntplus. Without an entry the
// node id is 0, and the kernel looks the name up when it is asked for.
func (l *lister) dirent(name string, next, ino uint64, typ uint8, entry *fuse.EntryOut) {
	out := l.c.out[l.c.size : l.c.size+l.length(len(name))]
	clear(out)
	if l.plus {
		if entry != nil {
			*(*fuse.EntryOut)(unsafe.Pointer(&out[0])) = *entry
		}
		out = out[entrySize:]
	}
	binary.NativeEndian.PutUint64(out, ino)
	binary.NativeEndian.PutUint64(out[8:], next)
	binary.NativeEndian.PutUint32(out[16:], uint32(len(name)))
	binary.NativeEndian.PutUint32(out[20:], uint32(typ))
	copy(out[direntSize:], name)
	l.c.size += l.length(len(name))
}
