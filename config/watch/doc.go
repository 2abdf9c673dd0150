// Package watch says that something may have changed in directories: a name came
// or went, or a file was closed after it was written (product.md §11, live
// discovery). What changed it does not say: whoever reads them can tell that
// cheaply, and has to look anyway after events were lost.
//
// It is inotify(7) by three system calls. What a library would add, portability
// and one event for each name, is not wanted here; what it would hide is: whether
// a directory is still the one that was watched, told by its watch descriptor, and
// that files are looked at when they are closed rather than at each write.
//
// Invariants:
//
//   - A change in a watched directory is told after it was made, however many
//     there are: they are one.
//   - What may have been missed counts as a change: an overflow of the queue, a
//     directory that went away, one that is watched from now on.
//
// Watch.mu guards what is watched. It is a leaf.
package watch
