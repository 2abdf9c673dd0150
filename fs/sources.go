package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/memory"
	"grantfs/policy"
)

// sourceRetry is how long a missing source is taken to be missing, and how long
// a pinned one is trusted to be what its path leads to.
const sourceRetry = time.Second

// source is one backing directory, opened when it is first needed. A missing
// one answers ENOENT and is tried again.
type source struct {
	index   uint32
	path    string
	root    atomic.Pointer[backing.Root]
	missing atomic.Bool
	// unwanted: no mount of the policy has it any more.
	unwanted atomic.Bool
	counted  atomic.Bool  // it was said to be counted
	checked  atomic.Int64 // unix nanoseconds of the last look at the path
	looking  atomic.Int64 // when the look began that is under way, 0 for none
	mu       sync.Mutex   // held over one look, which may hang: see enter
}

// sources holds every source that was needed; they are never taken out.
type sources struct {
	mu     sync.RWMutex // guards what follows
	byPath map[string]*source
	list   []*source // by index; 0 is none
	kept   numbered
	closed bool

	checks sync.WaitGroup // looks by CheckSources
}

// init takes over what lies in m.
func (ss *sources) init(m *memory.Memory, log *slog.Logger) error {
	ss.byPath = map[string]*source{}
	ss.list = []*source{nil}
	held, err := ss.kept.open(m, memory.Sources, log)
	for _, path := range held {
		ss.add(path)
	}
	return err
}

// add appends a source. The caller holds mu.
func (ss *sources) add(path string) *source {
	src := &source{index: uint32(len(ss.list)), path: path}
	ss.byPath[path] = src
	ss.list = append(ss.list, src)
	return src
}

func (ss *sources) at(index uint32) *source {
	ss.mu.RLock()
	defer ss.mu.RUnlock()
	return ss.list[index]
}

func (ss *sources) named(path string) *source {
	ss.mu.RLock()
	src := ss.byPath[path]
	ss.mu.RUnlock()
	if src != nil {
		return src
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if src := ss.byPath[path]; src != nil {
		return src
	}
	ss.kept.append(path)
	return ss.add(path)
}

// close releases every source. No request may use them any more.
func (ss *sources) close() {
	ss.mu.Lock()
	ss.closed = true
	ss.mu.Unlock()
	ss.checks.Wait()
	for _, src := range ss.list[1:] {
		if r := src.root.Load(); r != nil {
			r.Close()
		}
	}
}

// pinned returns the source's root as it was last opened, nil if never. A
// predecessor may have opened it, and its nodes be known: it is opened then.
func (s *Server) pinned(src *source) *backing.Root {
	if root := src.root.Load(); root != nil {
		return root
	}
	root, errno := s.enter(src, nil, policy.IDs{})
	if errno != 0 {
		return nil
	}
	return root
}

// enter returns the source's root for a request that comes in through its
// path: it is opened if need be, and replaced if the path leads to another
// directory by now (a site that was moved away and made again). While somebody
// looks at the path already, everybody else goes on with what is known of it: if
// its file system hangs, one waits and not all.
func (s *Server) enter(src *source, m *policy.Mount, ids policy.IDs) (*backing.Root, syscall.Errno) {
	now := time.Now().UnixNano()
	if now-src.checked.Load() < int64(sourceRetry) {
		if src.missing.Load() {
			return nil, syscall.ENOENT
		}
		return src.root.Load(), 0
	}
	if !src.mu.TryLock() {
		if root := src.root.Load(); root != nil && !src.missing.Load() {
			return root, 0
		}
		src.mu.Lock()
	}
	defer src.mu.Unlock()
	if time.Now().UnixNano()-src.checked.Load() >= int64(sourceRetry) {
		src.looking.Store(now)
		s.reopen(src, m, ids)
		src.looking.Store(0)
		src.checked.Store(time.Now().UnixNano())
	}
	if src.missing.Load() {
		return nil, syscall.ENOENT
	}
	return src.root.Load(), 0
}

// reopen looks where the source's path leads now. The caller holds src.mu.
func (s *Server) reopen(src *source, m *policy.Mount, ids policy.IDs) {
	old := src.root.Load()
	root, err := backing.OpenRoot(src.path)
	if m != nil && m.Create && errors.Is(err, syscall.ENOENT) {
		if err = createHome(src.path, m, ids); err == nil {
			root, err = backing.OpenRoot(src.path)
		}
	}
	if err != nil {
		if !src.missing.Swap(true) {
			s.opt.Log.Warn("source is not usable; what is mounted from it answers ENOENT", "source", src.path, "error", err)
		}
		return
	}
	if src.missing.Swap(false) {
		s.opt.Log.Info("source is usable again", "source", src.path)
	}
	switch {
	case old == nil:
		src.root.Store(root)
	case old.Same(root):
		root.Close()
	default:
		src.root.Store(old.Replace(root))
	}
}

// createHome makes the last component of a home (product.md §7).
func createHome(path string, m *policy.Mount, ids policy.IDs) error {
	parent, err := backing.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("create home %s: %w", path, err)
	}
	defer parent.Close()
	name, errno := backing.NewName(filepath.Base(path))
	if errno != 0 {
		return fmt.Errorf("create home %s: %w", path, errno)
	}
	b := backing.Birth{UID: ids.UID, GID: ids.GID, Mode: m.CreateMode}
	if o := m.CreateOwner; o != nil {
		b.UID, b.GID = o.UID, o.GID
	}
	if errno := backing.Mkdir(parent.FD(), name, b); errno != 0 && errno != syscall.EEXIST {
		return fmt.Errorf("create home %s: %w", path, errno)
	}
	return nil
}

// CheckSources looks at every source of the policy, entered or not, has them
// counted, and forgets that sources it no longer has were missing. Optional ones may
// be missing until they are entered. Those that lie in others come before them, which
// are not to be counted with what is not theirs. It waits for no source longer than
// sourceRetry: a look that hangs goes on alone, and Serve waits for it at the end.
func (s *Server) CheckSources() {
	wanted := map[string]bool{}
	patience := time.NewTimer(sourceRetry)
	defer patience.Stop()
	for _, w := range slices.Backward(s.policy.Load().Set.Sources()) {
		wanted[w.Path] = true
		src := s.sources.named(w.Path)
		if src.looking.Load() != 0 {
			continue
		}
		done := make(chan struct{})
		look := func() {
			defer close(done)
			if w.Optional && !present(src.path) {
				return
			}
			s.enter(src, nil, policy.IDs{})
			s.count(src)
		}
		if !s.sources.check(look) {
			return
		}
		patience.Reset(sourceRetry)
		select {
		case <-done:
		case <-patience.C:
		}
	}
	s.sources.mark(wanted)
	if !maps.Equal(s.sources.twins(), s.charges.plan.Load().twins) {
		poke(s.recharge)
	}
}

// mark says which sources the policy has.
func (ss *sources) mark(wanted map[string]bool) {
	ss.mu.RLock()
	defer ss.mu.RUnlock()
	for _, src := range ss.list[1:] {
		src.unwanted.Store(!wanted[src.path])
	}
}

// present reports whether there is a directory at path.
func present(path string) bool {
	root, err := backing.OpenRoot(path)
	if err == nil {
		root.Close()
	}
	return err == nil
}

// check runs f on a goroutine that close waits for; false after close.
func (ss *sources) check(f func()) bool {
	ss.mu.RLock()
	defer ss.mu.RUnlock()
	if !ss.closed {
		ss.checks.Go(f)
	}
	return !ss.closed
}

// MissingSources returns the paths of the policy's sources that are not usable
// at this moment, as far as they were looked at: they are missing, or the look at
// them hangs. It makes no system call.
func (s *Server) MissingSources() []string {
	now := time.Now().UnixNano()
	s.sources.mu.RLock()
	defer s.sources.mu.RUnlock()
	var list []string
	for _, src := range s.sources.list[1:] {
		looking := src.looking.Load()
		hangs := looking != 0 && now-looking >= int64(sourceRetry)
		if (src.missing.Load() || hangs) && !src.unwanted.Load() {
			list = append(list, src.path)
		}
	}
	return list
}
