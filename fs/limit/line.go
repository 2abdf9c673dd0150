package limit

import "slices"

// line is a queue of requests that wait, in the order of their coming. The
// owner's lock guards it. Only the first may act; whoever changes what it waits
// for calls wake.
type line struct {
	waiting []*waiter
}

// waiter is one request in a line. Something is sent when it may be its turn.
type waiter struct {
	turn chan struct{}
}

func (l *line) empty() bool { return len(l.waiting) == 0 }

// join puts a new waiter at the end.
func (l *line) join() *waiter {
	w := &waiter{turn: make(chan struct{}, 1)}
	l.waiting = append(l.waiting, w)
	return w
}

// first reports whether it is w's turn.
func (l *line) first(w *waiter) bool { return l.waiting[0] == w }

// yield lets the others go first.
func (l *line) yield(w *waiter) {
	l.leave(w)
	l.waiting = append(l.waiting, w)
}

// leave takes w out and tells the first of the others.
func (l *line) leave(w *waiter) {
	i := slices.Index(l.waiting, w)
	l.waiting = slices.Delete(l.waiting, i, i+1)
	if l.empty() {
		l.waiting = nil // so that a bucket at rest is small
		return
	}
	if i == 0 {
		l.wake()
	}
}

// wake has the first look again.
func (l *line) wake() {
	if l.empty() {
		return
	}
	select {
	case l.waiting[0].turn <- struct{}{}:
	default: // it has been told and has not looked yet
	}
}
