package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/backing"
	"grantfs/policy"
)

func (s *Server) mkdir(c *call) syscall.Errno {
	in := arg[fuse.MkdirIn](c)
	dir, name, errno := s.inDir(c)
	if errno != 0 {
		return errno
	}
	if s.madeBefore(c, dir, name, policy.TypeDir) {
		return s.answerMade(c, dir, name)
	}
	fd, errno := s.mayMake(c, dir, name, policy.OpMkdir, policy.TypeDir)
	if errno != 0 {
		return errno
	}
	defer fd.Release()
	b, errno := s.birth(dir, fd.Num(), policy.TypeDir, in.Mode, &c.stat)
	if errno != 0 {
		return errno
	}
	errno = s.born(c, dir, name, policy.TypeDir, func(intent) syscall.Errno {
		c.begin(nil, nil)
		if errno := backing.Mkdir(fd.Num(), name, b); errno != 0 {
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
