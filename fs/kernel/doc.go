// Package kernel is the conversation with /dev/fuse: it mounts, answers INIT,
// reads requests, writes replies and notifications, and registers backing
// files for passthrough. It knows the wire format of fuse(4) and nothing of
// views or policies.
//
// Two plain blocking readers serve the connection. What a Handler plans as quick
// is answered on the reader's goroutine. What may last, and everything of a lane
// (an account) in which a request has just been stuck, is handed over to a
// goroutine that waits for a slot of the lane: so one account's hung backing
// costs the others one period of the watchdog and no reader. A request that waits
// for something else than the backing says so (Request.Pause) and then holds
// neither reader nor slot. What waits can be interrupted (fuse's INTERRUPT); a
// system call on a backing can't, so other interrupts are dropped.
//
// A connection may outlive the process that serves it: Attach goes on with one that
// another process has made. Drain stops reading, by a signal to those readers that
// wait, and lets what was read be answered; what a process left unanswered because
// it was killed, Resend brings again.
//
// What was read is noted in a journal that outlives the process: a request that
// comes again brings along what its Handler wrote down (Note), and one that has
// ended two processes is answered EIO. Those that a process has died with run one
// at a time, so that the next death tells which of them it was; what only waits is
// none of them. Where the kernel can't send anything again, before Linux 6.9, all
// that was left unanswered ends with EIO (Abandon).
//
// Lock order: loop.mu → lanes.mu or Conn.mu; Conn.notifying → Conn.mu;
// interrupts.mu is a leaf. Conn.notifying is held over a notification, which waits
// for no request.
//
// Invariants: a reply is written exactly once for each request that wants one;
// notifications are never sent from a Handler (the kernel holds the inode lock
// that the notification needs); nothing here touches the mount itself once it
// is mounted.
package kernel
