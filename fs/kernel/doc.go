// Package kernel is the conversation with /dev/fuse: it mounts, answers INIT,
// reads requests, writes replies and notifications, and registers backing
// files for passthrough. It knows the wire format of fuse(4) and nothing of
// views or policies.
//
// Two plain blocking readers serve the connection; a Handler answers each
// request on the reader's goroutine, or on one of its own when the operation
// may last (Handler.Slow), which then takes the buffers along.
//
// Invariants: a reply is written exactly once for each request that wants one;
// notifications are never sent from a Handler (the kernel holds the inode lock
// that the notification needs); nothing here touches the mount itself once it
// is mounted.
package kernel
