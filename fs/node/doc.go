// Package node is the node table: the numbers that the kernel knows files by,
// each leading to a view, a source and a file handle.
//
// A node exists as long as the kernel has looked it up more often than it has
// forgotten it, or another node names it as its parent; so the chain of parents
// up to the view is always there. One object of a source is one node per view,
// except that a file with several hard links is one node per directory it is
// reached through: permissions belong to the directory (product.md §5).
//
// Lock order: Table.mu is a leaf. Table.Get takes no lock.
package node
