package fs

import (
	"sync/atomic"
	"time"

	"grantfs/fs/node"
)

// A READDIRPLUS answers with the attributes of each name: ls -l and SFTP servers
// want them, find and rm -r do not, and they cost more than the names. The kernel
// asks for them in the first block of every directory, and in a later one if
// names were looked up since. So the later block tells what the process does,
// and the first one of its next directory is answered accordingly
// (measured: architecture.md §4).

// habit is what a process does with the names it reads.
type habit uint32

const (
	habitUnknown habit = iota
	habitStats
	habitNames
)

// probeEntries is how many names get their attributes in the first block for a
// process that is not known. It is a short block: the next one tells.
const probeEntries = 16

// habits remembers processes, the last one at each place. Safe for concurrent
// use.
type habits [4096]atomic.Uint64

// of returns the habit of a process; that of pid 0, which is in another
// namespace, is never known.
func (h *habits) of(pid uint32) habit {
	if v := h[pid%uint32(len(h))].Load(); pid != 0 && uint32(v>>32) == pid {
		return habit(uint32(v))
	}
	return habitUnknown
}

func (h *habits) note(pid uint32, does habit) {
	if v, at := uint64(pid)<<32|uint64(does), &h[pid%uint32(len(h))]; at.Load() != v {
		at.Store(v)
	}
}

// listing says since when all names of a directory are known to the kernel with
// their attributes.
type listing struct {
	dir   uint64 // node
	since time.Time
}

// listings remembers directories, the last one at each place. Safe for
// concurrent use.
type listings [1024]atomic.Pointer[listing]

func (ls *listings) at(n *node.Node) *atomic.Pointer[listing] { return &ls[n.ID%uint64(len(ls))] }

func (ls *listings) note(n *node.Node, since time.Time) { ls.at(n).Store(&listing{n.ID, since}) }

// fresh reports whether the kernel still has what it was sent of a directory's
// names, for a little while at least: nothing need be sent then. A name that it
// does not know all the same is looked up.
func (ls *listings) fresh(n *node.Node, timeout time.Duration) bool {
	const margin = 100 * time.Millisecond
	l := ls.at(n).Load()
	return l != nil && l.dir == n.ID && time.Since(l.since) < timeout-margin
}
