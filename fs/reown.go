package fs

import (
	"syscall"

	"grantfs/fs/backing"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// reown moves a regular file to where objects are born with another owner or
// other modes, and gives it those (product.md §7). Nobody sees it with more
// access than it had or will have: before the owner changes the mode is what
// the old and the new one have in common, and the last step only adds to that.
// Whoever has the file open beside the mount keeps it. Buckets of the two places
// are charged here, around the move.
func (s *Server) reown(c *call, from, to end, flags uint32) syscall.Errno {
	cross := func() syscall.Errno { return c.refuse(policy.ReasonAcrossMounts, policy.ClassCross) }
	fd, errno := backing.OpenFile(from.fd.Num(), from.name, &c.stat)
	if errno == syscall.ESTALE {
		return syscall.EAGAIN // it is not what was judged
	}
	if errno != 0 {
		return errno
	}
	defer backing.Close(fd)
	old := backing.Birth{UID: c.stat.Uid, GID: c.stat.Gid, Mode: uint32(c.stat.Mode) & 0o7777}
	var dir backing.Stat
	born, errno := s.birth(to.dir, to.fd.Num(), policy.TypeFile, old.Mode, &dir)
	if errno != 0 {
		return errno
	}
	if c.stat.Nlink != 1 || backing.Dev(&dir) != backing.Dev(&c.stat) {
		return cross() // its other names stay where they are
	}
	if to.t.Type == policy.TypeFile && c.stat2.Ino == c.stat.Ino {
		return 0 // two names of one file: nothing is moved (rename(2))
	}
	common := old.Mode & born.Mode & 0o777
	i := s.charges.intents.intend(intentOpen, nameOf(nil, from.dir, from.name).of(&c.stat, quota.Charge{}), nameOf(nil, to.dir, to.name))
	defer s.charges.intents.end(i)
	i.reowns(old, born)
	if errno := backing.Give(fd, born, common); errno != 0 {
		return errno
	}
	if errno = alone(c, fd); errno == 0 {
		errno = s.move(c, from, to, flags)
	}
	if errno != 0 {
		if back := backing.Give(fd, old, common); back != 0 {
			return back
		}
		if back := backing.Chmod(fd, old.Mode&0o1777); back != 0 {
			return back
		}
		return errno
	}
	return backing.Chmod(fd, born.Mode)
}

// alone refuses a file that has got another name meanwhile: it would change its
// owner there too.
func alone(c *call, fd int) syscall.Errno {
	var now backing.Stat
	if errno := backing.StatFD(fd, &now); errno != 0 {
		return errno
	}
	if now.Nlink != 1 {
		return c.refuse(policy.ReasonAcrossMounts, policy.ClassCross)
	}
	return 0
}
