package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/node"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// maxNameShown is what statfs(2) says of name lengths.
const maxNameShown = 255

// statfs shows the tightest bucket of what the node is charged to, capped by the
// file system behind it less what is kept free (product.md §9). Where only the
// view provides the directory it is the account's bucket and the file system of
// the view's first mount whose source is there, so that clients don't take the
// view to be full.
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
	space, errno := s.space(sp)
	if errno != 0 {
		return errno
	}
	if room := space.Bytes; !room.Limit.Unlimited {
		free := uint64(room.Free) / uint64(st.Frsize)
		out.Blocks = min(out.Blocks, uint64(room.Limit.N)/uint64(st.Frsize))
		out.Bfree, out.Bavail = min(out.Bfree, free), min(out.Bavail, free)
	}
	if room := space.Inodes; !room.Limit.Unlimited {
		out.Files, out.Ffree = min(out.Files, uint64(room.Limit.N)), min(out.Ffree, uint64(room.Free))
	}
	return 0
}

// space returns what is left where the spot, or what it holds, is charged.
func (s *Server) space(sp spot) (quota.Space, syscall.Errno) {
	p := s.charges.enter()
	defer p.leave()
	var b *books
	var errno syscall.Errno
	switch {
	case !sp.backed():
		set, err := s.charges.ledger.Set(sp.rules.view.OwnBuckets())
		if err != nil {
			return quota.Space{}, syscall.ENOMEM
		}
		return s.charges.ledger.Space(set), 0
	case sp.node.Type == policy.TypeDir:
		b, errno = s.booksIn(p, sp)
	default:
		b, _, errno = s.booksOver(p, sp, nil, nil)
	}
	if errno != 0 {
		return quota.Space{}, errno
	}
	return s.charges.ledger.Space(b.set), 0
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
