package kernel

import "sync"

// interrupts tells requests that wait that their caller has got a signal, or
// that the connection has ended. What does not wait is not interrupted: a
// system call on the backing can't be taken back. Safe for concurrent use; mu is
// a leaf.
type interrupts struct {
	mu      sync.Mutex // guards what follows
	waiting map[uint64]chan struct{}
	// early are the last requests that an interrupt named and that did not wait:
	// it may overtake its request on the way to the table.
	early [64]uint64
	next  int
	ended bool
}

func (is *interrupts) init() { is.waiting = map[uint64]chan struct{}{} }

// enter returns a channel that is closed when the request is interrupted. Call
// leave when it waits no more.
func (is *interrupts) enter(unique uint64) <-chan struct{} {
	is.mu.Lock()
	defer is.mu.Unlock()
	gone := make(chan struct{})
	if is.ended {
		close(gone)
		return gone
	}
	for _, u := range is.early {
		if u == unique {
			close(gone)
			return gone
		}
	}
	is.waiting[unique] = gone
	return gone
}

func (is *interrupts) leave(unique uint64) {
	is.mu.Lock()
	defer is.mu.Unlock()
	delete(is.waiting, unique)
}

// interrupt ends the waiting of a request.
func (is *interrupts) interrupt(unique uint64) {
	is.mu.Lock()
	defer is.mu.Unlock()
	if gone, ok := is.waiting[unique]; ok {
		delete(is.waiting, unique)
		close(gone)
		return
	}
	is.early[is.next] = unique
	is.next = (is.next + 1) % len(is.early)
}

// end ends all waiting, also what begins later: nobody would hear the answers.
func (is *interrupts) end() {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.ended = true
	for unique, gone := range is.waiting {
		delete(is.waiting, unique)
		close(gone)
	}
}
