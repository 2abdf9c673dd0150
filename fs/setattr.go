package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/policy"
)

// setattr changes size, owner, mode and times, whichever the request names.
// Everything is judged before anything is done.
func (s *Server) setattr(c *call) syscall.Errno {
	in := *arg[fuse.SetAttrIn](c)
	c.op = setattrOp(in.Valid)
	find := s.find
	if in.Valid&fuse.FATTR_FH != 0 {
		find = s.findOpen // ftruncate(2)
	}
	sp, errno := find(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	if sp.node.Kind == node.KindTop {
		return c.refuse(policy.ReasonSynthetic, policy.ClassRefused)
	}
	if errno := s.belongs(c, sp); errno != 0 {
		return errno
	}
	if isCredentials(sp) {
		return s.setattrVirtual(c, sp, &in)
	}
	if sp.node.Kind != node.KindBacked {
		return c.refuse(policy.ReasonSynthetic, policy.ClassRefused)
	}
	if in.Valid&fuse.FATTR_FH == 0 {
		if errno := s.verifyObject(c, sp); errno != 0 {
			return errno
		}
	}
	if errno := s.stat(sp, &c.stat); errno != 0 {
		return errno
	}
	if errno := s.maySetattr(c, sp, &in); errno != 0 {
		return errno
	}
	if errno := s.doSetattr(c, sp, &in, &c.stat); errno != 0 {
		return errno
	}
	if errno := s.stat(sp, &c.stat); errno != 0 {
		return errno
	}
	out := reply[fuse.AttrOut](c)
	s.fill(&out.Attr, sp, &c.stat)
	out.AttrValid, out.AttrValidNsec = timeout(s.opt.EntryTimeout)
	return 0
}

const fattrTimes = fuse.FATTR_ATIME | fuse.FATTR_MTIME | fuse.FATTR_ATIME_NOW | fuse.FATTR_MTIME_NOW

// setattrOp names the operation for metrics: the weightiest part of it.
func setattrOp(valid uint32) policy.Op {
	switch {
	case valid&fuse.FATTR_SIZE != 0:
		return policy.OpTruncate
	case valid&(fuse.FATTR_UID|fuse.FATTR_GID) != 0:
		return policy.OpChown
	case valid&fuse.FATTR_MODE != 0:
		return policy.OpChmod
	}
	return policy.OpUtimes
}

// maySetattr judges every part of the request.
func (s *Server) maySetattr(c *call, sp spot, in *fuse.SetAttrIn) syscall.Errno {
	place, t := s.holder(sp), sp.target(&c.stat)
	check := func(op policy.Op) syscall.Errno {
		if op != policy.OpChown {
			op = s.rewriting(sp, op)
		}
		return c.deny(place.Check(op, t))
	}
	if in.Valid&fuse.FATTR_SIZE != 0 {
		if sp.node.Type != policy.TypeFile {
			return syscall.EISDIR
		}
		if errno := check(policy.OpTruncate); errno != 0 {
			return errno
		}
	}
	if in.Valid&(fuse.FATTR_UID|fuse.FATTR_GID) != 0 {
		if errno := check(policy.OpChown); errno != 0 {
			return errno
		}
		own := sp.rules.ids
		if in.Valid&fuse.FATTR_UID != 0 && in.Uid != own.UID || in.Valid&fuse.FATTR_GID != 0 && in.Gid != own.GID {
			return c.refuse(policy.ReasonOwnIDsOnly, policy.ClassNotOwner)
		}
	}
	if in.Valid&fuse.FATTR_MODE != 0 {
		if errno := check(policy.OpChmod); errno != 0 {
			return errno
		}
		// A directory's set-group-ID bit is the tree's, not the client's: it is
		// kept as it is. On anything else these bits are refused.
		special := in.Mode & (syscall.S_ISUID | syscall.S_ISGID | syscall.S_ISVTX)
		if special != 0 && sp.node.Type != policy.TypeDir {
			return c.refuse(policy.ReasonNever, policy.ClassNotOwner)
		}
		if in.Mode&(syscall.S_ISUID|syscall.S_ISVTX) != 0 {
			return c.refuse(policy.ReasonNever, policy.ClassNotOwner)
		}
	}
	if in.Valid&fattrTimes != 0 {
		return check(policy.OpUtimes)
	}
	return 0
}

// doSetattr does what was permitted. Owners and modes are the policy's: a
// permitted chown or chmod changes nothing, unless the mount honours the
// client's modes.
func (s *Server) doSetattr(c *call, sp spot, in *fuse.SetAttrIn, st *backing.Stat) syscall.Errno {
	if in.Valid&fuse.FATTR_SIZE != 0 {
		if int64(in.Size) < 0 {
			return syscall.EINVAL
		}
		fd, errno := s.dataFD(sp, true)
		if errno != 0 {
			return errno
		}
		errno = s.truncate(c, sp, fd.Num(), int64(in.Size))
		fd.Release()
		if errno == 0 {
			errno = s.endWriting(sp.node.ID)
		}
		if errno != 0 {
			return errno
		}
	}
	if m := sp.where.Place.Mount(); in.Valid&fuse.FATTR_MODE != 0 && m != nil && m.ClientMode && sp.node.Type != policy.TypeSymlink {
		fd, errno := s.objectFD(sp)
		if errno != 0 {
			return errno
		}
		// What a directory passes on to those below it is the tree's.
		errno = backing.Chmod(fd.Num(), in.Mode&0o777|uint32(st.Mode)&(syscall.S_ISGID|syscall.S_ISVTX))
		fd.Release()
		if errno != 0 {
			return errno
		}
	}
	if in.Valid&fattrTimes == 0 {
		return 0
	}
	fd, errno := s.objectFD(sp)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	atime := newTime(in.Valid, fuse.FATTR_ATIME, fuse.FATTR_ATIME_NOW, in.Atime, in.Atimensec)
	mtime := newTime(in.Valid, fuse.FATTR_MTIME, fuse.FATTR_MTIME_NOW, in.Mtime, in.Mtimensec)
	return backing.Utimes(fd.Num(), atime, mtime)
}

// newTime translates one time of the request for utimensat(2).
func newTime(valid, set, now uint32, sec uint64, nsec uint32) unix.Timespec {
	switch {
	case valid&now != 0:
		return unix.Timespec{Nsec: unix.UTIME_NOW}
	case valid&set != 0:
		return unix.Timespec{Sec: int64(sec), Nsec: int64(nsec)}
	}
	return unix.Timespec{Nsec: unix.UTIME_OMIT}
}
