package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/kernel"
	"grantfs/fs/limit"
	"grantfs/fs/memory"
	"grantfs/fs/node"
	"grantfs/policy"
)

// Observer is told what happened to each request. It is called on the request's
// path: it must be quick and safe for concurrent use.
type Observer interface {
	// Observe reports one finished operation.
	Observe(op policy.Op, errno syscall.Errno, d time.Duration)
	// Denied reports one refusal and why.
	Denied(reason policy.Reason)
}

// Policy is what the file system obeys: the compiled rules, and the ids of each
// account that may use its view. An account without ids has no view.
type Policy struct {
	Set *policy.Set
	IDs map[string]policy.IDs
}

// Options are what a Server needs. All fields are required but those that say
// what nil means.
type Options struct {
	Point        string // existing directory
	EntryTimeout time.Duration
	MinFree      func(size uint64) uint64 // bytes of a backing file system that are kept free; nil: none
	Log          *slog.Logger
	Observer     Observer
	Policy       Policy
	Sessions     Sessions // nil: there are none
	Virtual      Virtual  // nil: directories of credentials are empty
	Recorder     Recorder // nil: nothing is written down
	// Transferred is the Snapshot of an earlier Server's Transfers, nil for none. It
	// counts where there is nothing to take over.
	Transferred []byte
	// Usage is the checkpoint of an earlier Server's Ledger, "" for none: it counts
	// as Transferred does.
	Usage string
	// Steps is told where each request is, for tests that die there; nil: nobody.
	Steps func(kernel.Step, kernel.Opcode)
	// AlwaysPlus answers each READDIRPLUS in full, as the kernel asks for it:
	// only to compare with.
	AlwaysPlus bool
}

// Server is one mounted file system. Mount makes it, Serve runs it.
type Server struct {
	opt       Options
	conn      *kernel.Conn
	memory    *memory.Memory
	vault     Vault // nil for none
	nodes     *node.Table
	fds       *backing.Cache
	views     views
	sources   sources
	handles   handles
	caps      caps
	charges   charges
	swapped   chan struct{} // holds one value for afterSwaps
	recharge  chan struct{} // holds one value for recharges
	files     files
	habits    habits
	rates     *limit.Rates
	transfers *limit.Transfers
	traffic   [2]traffic // by limit.Direction
	listings  listings
	calls     sync.Pool

	policy atomic.Pointer[epochPolicy]
	xattrs bool // some folder had user_xattrs when the mount began
	panics atomic.Uint64
	// uncleared is how many files were written that may have kept their set-user-ID
	// bits.
	uncleared atomic.Uint64
	// noPassthrough is set once the kernel refused to register any backing.
	noPassthrough atomic.Bool
}

// epochPolicy is a Policy with its number.
type epochPolicy struct {
	Policy
	epoch uint64
	since time.Time // when it was loaded: the mtime of what only views provide
}

// Mount mounts the file system and answers the kernel's first request. The mount
// is this process's own: see Attach for one that outlives it. The process's umask is cleared: see
// backing.Unmask.
func Mount(opt Options) (*Server, error) {
	m, err := memory.New()
	if err != nil {
		return nil, err
	}
	conn, err := kernel.Mount(opt.Point)
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	err = conn.Start()
	if err == nil {
		var s *Server
		if s, err = newServer(opt, Inheritance{Conn: conn, Memory: m}); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, conn.Unmount(), conn.Close(), m.Close())
}

// newServer makes a server of a connection, with the state that lies in memory.
func newServer(opt Options, in Inheritance) (*Server, error) {
	if err := backing.Unmask(); err != nil {
		return nil, fmt.Errorf("drop supplementary groups: %w", err)
	}
	fds, err := descriptors()
	if err != nil {
		return nil, fmt.Errorf("read the limit of open files: %w", err)
	}
	s := &Server{
		opt: opt, xattrs: opt.Policy.Set.UserXattrs(), conn: in.Conn, memory: in.Memory, vault: in.Vault,
		fds:     backing.NewCache(min(maxIdle, fds/4)),
		swapped: make(chan struct{}, 1), recharge: make(chan struct{}, 1),
	}
	s.caps.init(fds)
	s.calls.New = func() any { return new(call) }
	s.policy.Store(&epochPolicy{Policy: opt.Policy, epoch: 1, since: time.Now()})
	s.opt.Policy = Policy{} // that of the first epoch is not kept for ever
	if err := s.takeOver(in.Held); err != nil {
		return nil, err
	}
	return s, nil
}

// Serve answers requests until the file system is unmounted or Drain is called,
// then releases what this process holds of it, but the memory: see Close.
func (s *Server) Serve() error {
	stops := []func(){s.afterSwaps(), s.recharges(), s.sweep()}
	err := s.conn.Serve(s)
	for _, stop := range stops {
		stop()
	}
	s.charges.recounter.Close()
	s.closeAll()
	s.nodes.Close()
	s.fds.Close()
	s.sources.close()
	return errors.Join(err, s.conn.Close())
}

// Close ends the use of the memory, after Serve: nothing of the Server may be used
// any more, not even by a request that hung beyond Drain.
func (s *Server) Close() error { return s.memory.Close() }

// Unmount takes the file system away, even while sessions are inside. Serve
// returns then.
func (s *Server) Unmount() error { return s.conn.Unmount() }

// Features returns what the kernel granted.
func (s *Server) Features() kernel.Features { return s.conn.Features() }

// Swap replaces the policy: every request from now on obeys p, those of open
// files included. The kernel is told to ask again for the names it knows; on
// kernels before 6.16 it does so within the entry timeout. See also Revoked.
func (s *Server) Swap(p Policy) error {
	for {
		old := s.policy.Load()
		if s.policy.CompareAndSwap(old, &epochPolicy{Policy: p, epoch: old.epoch + 1, since: time.Now()}) {
			break
		}
	}
	if !s.xattrs && p.Set.UserXattrs() {
		s.opt.Log.Warn("user_xattrs of the first folder that has them can be read after a restart")
	}
	_, err := s.conn.IncEpoch()
	poke(s.swapped)
	poke(s.recharge)
	return err
}

// poke leaves a value for who is to do something, unless there is one already.
func poke(due chan<- struct{}) {
	select {
	case due <- struct{}{}:
	default:
	}
}

// Nodes returns how many nodes the kernel knows.
func (s *Server) Nodes() int { return s.nodes.Len() }

// Panics returns how many requests ended in an internal error.
func (s *Server) Panics() uint64 { return s.panics.Load() }

// nodeFreed releases what is kept for a node that the kernel has forgotten.
func (s *Server) nodeFreed(id uint64) {
	s.files.drop(id)
	s.fds.Drop(id)
}
