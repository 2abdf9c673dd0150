package node

import (
	"sync/atomic"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// Kind tells where a node comes from.
type Kind uint8

// The kinds.
const (
	KindTop       Kind = iota // the mount's root, which lists the accounts
	KindView                  // the root of one account's view
	KindSynthetic             // a directory that only the view provides
	KindBacked                // an object of a source
	KindVirtual               // a file that lies on no disk
)

// Key is what makes a node the same node when it is looked up again.
type Key struct {
	View   uint32
	Source uint32
	Handle backing.Handle
	Dev    uint64
	Ino    uint64
	Root   uint64 // as in Identity: one source may be mounted at several paths
	Parent uint64 // id of the parent: for provided names and hard-linked files
	Name   string // for provided names
}

// Identity is what a node is made from; it never changes.
type Identity struct {
	Kind   Kind
	Type   policy.FileType
	View   uint32 // index of the view, 0 for the mount's root
	Source uint32 // index of the source, 0 for none
	Root   uint64 // id of the node of the mount's root, 0 for that one itself
	Object backing.Object
	Ino    uint64 // on its backing
	Dev    uint64
}

// Node is what was known of one node when it was asked for. Two Nodes with one
// ID are the same node. Safe for concurrent use.
type Node struct {
	ID uint64
	Identity

	table *Table
	slot  *slot
	where atomic.Pointer[Where]
	first Where // what where begins with
}

// Where is where a node lies, as far as is known. A stored Where is immutable.
type Where struct {
	Parent uint64 // id of the directory
	Name   string
	Depth  int           // directories between the mount's root and the object: 0 for the root itself
	Place  *policy.Place // rules of the directory; for anything else, of the directory that holds it
	Epoch  uint64        // the view's epoch that Place was found in, 0 if it was not yet
	Lost   bool          // nothing of the above is known any more
}

// Where returns where the node lay when it was asked for, and the rules that
// were found for that place since.
func (n *Node) Where() *Where { return n.where.Load() }

// Refresh replaces the rules that are known for old. It does not reach a node
// that has moved meanwhile: that is another Node.
func (n *Node) Refresh(old, w *Where) { n.where.CompareAndSwap(old, w) }

// Checked returns when n was last seen to lie at its place, in Unix
// nanoseconds; 0 if that is not known (any more).
func (n *Node) Checked() int64 {
	at := n.slot.checked.Load()
	if n.slot.gen() != n.ID>>indexBits { // looked at last: the stamp was n's then
		return 0
	}
	return at
}

// Check notes that n was seen at its place at a time in Unix nanoseconds.
func (n *Node) Check(at int64) { n.table.check(n, at) }
