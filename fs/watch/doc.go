// Package watch says in which directories of a file system others than this
// process changed something: what a count of them has to look at again
// (product.md §9, writers beside the mount).
//
// # What is seen
//
// A Watch is one fanotify(7) group with one mark on the whole file system. It is
// told of names that come and go and of files that are written, truncated or
// allocated, by the handle of the directory that holds the name that was used. It
// is not told of stores through mmap(2), which change no size, nor of writes
// through a file handle whose name the kernel has forgotten (an NFS server may do
// that): asking for those too would end the merging below. The events of a process
// that is named (ours) are dropped. One group for each file system rather than
// one for all: what is lost on one says nothing about another, and a handle
// belongs to one file system without further ado.
//
// # What is bounded
//
// The kernel merges what one process does in one directory while it waits in the
// queue, so thousands of files made in a directory are a few events, and the
// queue is read in gulps to let it. It holds fs.fanotify.max_queued_events;
// FAN_UNLIMITED_QUEUE would let whoever writes fill the kernel's memory while we
// are stopped. What was read is a set of directories of at most maxDirs. Beyond
// either bound something is lost, and the Batch says so: then everything is to be
// counted again.
//
// # Locks
//
// Watch.mu guards what was read and is held while the queue is read, which never
// waits. It is a leaf.
package watch
