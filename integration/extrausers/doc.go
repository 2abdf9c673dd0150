// Package extrausers keeps our accounts in the files of libnss-extrausers, for
// hosts without nss-systemd (mount.users = "extrausers", architecture.md §3.8). Lookups there
// go through a whole file: a host with many thousands of accounts is better off
// with nss-systemd.
//
// Invariants:
//
//   - Lines of others stay. Ours are those of the names that the directory knows,
//     which has every account that ever was.
//   - A file is replaced by rename, complete and on disk, and only when it changes.
//     Names come last: who is known has his groups and his password.
//   - The shadow file is root's alone. A locked account has no hash in it.
package extrausers
