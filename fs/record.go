package fs

import (
	"encoding/binary"
	"slices"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
	"grantfs/fs/node"
	"grantfs/policy"
)

// Event is one operation that changed something, or was refused by the policy or a
// quota (policy.Op.Audited).
type Event struct {
	Account string // whose view it is in, "" above the views
	PID     int    // thread that asked
	UID     uint32
	Op      policy.Op
	Path    string        // in the view; with "…/" for its beginning where it is longer than PATH_MAX
	To      string        // the other path of a rename or a copy, the text of a symlink
	Errno   syscall.Errno // 0: it was done
	Verdict policy.Verdict
}

// Recorder is told of operations that are to be written down. It is called on the
// request's path, before the request is answered: it must not wait, and is safe for
// concurrent use.
type Recorder interface {
	Record(e Event)
}

// toRecord reports whether the request is to be written down. What is hidden is
// absent to who asks for it by its name, which programs do all the time.
func (s *Server) toRecord(c *call, errno syscall.Errno) bool {
	switch {
	case s.opt.Recorder == nil:
		return false
	case !c.verdict.Allowed():
		return c.verdict.Class != policy.ClassHidden || c.op.Audited()
	case errno == 0:
		return c.op.Audited()
	}
	return errno == syscall.EDQUOT || errno == syscall.EFBIG
}

// record tells the recorder of the request.
func (s *Server) record(c *call, errno syscall.Errno) {
	e := Event{PID: int(c.head.Pid), UID: c.head.Uid, Op: c.op, Errno: errno, Verdict: c.verdict}
	if n := s.nodes.Get(c.head.NodeId); n != nil && n.View != 0 {
		e.Account = s.views.at(n.View).name
	}
	e.Path = s.vpathOf(c.head.NodeId)
	names := &call{in: c.in, body: c.in[min(len(c.in), int(table[c.head.Opcode].size)):]}
	next := func() string {
		text, _ := names.text()
		return strings.TrimSuffix(string(text), "\x00")
	}
	switch kernel.Opcode(c.head.Opcode) {
	case kernel.OpLookup, kernel.OpUnlink, kernel.OpRmdir, kernel.OpMkdir, kernel.OpMknod, kernel.OpCreate, kernel.OpTmpfile:
		e.Path = joined(e.Path, next())
	case kernel.OpSymlink:
		e.Path, e.To = joined(e.Path, next()), next()
	case kernel.OpRename, kernel.OpRename2:
		e.Path = joined(e.Path, next())
		e.To = joined(s.vpathOf(binary.NativeEndian.Uint64(c.in[header:])), next()) // both structures begin with it
	case kernel.OpCopyFileRange, kernel.OpCopyRange64:
		e.To = s.vpathOf(arg[fuse.CopyFileRangeIn](c).NodeIdOut)
	}
	s.opt.Recorder.Record(e)
}

func joined(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}

// vpathOf returns where a node was found last, in its view. Of what lies deeper than
// a path can say (PATH_MAX) that is the end, behind an ellipsis: records are kept,
// and must not cost what a client likes.
func (s *Server) vpathOf(id uint64) string {
	var names []string
	for size := 0; ; {
		n := s.nodes.Get(id)
		if n == nil || n.Kind <= node.KindView {
			break
		}
		w := n.Where()
		if size += 1 + len(w.Name); size > unix.PathMax {
			slices.Reverse(names)
			return "…/" + strings.Join(names, "/")
		}
		names, id = append(names, w.Name), w.Parent
	}
	slices.Reverse(names)
	return "/" + strings.Join(names, "/")
}
