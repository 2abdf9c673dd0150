package vault

import (
	"fmt"
	"net"
	"strings"
)

// Worker is the worker's end. Safe for concurrent use, but for Take.
type Worker struct {
	conn *net.UnixConn
	held map[string]int // what nobody has taken
}

// Open takes the end that a worker has inherited over, and what the keeper holds.
func Open(fd int) (*Worker, error) {
	conn, err := connOf(fd)
	if err != nil {
		return nil, err
	}
	w := &Worker{conn, map[string]int{}}
	for {
		m, fd, err := receive(conn)
		switch {
		case err != nil:
			return nil, fmt.Errorf("ask the keeper what it holds: %w", err)
		case m.Kind == held:
			return w, nil
		case m.Kind == hold:
			w.held[m.Text] = fd
		}
	}
}

// Take returns the worker's own duplicates of what is held under names that begin
// with prefix, by the rest of their names. They are the caller's.
func (w *Worker) Take(prefix string) map[string]int {
	list := map[string]int{}
	for name, fd := range w.held {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			list[rest] = fd
			delete(w.held, name)
		}
	}
	return list
}

// Say tells the keeper something.
func (w *Worker) Say(m Message) error {
	m.Text = m.Text[:min(len(m.Text), maxText)]
	return send(w.conn, m, noDescriptor)
}

// Hear waits for the next message of the keeper; false after Close.
func (w *Worker) Hear() (Kind, bool) {
	m, _, err := receive(w.conn)
	return m.Kind, err == nil
}

// Close ends the conversation.
func (w *Worker) Close() error { return w.conn.Close() }
