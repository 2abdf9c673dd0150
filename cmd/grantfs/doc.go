// Command grantfs gives each account of a hosting machine a view of its own
// sites and shared folders, beneath stock OpenSSH and stock vsftpd.
//
// This package wires: it reads the files, compiles the policy, mounts, and
// hands what it found to the packages that act on it. The mutable state of the
// whole daemon is that of fs.Server (the policy pointer, the tables of nodes,
// handles, views, sources and open files, the cache of descriptors, what each
// account holds and has waiting, what is remembered of who lists how, the ledger,
// token buckets and transfer counters), the table that userdb answers from, login's
// table of sessions, the state store, the counters of metrics, what the policy
// says of all buckets, how the last reload went, and what was read last of the
// configuration and the hosts (follower); nothing else.
//
// `grantfs serve` is two processes of one program. The keeper (keeper.go) mounts
// and holds what must outlive the other: /dev/fuse, the memory of fs/memory, files
// without a name, the sockets. The worker does everything else. When it ends,
// however that comes, the keeper starts another one, which goes on where it was:
// so an upgrade is `kill -TERM` of the worker. SIGTERM to the keeper ends both.
//
// Every goroutine belongs to a group in serve.go or life.go, which waits for it.
package main
