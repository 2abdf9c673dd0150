package vault

import (
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
)

// Keeper holds descriptors while one worker follows another. The zero Keeper
// holds none. Safe for concurrent use.
type Keeper struct {
	mu  sync.Mutex // guards what follows
	fds map[uint64]int
}

// Serve gives a worker what is held and then does what it says, until it has
// ended; conn is closed then. Whatever else it says is told to heard. The error is
// nil when the worker has ended.
func (k *Keeper) Serve(conn *net.UnixConn, heard func(Kind)) error {
	defer conn.Close()
	if err := k.give(conn); err != nil {
		return ended(err)
	}
	for {
		kind, node, fd, err := receive(conn)
		switch {
		case err != nil:
			return ended(err)
		case kind == hold:
			k.replace(node, fd)
		case kind == drop:
			k.replace(node, noDescriptor)
		default:
			heard(kind)
		}
	}
}

// give sends everything that is held.
func (k *Keeper) give(conn *net.UnixConn) error {
	k.mu.Lock()
	fds := maps.Clone(k.fds)
	k.mu.Unlock()
	for _, node := range slices.Sorted(maps.Keys(fds)) {
		if err := send(conn, hold, node, fds[node]); err != nil {
			return err
		}
	}
	return send(conn, held, 0, noDescriptor)
}

// replace closes what is held for a node and holds fd, unless that is
// noDescriptor.
func (k *Keeper) replace(node uint64, fd int) {
	k.mu.Lock()
	old, had := k.fds[node]
	delete(k.fds, node)
	if fd != noDescriptor {
		if k.fds == nil {
			k.fds = map[uint64]int{}
		}
		k.fds[node] = fd
	}
	k.mu.Unlock()
	if had {
		// It may free the blocks of a file, which lasts.
		syscall.Close(old)
	}
}

// Held returns how many descriptors are held.
func (k *Keeper) Held() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.fds)
}

// Tell sends a worker a message.
func Tell(conn *net.UnixConn, kind Kind) error { return send(conn, kind, 0, noDescriptor) }

// ended is nil for what says that the other side has ended.
func ended(err error) error {
	for _, e := range []error{errEnded, io.EOF, net.ErrClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}
