// Command grantfs gives each account of a hosting machine a view of its own
// sites and shared folders, beneath stock OpenSSH and stock vsftpd.
//
// This package wires: it reads the files, compiles the policy, mounts, and
// hands what it found to the packages that act on it. The mutable state of the
// whole daemon is, in the worker:
//
//   - that of fs.Server: the policy pointer, the tables of nodes, handles, views,
//     sources and open files, the cache of descriptors, what each account holds and
//     has waiting, what is remembered of who lists how, the ledger, token buckets and
//     transfer counters;
//   - that of login.Server: the table of sessions and places, wrong codes, what hooks
//     have accepted, and since when sessions are idle;
//   - the state store, and when the ledger and transfers were written down last;
//   - the table that userdb answers from, and whose password was replaced while one
//     is made (credentials);
//   - how the last reload went and what it put into force (reloaded); what was read
//     last of the configuration and the hosts, what was said of it, and what is
//     watched (follower);
//   - what that policy says of all buckets, which are near their limits and were
//     warned of, and which clients an instance has (latest, used, clients);
//   - the counters of metrics, the restarts that the keeper told of, and the queue of
//     the audit log;
//
// and in the keeper what its vault and its facts hold. Nothing else.
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
