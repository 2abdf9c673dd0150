package vault

import (
	"strconv"
	"syscall"
)

// Shelf is the part of a vault that belongs to one user, who numbers what it has
// held. Safe for concurrent use.
type Shelf struct {
	worker *Worker
	prefix string
	held   map[uint64]int
}

// Shelf returns the shelf of a name, with what lies on it.
func (w *Worker) Shelf(name string) *Shelf {
	s := &Shelf{worker: w, prefix: name + "-", held: map[uint64]int{}}
	for text, fd := range w.Take(s.prefix) {
		number, err := strconv.ParseUint(text, 16, 64)
		if err != nil { // no worker has ever said that
			syscall.Close(fd)
			continue
		}
		s.held[number] = fd
	}
	return s
}

// Held returns what lay on the shelf when the worker began, by number: descriptors
// that are the caller's. To be called once.
func (s *Shelf) Held() map[uint64]int { return s.held }

// Hold has the keeper hold a duplicate of fd (fs.Vault).
func (s *Shelf) Hold(number uint64, fd int) error {
	return send(s.worker.conn, Message{hold, s.name(number)}, fd)
}

// Drop has the keeper close what it holds (fs.Vault). It fails only when the keeper
// is gone, and everything with it.
func (s *Shelf) Drop(number uint64) {
	_ = send(s.worker.conn, Message{drop, s.name(number)}, noDescriptor)
}

func (s *Shelf) name(number uint64) string { return s.prefix + strconv.FormatUint(number, 16) }
