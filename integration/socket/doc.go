// Package socket makes the Unix sockets that others talk to the daemon by: with
// the right mode from the first moment, in place of a dead one only, and gone
// when they are closed. A socket may outlive the process that made it (Inherit),
// and while nobody serves it, who connects is turned away rather than kept waiting
// (Refuse).
//
// There are no locks.
package socket
