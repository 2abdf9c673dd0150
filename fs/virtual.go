package fs

import (
	"cmp"
	"errors"
	iofs "io/fs"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// Virtual has the files of a view's directories of credentials, which lie on no
// disk (policy.Credentials). All of their state is the implementation's, so that a
// successor of this process goes on with it. Its methods are called on a request's
// path by several goroutines, and must not use the file system itself.
//
// An error is shown to the client as what it wraps: io/fs.ErrNotExist,
// ErrPermission and ErrInvalid, or ErrTooLarge; else as EIO.
type Virtual interface {
	// Names returns the names of an account's files in one directory.
	Names(account string, dir policy.Credentials) []string
	// Stat says what is known of a file without looking into it.
	Stat(f VirtualFile) (VirtualInfo, error)
	// Read returns what a file holds.
	Read(f VirtualFile) ([]byte, error)
	// Write writes data at an offset, at the end where that is AtEnd.
	Write(f VirtualFile, data []byte, off int64) error
	// Truncate makes a file size bytes long, as far as that means anything.
	Truncate(f VirtualFile, size int64) error
	// Close is called at each close(2) by a writer and, with last, when the kernel has
	// let go of what it had open.
	Close(f VirtualFile, last bool) error
	// Remove is unlink(2); the file may be there again with something else in it.
	Remove(f VirtualFile) error
}

// VirtualFile names a file of a view.
type VirtualFile struct {
	Account string // whose view it is
	Dir     policy.Credentials
	Name    string
}

// VirtualInfo is what stat(2) shows of a file.
type VirtualInfo struct {
	Size    int64
	Changed time.Time
}

// AtEnd is the offset of what is appended.
const AtEnd = -1

// ErrTooLarge says that a Virtual takes no more.
var ErrTooLarge = errors.New("too large")

// modeVirtual is the mode of files of credentials, modeVirtualDir that of their
// directories: they are the account's own, whatever it may do there.
const (
	modeVirtual    = syscall.S_IFREG | 0o600
	modeVirtualDir = syscall.S_IFDIR | 0o700
)

// virtualFile returns the name of a spot that lies on no disk.
func virtualFile(sp spot) VirtualFile {
	return VirtualFile{sp.view.name, sp.where.Place.Credentials(), sp.where.Name}
}

// virtualErrno is errnoOf for what a Virtual says.
func virtualErrno(err error) syscall.Errno {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, iofs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, iofs.ErrPermission):
		return syscall.EACCES
	case errors.Is(err, iofs.ErrInvalid):
		return syscall.EINVAL
	case errors.Is(err, ErrTooLarge):
		return syscall.EFBIG
	}
	return syscall.EIO
}

// changed logs that a credential was not changed, which the client is told by an
// errno alone.
func (s *Server) changed(f VirtualFile, err error) syscall.Errno {
	if err != nil {
		s.opt.Log.Warn("a credential was not changed", "account", f.Account, "file", f.Name, "error", err)
	}
	return virtualErrno(err)
}

// statVirtual sets st to what is shown of a file that lies on no disk.
func (s *Server) statVirtual(f VirtualFile, st *backing.Stat) syscall.Errno {
	if s.opt.Virtual == nil {
		return syscall.ENOENT
	}
	info, err := s.opt.Virtual.Stat(f)
	if err != nil {
		return virtualErrno(err)
	}
	*st = backing.Stat{Mode: modeVirtual, Size: uint64(info.Size), Nlink: 1, Blksize: 4096, Blocks: 1}
	at := unix.StatxTimestamp{Sec: info.Changed.Unix(), Nsec: uint32(info.Changed.Nanosecond())}
	if info.Changed.IsZero() {
		at = unix.StatxTimestamp{Sec: s.policy.Load().since.Unix()}
	}
	st.Mtime, st.Ctime, st.Atime = at, at, at
	return 0
}

// virtualChild looks a file up in a directory of credentials and counts the lookup.
func (s *Server) virtualChild(c *call, dir spot, name backing.Name) (spot, syscall.Errno) {
	place := dir.where.Place
	if errno := c.deny(place.Check(policy.OpLookup, policy.Target{Name: name.String(), Type: policy.TypeFile})); errno != 0 {
		return spot{}, errno
	}
	if errno := s.statVirtual(VirtualFile{dir.view.name, place.Credentials(), name.String()}, &c.stat); errno != 0 {
		return spot{}, errno
	}
	key := node.Key{View: dir.view.index, Parent: dir.node.ID, Name: name.String()}
	id := node.Identity{Kind: node.KindVirtual, Type: policy.TypeFile, View: dir.view.index}
	return s.refKey(dir, key, id, name)
}

// openVirtual opens a file that lies on no disk. What it holds is asked for at each
// read: no handle keeps what was true at its open.
func (s *Server) openVirtual(c *call, sp spot) syscall.Errno {
	flags := arg[fuse.OpenIn](c).Flags
	h := &handle{node: openedOn(sp.node)}
	h.read, h.write = accessMode(flags)
	if h.read {
		if errno := c.deny(sp.where.Place.Check(policy.OpOpenRead, sp.target(nil))); errno != 0 {
			return errno
		}
	}
	if h.write {
		c.op = policy.OpOpenWrite
		if errno := c.deny(sp.where.Place.Check(policy.OpOpenWrite, sp.target(nil))); errno != 0 {
			return errno
		}
	}
	if errno := s.statVirtual(virtualFile(sp), &c.stat); errno != 0 {
		return errno
	}
	out := reply[fuse.OpenOut](c)
	out.OpenFlags = fuse.FOPEN_DIRECT_IO
	if !h.write {
		out.OpenFlags |= fuse.FOPEN_NOFLUSH
	}
	var errno syscall.Errno
	out.Fh, errno = s.hold(c, h, sp)
	return errno
}

func (s *Server) readVirtual(c *call, sp spot, in *fuse.ReadIn) syscall.Errno {
	text, err := s.opt.Virtual.Read(virtualFile(sp))
	if err != nil {
		return virtualErrno(err)
	}
	if in.Offset < uint64(len(text)) {
		c.size = copy(c.out[:min(len(c.out), int(in.Size))], text[in.Offset:])
	}
	return 0
}

func (s *Server) writeVirtual(c *call, sp spot, in *fuse.WriteIn) syscall.Errno {
	off := int64(in.Offset)
	if in.Flags&unix.O_APPEND != 0 {
		off = AtEnd
	}
	f := virtualFile(sp)
	if errno := s.changed(f, s.opt.Virtual.Write(f, c.body[:in.Size], off)); errno != 0 {
		return errno
	}
	reply[fuse.WriteOut](c).Size = in.Size
	return 0
}

// closeVirtual tells the Virtual of a close, if the node is its.
func (s *Server) closeVirtual(id uint64, last bool) (errno syscall.Errno, virtual bool) {
	n := s.nodes.Get(id)
	if n == nil || n.Kind != node.KindVirtual {
		return 0, false
	}
	sp, ok := s.virtualSpot(n)
	if !ok {
		return 0, true // the account is gone: what it was writing is nobody's
	}
	f := virtualFile(sp)
	return s.changed(f, s.opt.Virtual.Close(f, last)), true
}

func (s *Server) virtualSpot(n *node.Node) (spot, bool) {
	v := s.views.at(n.View)
	r := s.rulesOf(v)
	if r.view == nil {
		return spot{}, false
	}
	w := s.locate(n, v, r)
	return spot{n, w, v, r}, w != nil
}

// removeVirtual is unlink(2) of a file that lies on no disk.
func (s *Server) removeVirtual(c *call, dir spot, name backing.Name, isDir bool) syscall.Errno {
	place := dir.where.Place
	f := VirtualFile{dir.view.name, place.Credentials(), name.String()}
	errno := s.statVirtual(f, &c.stat)
	if errno == 0 {
		errno = c.deny(place.Check(c.op, policy.Target{Name: f.Name, Type: policy.TypeFile}))
	}
	if errno == 0 && isDir {
		errno = syscall.ENOTDIR
	}
	if errno != 0 {
		return errno
	}
	return s.changed(f, s.opt.Virtual.Remove(f))
}

// setattrVirtual is setattr of a file of credentials or of a directory of such:
// only the size of a file means something. Modes and times, which clients set
// after an upload, are taken and change nothing.
func (s *Server) setattrVirtual(c *call, sp spot, in *fuse.SetAttrIn) syscall.Errno {
	ops := []struct {
		valid uint32
		op    policy.Op
	}{
		{fuse.FATTR_SIZE, policy.OpTruncate},
		{fuse.FATTR_UID | fuse.FATTR_GID, policy.OpChown},
		{fuse.FATTR_MODE, policy.OpChmod},
		{fattrTimes, policy.OpUtimes},
	}
	for _, o := range ops {
		if in.Valid&o.valid == 0 {
			continue
		}
		if errno := c.deny(sp.where.Place.Check(o.op, sp.target(nil))); errno != 0 {
			return errno
		}
	}
	if in.Valid&fuse.FATTR_MODE != 0 && in.Mode&(syscall.S_ISUID|syscall.S_ISGID|syscall.S_ISVTX) != 0 {
		return c.refuse(policy.ReasonNever, policy.ClassNotOwner)
	}
	if in.Valid&fuse.FATTR_SIZE != 0 {
		f := virtualFile(sp)
		if sp.node.Kind != node.KindVirtual {
			return syscall.EISDIR
		}
		if errno := s.changed(f, s.opt.Virtual.Truncate(f, int64(in.Size))); errno != 0 {
			return errno
		}
	}
	if errno := s.stat(sp, &c.stat); errno != 0 {
		return errno
	}
	out := reply[fuse.AttrOut](c)
	s.fill(&out.Attr, sp, &c.stat)
	out.AttrValid, out.AttrValidNsec = timeout(s.attrTimeout(sp))
	return 0
}

// attrTimeout is how long the kernel may go by what it knows of a node: not at all
// where somebody else may change it with the next request.
func (s *Server) attrTimeout(sp spot) time.Duration {
	if sp.node.Kind == node.KindVirtual {
		return 0
	}
	return s.opt.EntryTimeout
}

// isCredentials reports whether sp is a file of credentials, or a directory of such.
func isCredentials(sp spot) bool {
	return sp.where.Place != nil && sp.where.Place.Credentials() != policy.CredentialsNone
}

// virtualNames are the names that a directory of credentials lists.
func (l *lister) virtualNames() []string {
	if l.s.opt.Virtual == nil {
		return nil
	}
	return l.s.opt.Virtual.Names(l.dir.view.name, l.dir.where.Place.Credentials())
}

// fillVirtual describes a file of credentials, or a directory of such.
func (s *Server) fillVirtual(out *fuse.Attr, sp spot, st *backing.Stat) {
	if sp.node.Kind == node.KindVirtual {
		fillStat(out, st)
		out.Ino, out.Mode = providedIno(sp.node), modeVirtual
	} else {
		s.fillProvided(out, sp)
		out.Mode = modeVirtualDir
	}
	out.Uid, out.Gid = sp.rules.ids.UID, sp.rules.ids.GID
	out.Nlink = cmp.Or(out.Nlink, 1)
}
