// Command grantfs gives each account of a hosting machine a view of its own
// sites and shared folders, beneath stock OpenSSH and stock vsftpd.
//
// This package wires: it reads the files, compiles the policy, mounts, and
// hands what it found to the packages that act on it. The mutable state of the
// whole daemon is the policy pointer of fs.Server, its node and handle tables,
// the table that userdb answers from, the state store, and the counters of
// metrics; nothing else.
//
// Every goroutine belongs to a group in serve.go, which waits for it.
package main
