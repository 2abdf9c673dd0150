package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
)

// maxNameShown is what statfs(2) says of name lengths.
const maxNameShown = 255

// statfs shows the file system behind the node, less what is kept free. Where
// only the view provides the directory it is that of the view's first mount
// whose source is there, so that clients don't take the view to be full.
func (s *Server) statfs(c *call) syscall.Errno {
	sp, errno := s.find(c, c.head.NodeId)
	if errno != 0 {
		return errno
	}
	out := reply[fuse.StatfsOut](c)
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, maxNameShown
	if sp.node.Kind == node.KindTop {
		return 0
	}
	if errno := s.caller(c, sp); errno != 0 {
		return errno
	}
	root := s.statfsRoot(sp)
	if root == nil {
		return 0
	}
	var st unix.Statfs_t
	if errno := backing.Statfs(root.FD(), &st); errno != 0 {
		return errno
	}
	keep := uint64(0)
	if s.opt.MinFree != nil {
		keep = s.opt.MinFree(st.Blocks*uint64(st.Frsize)) / uint64(st.Frsize)
	}
	out.Bsize, out.Frsize = uint32(st.Bsize), uint32(st.Frsize)
	out.Blocks, out.Files, out.Ffree = st.Blocks, st.Files, st.Ffree
	out.Bfree, out.Bavail = less(st.Bfree, keep), less(st.Bavail, keep)
	return 0
}

func less(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

func (s *Server) statfsRoot(sp spot) *backing.Root {
	if sp.node.Kind == node.KindBacked {
		return s.pinned(sp.source(s))
	}
	for _, m := range sp.rules.view.Mounts() {
		if root, errno := s.enter(s.sources.named(m.Source), m, sp.rules.ids); errno == 0 {
			return root
		}
	}
	return nil
}
