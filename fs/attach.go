package fs

import (
	"errors"
	"fmt"
	"time"

	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/node"
)

// Vault keeps descriptors while one Server follows another: a file that is open
// and has lost its last name lives no longer than they. Its methods must not wait
// for the file system. Safe for concurrent use.
type Vault interface {
	// Hold keeps a duplicate of fd for a node.
	Hold(node uint64, fd int) error
	// Drop closes what is held for a node.
	Drop(node uint64)
}

// Inheritance is what a Server takes over. All of it is the Server's from then
// on.
type Inheritance struct {
	Conn   *kernel.Conn
	Memory *memory.Memory
	Vault  Vault          // nil for none
	Held   map[uint64]int // what the vault holds, by node; a duplicate each
}

// Attach makes a Server of a mount that somebody else keeps, with everything that
// its predecessors have left in the memory: to the sessions they are one. If the
// memory is not to be used it begins anew: what sessions have open is ESTALE then.
// Requests that a predecessor read and did not answer come again, where the
// kernel can do that (Features.Resend); else they end with EIO. The process's umask is cleared: see
// backing.Unmask.
func Attach(opt Options, in Inheritance) (*Server, error) {
	s, err := newServer(opt, in)
	if errors.Is(err, errMisfit) {
		opt.Log.Error("what sessions have open is lost: the state of the last process can't be read", "error", err)
		if in.Memory, err = in.Memory.Renew(); err != nil {
			return nil, err
		}
		s, err = newServer(opt, in)
	}
	if err != nil {
		return nil, err
	}
	resent, err := in.Conn.Resend()
	if err == nil && !resent {
		err = s.abandon()
	}
	return s, err
}

// abandon ends what a predecessor has left unanswered with an error: the kernel is
// older than 6.9 and does not send it again.
func (s *Server) abandon() error {
	n, err := s.conn.Abandon(func(note *kernel.Note) { s.forgetHandle(noteOf(note)) })
	s.opt.Log.Warn("requests that are under way when a process ends are answered with EIO: this kernel, before 6.9, can't send them again", "requests", n)
	return err
}

// errMisfit says that the memory is not of this version, or is damaged.
var errMisfit = errors.New("the shared memory can't be taken over")

// takeOver builds everything that is known from the memory. What holds indexes of
// others comes after them.
func (s *Server) takeOver(held map[uint64]int) error {
	err := s.openMemory()
	if err != nil {
		return fmt.Errorf("%w: %w", errMisfit, err)
	}
	s.initPinned(held)
	return s.settleIntents()
}

func (s *Server) openMemory() (err error) {
	if err := s.views.init(s.memory, s.opt.Log); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	if err := s.sources.init(s.memory, s.opt.Log); err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	grow := s.memory.Grow(memory.Nodes)
	if chunks := s.memory.Held(memory.Nodes); len(chunks) > 0 {
		s.nodes, err = node.Open(chunks, grow, s.nodeFreed)
	} else {
		s.nodes, err = node.NewTable(grow, s.memory.FirstGeneration(), s.nodeFreed)
	}
	if err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	if view, source := s.nodes.Indexes(); int(view) >= len(s.views.list) || int(source) >= len(s.sources.list) {
		return fmt.Errorf("a node of view %d and source %d, where there are %d and %d", view, source, len(s.views.list)-1, len(s.sources.list)-1)
	}
	s.conn.ObserveSteps(s.opt.Steps)
	if err := s.conn.OpenJournal(s.memory); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := s.files.init(s.memory, func(id int32) { s.conn.CloseBacking(id) }); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if err := s.initCharges(); err != nil {
		return fmt.Errorf("charges: %w", err)
	}
	if err := s.initHandles(s.memory); err != nil {
		return fmt.Errorf("handles: %w", err)
	}
	if err := s.initLimits(); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	return nil
}

// Answered returns when this process has answered its first request, the zero Time
// if it has not.
func (s *Server) Answered() time.Time { return s.conn.Answered() }

// Drain makes Serve return without the end of the mount, for a successor to go
// on: see kernel.Conn.Drain.
func (s *Server) Drain(patience time.Duration) error { return s.conn.Drain(patience) }
