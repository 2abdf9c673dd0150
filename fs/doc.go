// Package fs is the file system: one method per kind of request, all through
// one funnel. A request is placed (node, view, rules), checked against the
// policy, done with one system call below a pinned source, and observed.
//
// Invariants
//
//   - Nothing is decided here: every verdict comes from package policy, and the
//     table in dispatch.go names the operation of each kind of request. An opcode
//     without a row is refused with EOPNOTSUPP.
//   - The caller must be the view's account. Root may look up, stat and access
//     the mount's root and the roots of views, nothing deeper (product.md §5).
//   - errno is made in errno.go and by system calls, nowhere else.
//   - Rules are immutable; a node remembers the rules of its place together with
//     the epoch they were found in, and finds them again when the policy was
//     swapped or a directory of its view was moved.
//   - File data is passed through or direct, never in FUSE's page cache.
//
// Lock order: files.mu → file.mu; views.mu, sources.mu, source.mu, handles.mu,
// stream.mu, node.Table.mu and backing.Cache.mu are leaves. No lock is held
// over a read or write of file data.
package fs
