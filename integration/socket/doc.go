// Package socket makes the Unix sockets that others talk to the daemon by: with
// the right mode from the first moment, in place of a dead one only, and gone
// when they are closed.
package socket
