// Package passwd turns the users of a passwd file, and what a shadow file says of
// their passwords, into accounts of a configuration (product.md §13).
//
// Invariants:
//
//   - It is pure: nothing is read or looked up.
//   - What it writes loads, whatever the files say.
//   - A Finding holds nobody's password.
package passwd
