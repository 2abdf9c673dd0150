// Package host is a throwaway Linux host for tests and for the demo: a copy of
// this machine in which users, sshd, vsftpd, mounts and files may be changed
// at will, because all of it is gone when the copy's first process ends.
//
// The copy is a mount, process, IPC and host-name namespace. Every file system
// of the machine, FUSE's left out, is seen through an overlay whose upper half is
// memory, so the copy has the machine's programs and nobody's data is touched; /run, /data,
// /srv and /var/lib/grantfs start empty. The network is the machine's: ports are
// picked on 127.0.0.1.
//
// Invariants: nothing outlives the copy. Its first process is killed when the
// process that made it dies, the kernel then kills everything inside and drops
// the mounts, so a crash, a kill -9 and a failed test clean up like a good end.
// Nothing inside is started without an owner that waits for it.
package host
