package vault

import (
	"fmt"
	"net"
)

// Worker is the worker's end. Safe for concurrent use.
type Worker struct{ conn *net.UnixConn }

// Open takes the end that a worker has inherited over, and returns it with what
// the keeper holds, a descriptor for each node, which are the caller's.
func Open(fd int) (*Worker, map[uint64]int, error) {
	conn, err := connOf(fd)
	if err != nil {
		return nil, nil, err
	}
	list := map[uint64]int{}
	for {
		kind, node, fd, err := receive(conn)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("ask the keeper what it holds: %w", err)
		case kind == held:
			return &Worker{conn}, list, nil
		case kind == hold:
			list[node] = fd
		}
	}
}

// Hold has the keeper hold a duplicate of fd for a node (fs.Vault).
func (w *Worker) Hold(node uint64, fd int) error { return send(w.conn, hold, node, fd) }

// Drop has the keeper close what it holds for a node (fs.Vault). It fails only
// when the keeper is gone, and everything with it.
func (w *Worker) Drop(node uint64) { _ = send(w.conn, drop, node, noDescriptor) }

// Say tells the keeper something.
func (w *Worker) Say(k Kind) error { return Tell(w.conn, k) }

// Hear waits for the next message of the keeper; false after Close.
func (w *Worker) Hear() (Kind, bool) {
	k, _, _, err := receive(w.conn)
	return k, err == nil
}

// Close ends the conversation.
func (w *Worker) Close() error { return w.conn.Close() }
