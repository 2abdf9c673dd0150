// Command grantfs gives each account of a hosting machine a view of its own
// sites and shared folders, beneath stock OpenSSH and stock vsftpd.
//
// This package wires: it reads the files, compiles the policy, mounts, and
// hands what it found to the packages that act on it. The mutable state of the
// whole daemon is that of fs.Server (the policy pointer, the tables of nodes,
// handles, views, sources and open files, the cache of descriptors, what each
// account holds and has waiting, what is remembered of who lists how, the ledger,
// token buckets and transfer counters), the table that userdb answers from, login's
// table of sessions, the state store, the counters of metrics, the queue of the audit log, what the policy
// says of all buckets, whose password was replaced while a table is made (credentials), how the last reload went, and what was read last of the
// configuration and the hosts (follower); nothing else.
//
// `grantfs serve` is two processes of one program. The keeper (keeper.go, life.go)
// mounts and holds what must outlive the other in a vault: /dev/fuse, the memory of
// fs/memory, files without a name, the sockets, the connections of sessions. The
// worker does everything else. When it ends, however that comes, the keeper starts
// another one, which goes on where it was: so an upgrade is `kill -TERM` of the
// worker. SIGTERM to the keeper ends both, and the mount.
//
// A service manager that keeps descriptors (integration/systemd) is given everything
// that the vault holds. Then also the keeper may be killed, which ends its worker
// (prctl(2), PR_SET_PDEATHSIG): the next start goes on. Without one that is the end
// of open sessions, and the next start mends the mount.
//
// Of two workers only one touches the memory: the one that has the lock of the state
// store, which a process keeps until the last of its threads is gone.
//
// Every goroutine belongs to a group in serve.go or life.go, which waits for it.
package main
