// Package credential is what accounts prove themselves with: their passwords and
// their SSH keys, how they are kept, and the files of views that show and change
// them (product.md §10).
//
// Invariants:
//
//   - At rest a password is a crypt(3) hash and, until it is in use, its text
//     sealed with a key that only root can read. Neither it nor anything that it
//     follows from is ever logged, or part of an error.
//   - A change is on disk, and the hash is in force, before the call that made it
//     returns.
//   - Keys are text that was checked line by line: sshd is never given a line that
//     could do more than let its owner in.
//   - A user database is only ever asked by others: no name is looked up here.
//
// There are no locks: state.Store orders changes.
package credential
