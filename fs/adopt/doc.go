// Package adopt gives what strangers left behind in a directory the owner and group
// that it would have been born with (product.md §8): what BOA's own accounts have
// uploaded belongs to users that nobody else can act for.
//
// Invariants:
//
//   - Nothing outside the directory is touched: no symlink is followed, no other
//     file system entered, and a file that has another name, be it elsewhere, is
//     left alone and told of.
//   - What is changed is what was looked at: both go through one descriptor.
//   - Nobody has more access meanwhile than before or after.
//
// It has no goroutine and no lock.
package adopt
