// Package hostfile installs configuration for the host's own programs, as files
// of its own beside theirs, and takes it back.
//
// Invariants:
//
//   - A file that somebody else wrote, or has edited since, is never changed and
//     never removed: the first line of what is written holds a hash of the rest,
//     and what does not match it is not ours any more.
//   - A file is replaced as a whole, by rename, with the mode and owner it is to
//     have, and is on disk before the next one is begun.
//   - All or none: what was written before something failed is put back.
package hostfile
