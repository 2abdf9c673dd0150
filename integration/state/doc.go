// Package state keeps what must outlive the daemon: which account has which Unix
// uid and since when it is known, its password, second factor and SSH keys (and the
// draft of keys that are being written), who is locked and what is frozen, what
// accounts have transferred, and the last good text of each alias file (product.md
// §9, §10, §11). It is one bbolt file, grantfs.db, in the state directory; Export
// takes what another machine needs out of it.
//
// Invariants:
//
//   - A uid that was once an account's belongs to that account for ever; it is
//     never handed to another, not even after the account is gone.
//   - A change is on disk, by bbolt's transactions, before the call that made
//     it returns. A daemon that dies at any point leaves the old or the new state.
//   - One process at a time: bbolt holds a lock on the file.
//   - The file and its directory are readable by root only, for they hold
//     password hashes.
//
// A Store is safe for concurrent use. It has no lock of its own: bbolt lets one
// writer in at a time, and readers never wait.
package state
