package fs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// Modes that a view shows (product.md §8): what the account may change is its
// own, the rest is root's and read-only. Real owners and modes never show.
const (
	modeOwnDir   = syscall.S_IFDIR | 0o755
	modeOwnFile  = syscall.S_IFREG | 0o644
	modeRootDir  = syscall.S_IFDIR | 0o555
	modeRootFile = syscall.S_IFREG | 0o444
	modeViewRoot = syscall.S_IFDIR | 0o755 // sshd insists: root's, and no more than 0755
	modeSymlink  = syscall.S_IFLNK | 0o777
)

// fill sets out to the attributes that the account sees of sp; st is what is on
// disk, unused for what only the view provides.
func (s *Server) fill(out *fuse.Attr, sp spot, st *backing.Stat) {
	switch {
	case sp.node.Kind <= node.KindView:
		s.fillProvided(out, sp)
		out.Mode = modeViewRoot
	case isCredentials(sp):
		s.fillVirtual(out, sp, st)
	case sp.node.Kind == node.KindSynthetic:
		s.fillProvided(out, sp)
		out.Mode = modeRootDir
	default:
		fillStat(out, st)
		s.fillOwner(out, sp, st)
	}
}

// fillProvided describes a directory that has no backing.
func (s *Server) fillProvided(out *fuse.Attr, sp spot) {
	since := s.policy.Load().since
	*out = fuse.Attr{Ino: providedIno(sp.node), Nlink: 2, Blksize: 4096}
	out.Mtime, out.Mtimensec = uint64(since.Unix()), uint32(since.Nanosecond())
	out.Ctime, out.Ctimensec = out.Mtime, out.Mtimensec
	out.Atime, out.Atimensec = out.Mtime, out.Mtimensec
}

// providedIno keeps the inode numbers of provided directories apart from those
// of backings, which count from small numbers.
func providedIno(n *node.Node) uint64 { return 1<<63 | n.ID }

func fillStat(out *fuse.Attr, st *backing.Stat) {
	*out = fuse.Attr{
		Ino:       shownIno(st.Ino, backing.Dev(st)),
		Size:      st.Size,
		Blocks:    st.Blocks,
		Atime:     uint64(st.Atime.Sec),
		Mtime:     uint64(st.Mtime.Sec),
		Ctime:     uint64(st.Ctime.Sec),
		Atimensec: st.Atime.Nsec,
		Mtimensec: st.Mtime.Nsec,
		Ctimensec: st.Ctime.Nsec,
		Nlink:     st.Nlink,
		Blksize:   st.Blksize,
	}
}

// shownIno tells files of different backing file systems apart for programs
// that look for hard links.
func shownIno(ino, dev uint64) uint64 { return ino ^ dev<<40 }

// fillOwner sets type, mode and owner as the account sees them.
func (s *Server) fillOwner(out *fuse.Attr, sp spot, st *backing.Stat) {
	own := false
	switch sp.node.Type {
	case policy.TypeDir:
		out.Mode = modeRootDir
		if own = s.changeable(sp); own {
			out.Mode = modeOwnDir
		}
	case policy.TypeSymlink:
		out.Mode = modeSymlink
		own = sp.where.Place.Writable(sp.target(st))
	default:
		out.Mode = modeRootFile
		if own = sp.where.Place.Writable(sp.target(st)) || s.files.creating(sp.node.ID); own {
			out.Mode = modeOwnFile
		}
	}
	if m := sp.where.Place.Mount(); own && m != nil && m.ClientMode && sp.node.Type != policy.TypeSymlink {
		out.Mode = uint32(st.Mode) & (syscall.S_IFMT | 0o777)
	}
	if own {
		out.Uid, out.Gid = sp.rules.ids.UID, sp.rules.ids.GID
	}
}

// changeable reports whether the account may change what the directory holds.
func (s *Server) changeable(sp spot) bool {
	switch sp.node.Kind {
	case node.KindBacked:
		return s.holder(sp).Writable(sp.target(nil))
	case node.KindView:
		return sp.where.Place.Mount() != nil && sp.where.Place.Ordinary()&policy.VerbsChange != 0
	}
	return false
}

// stat reads what is on disk for sp; nothing for what only the view provides.
func (s *Server) stat(sp spot, st *backing.Stat) syscall.Errno {
	switch sp.node.Kind {
	case node.KindVirtual:
		return s.statVirtual(virtualFile(sp), st)
	case node.KindBacked:
	default:
		return 0
	}
	fd, errno := s.objectFD(sp)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	return backing.StatFD(fd.Num(), st)
}

// typeOf returns the type of what st describes; TypeNone for devices, FIFOs
// and sockets, which no view shows.
func typeOf(st *backing.Stat) policy.FileType {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return policy.TypeFile
	case unix.S_IFDIR:
		return policy.TypeDir
	case unix.S_IFLNK:
		return policy.TypeSymlink
	}
	return policy.TypeNone
}

// timeout splits a duration into a reply's seconds and nanoseconds.
func timeout(d time.Duration) (uint64, uint32) {
	return uint64(d / time.Second), uint32(d % time.Second)
}

func (s *Server) getattr(c *call) syscall.Errno {
	sp, errno := s.statted(c)
	if errno != 0 {
		return errno
	}
	out := reply[fuse.AttrOut](c)
	s.fill(&out.Attr, sp, &c.stat)
	out.AttrValid, out.AttrValidNsec = timeout(s.attrTimeout(sp))
	return 0
}

// statted is the common half of getattr and statx: the spot, checked, with what
// is on disk in c.stat.
func (s *Server) statted(c *call) (spot, syscall.Errno) {
	sp, errno := s.find(c, c.head.NodeId)
	if errno != 0 {
		return sp, errno
	}
	if sp.node.Kind == node.KindTop {
		return sp, 0 // every account and sshd may stat the mount point
	}
	if errno := s.caller(c, sp); errno != 0 {
		return sp, errno
	}
	if errno := s.stat(sp, &c.stat); errno != 0 {
		return sp, errno
	}
	if sp.node.Kind == node.KindBacked || sp.node.Kind == node.KindVirtual {
		return sp, c.deny(s.holder(sp).Check(policy.OpGetattr, sp.target(&c.stat)))
	}
	return sp, 0
}

// statx answers statx(2): the same as getattr, with the time of birth.
func (s *Server) statx(c *call) syscall.Errno {
	sp, errno := s.statted(c)
	if errno != 0 {
		return errno
	}
	var a fuse.Attr
	s.fill(&a, sp, &c.stat)
	out := reply[fuse.StatxOut](c)
	out.AttrValid, out.AttrValidNsec = timeout(s.attrTimeout(sp))
	out.Statx = fuse.Statx{
		Mask: unix.STATX_BASIC_STATS, Blksize: a.Blksize, Nlink: a.Nlink, Uid: a.Uid, Gid: a.Gid,
		Mode: uint16(a.Mode), Ino: a.Ino, Size: a.Size, Blocks: a.Blocks,
		Atime: sxTime(a.Atime, a.Atimensec), Mtime: sxTime(a.Mtime, a.Mtimensec), Ctime: sxTime(a.Ctime, a.Ctimensec),
	}
	if sp.node.Kind == node.KindBacked && c.stat.Mask&unix.STATX_BTIME != 0 {
		out.Mask |= unix.STATX_BTIME
		out.Btime = sxTime(uint64(c.stat.Btime.Sec), c.stat.Btime.Nsec)
	}
	return 0
}

func sxTime(sec uint64, nsec uint32) fuse.SxTime { return fuse.SxTime{Sec: sec, Nsec: nsec} }

// access answers access(2) and chdir(2) by what the account may do, not by
// modes. vsftpd asks for W on its root.
func (s *Server) access(c *call) syscall.Errno {
	sp, errno := s.statted(c)
	if errno != 0 {
		return errno
	}
	mask := arg[fuse.AccessIn](c).Mask
	if sp.node.Kind == node.KindTop || c.head.Uid == 0 {
		if mask&unix.W_OK != 0 {
			return c.refuse(policy.ReasonSynthetic, policy.ClassRefused)
		}
		return 0
	}
	if sp.node.Type == policy.TypeDir {
		if mask&unix.W_OK != 0 && !s.changeable(sp) {
			return c.refuse(policy.ReasonNoPermission, policy.ClassRefused)
		}
		if mask&unix.R_OK != 0 {
			return c.deny(sp.where.Place.Check(policy.OpReaddir, policy.Target{}))
		}
		return 0
	}
	t := sp.target(&c.stat)
	switch {
	case mask&unix.X_OK != 0 && sp.node.Type == policy.TypeFile:
		return c.refuse(policy.ReasonNoPermission, policy.ClassRefused) // nothing in a view is a program
	case mask&unix.W_OK != 0:
		if errno := c.deny(sp.where.Place.Check(s.rewriting(sp, policy.OpOpenWrite), t)); errno != 0 {
			return errno
		}
	}
	if mask&unix.R_OK != 0 {
		return c.deny(sp.where.Place.Check(policy.OpOpenRead, t))
	}
	return 0
}
