// Package node is the node table: the numbers that the kernel knows files by,
// each leading to a view, a source and a file handle.
//
// A node exists as long as the kernel has looked it up more often than it has
// forgotten it, or another node names it as its parent; so the chain of parents
// up to the view is always there. One object of a source is one node per view,
// except that a file with several hard links is one node per directory it is
// reached through: permissions belong to the directory (product.md §5).
//
// # Memory
//
// What is true of a node lies in one slot: a fixed number of bytes without any
// pointer, in chunks that the table gets from a function and never gives back,
// so that they can be memory that outlives the process. Open takes the chunks
// of an earlier table over, which must not be used any more, and finds
// everything else by a scan. To that end a
// slot is filled before it is marked as used, a change in the middle is marked
// as such, and what a scan can count (children, free slots, the index) is
// counted by it and not believed. A node that a change was interrupted at is
// lost until it is looked up again. An index is reused with another generation,
// so an id that the kernel still holds never leads to another node.
//
// View and Source are indexes of tables that live in fs. Whoever lets a table
// outlive its process has to keep those two as well, the names of the views and
// the paths of the sources in the order of their indexes, and to restore them
// before the first request; with other indexes the nodes would be other files.
//
// A Node is a copy of a slot's identity and place, made when it is asked for,
// with the rules found for that place. The table keeps the last ones used, at
// most a fixed number: a million live nodes cost a million slots, no more.
//
// # Locks
//
// Table.mu guards the slots and everything else of a table, and is a leaf; it is
// held for a probe of the index, and for a walk up the tree when a node
// moves. Get of a node that was used lately takes no lock.
package node
