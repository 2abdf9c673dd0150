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
//   - A verdict becomes an errno in errno.go only; every other errno is a system
//     call's, or what a system call would say of a request like that.
//   - Rules are immutable; a node in use remembers the rules of its place together
//     with the epoch they were found in, and finds them again when the policy was
//     swapped or a directory of its view was moved.
//   - The indexes of views and sources are part of what node.Table keeps, and
//     never change their meaning while it lives.
//   - What sessions have open outlives the process: nodes, the names behind their
//     indexes, handles, files and their backing ids lie in a memory.Memory that
//     Attach takes over. Descriptors, rules and habits are found anew; a file
//     without a name is held by a Vault.
//   - File data is passed through or direct, never in FUSE's page cache.
//   - Files of credentials lie on no disk (virtual.go): nothing of them is kept
//     here or in the kernel, not even their names.
//   - Data moves when its account's rate and transfer limit let it go, in that
//     order, then the ledger; what had to wait is judged again (passage.go). What
//     is passed through has no such limit: policy.Mediation sees to that. mmap(2)
//     goes past them.
//   - Where a limit comes while data is passed through, the session that moves it
//     ends (revoke.go). What it moved from the reload on, as much as it can within two
//     seconds, no limit has held: it is charged all the same, when the file is closed.
//   - What an account holds or keeps waiting is bounded (caps.go, kernel's
//     lanes), and what ends something is never refused or queued: FORGET and
//     RELEASE.
//   - Whatever makes a file larger or smaller, or a directory hold more or less,
//     is charged, to every bucket above it, be they limited or not: room is
//     reserved, then it is done, then what it came to is settled (charge.go).
//     Before it is done it is written down (intent.go): a successor settles what a
//     process was killed at before it answers anything (charge_resume.go).
//     The daemon itself never truncates or removes anything.
//   - What is one directory by a bind mount is one source, from the next look at all
//     sources on (charge_twins.go): that is when it is found.
//   - No lock that another account's request needs is held over a system call
//     on a backing: it may hang. The exception is an inode's own, which waits
//     where the inode's in the kernel would.
//
// Lock order: inode.mu (of two, the lower number first) → stream.mu or file.mu →
// source.mu → caps.mu → handles.mu, views.mu, sources.mu, files.mu, what is in
// limit and quota, node.Table.mu, backing.Cache.mu, inodeShard.mu, disks.mu,
// plan.mu, which are leaves here, as what is in memory is within them; charges.counting comes before those of quota.
// inode.mu is held over what changes a file's size, shared over other writes;
// stream.mu over one reading of its directory or its fsync(2), source.mu over a
// look at its path (others go on with what is known), file.mu over the registration
// of its backing id. None is held while a request waits for its account's rate.
package fs
