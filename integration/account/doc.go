// Package account keeps the Unix side of accounts in step with the policy: which
// uid each has, who exists on the host already, and who is locked
// (product.md §10).
//
// A Keeper turns the accounts of a policy into a Table. A Table is an immutable
// snapshot, safe for concurrent use; it is also what package userdb answers
// from.
//
// Invariants:
//
//   - Within a Table a uid belongs to one account: the uid alone tells the account.
//   - A uid is never given to another account, not even after its account is
//     gone; an account that comes back has the uid it had.
//   - A local user's uid is never shared. The account that would is left out,
//     alone, and reported.
//   - An adopted account, one whose name is in the passwd file, keeps that file's uid
//     and gid, and no user record is served for it.
//   - Names of the host are looked up in its files, never through NSS, which
//     would ask this daemon.
package account
