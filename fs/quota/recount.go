package quota

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"grantfs/fs/backing"
	"grantfs/policy"
)

// Recounter keeps the ledger in step with what others than us do in sources. On
// a file system that can be watched it reads again the directories that they
// changed, at most two seconds later; sources on others it counts one after the
// other, again and again (product.md §9). It is safe for concurrent use. Close
// it.
type Recounter struct {
	opt     RecountOptions
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // the goroutines of volumes

	mu      sync.Mutex // guards what follows and what says so
	volumes map[uint64]*volume
	sources map[string]*counted        // by path
	trees   map[string]*Tree           // by path, for good: operations may still know them
	left    map[string]<-chan struct{} // by path: closed when nobody reads it any more
	totals  RecountStats
}

// RecountOptions are how a Recounter works.
type RecountOptions struct {
	Ledger *Ledger
	Log    *slog.Logger
	// Own is the process whose changes the trees know (os.Getpid); 0: none.
	Own int
	// Period is how long a source that can't be watched goes without a count.
	// Zero: 15 minutes.
	Period time.Duration
	// Full is that for one that can. Zero: a day.
	Full time.Duration
}

// Source is a directory tree that is counted.
type Source struct {
	Path string // absolute
	// Set are the buckets above what is in it: that of SourceBucket too.
	Set *Set
}

// counted is a source with a root, on one volume.
type counted struct {
	Source // Set is guarded by Recounter.mu
	tree   *Tree
	own    *Set // its own bucket
	root   *backing.Root
	id     ID // of root
	volume *volume
	left   chan struct{} // closed when it is not read any more

	// The following belong to the volume's goroutine.
	previous <-chan struct{} // closed when who counted the tree before does so no more
	known    bool            // it was counted as a whole

	// The following are guarded by Recounter.mu.
	removed  bool
	due      time.Time      // when to look at it
	forced   bool           // and to count it as a whole then
	wanted   bool           // by somebody who waits
	waiting  []chan<- error // for the end of a count
	counting bool
	progress Progress
	last     time.Time     // the end of the last count, zero: none
	took     time.Duration // how long that took
	err      error         // of the last one
}

// NewRecounter returns a Recounter of no sources.
func NewRecounter(opt RecountOptions) *Recounter {
	if opt.Period == 0 {
		opt.Period = 15 * time.Minute
	}
	if opt.Full == 0 {
		opt.Full = 24 * time.Hour
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Recounter{
		opt: opt, ctx: ctx, stop: stop,
		volumes: make(map[uint64]*volume), sources: make(map[string]*counted), trees: make(map[string]*Tree),
		left: make(map[string]<-chan struct{}),
	}
}

// Close ends all counting and waits for that. Nothing may be added any more.
func (r *Recounter) Close() {
	r.stop()
	r.running.Wait()
}

// Add counts a source from now on, beginning with a count as a whole. root is
// where its path leads (it remains the caller's). Adding it again brings its Set
// up to date, from now on, and its root: a source that was moved away and made
// anew. The Tree is that of the path for good; operations tell it what they do.
func (r *Recounter) Add(source Source, root *backing.Root) (*Tree, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.sources[source.Path]
	if old != nil && old.root.Same(root) {
		old.Set = source.Set
		return old.tree, nil
	}
	own, err := r.opt.Ledger.Set([]policy.Bucket{SourceBucket(source.Path)})
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", source.Path, err)
	}
	clone, err := root.Clone()
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", source.Path, err)
	}
	tree := r.tree(source.Path)
	s := &counted{
		Source: source, tree: tree, own: own, root: clone, id: ID{clone.Dev(), clone.Ino()},
		left: make(chan struct{}), forced: true,
	}
	if old != nil {
		s.waiting, s.wanted = old.waiting, old.wanted
		old.waiting = nil
		r.remove(old)
	}
	s.previous, r.left[source.Path] = r.left[source.Path], s.left
	r.sources[source.Path] = s
	r.on(s)
	r.recountAbove(source.Path)
	return tree, nil
}

// Tree returns the tree of the source at path, be it counted or not, for the
// first operation in it and those that follow.
func (r *Recounter) Tree(path string) *Tree {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tree(path)
}

// tree needs r.mu.
func (r *Recounter) tree(path string) *Tree {
	t := r.trees[path]
	if t == nil {
		t = NewTree(r.opt.Ledger.Usage(SourceBucket(path).Name).Used)
		r.trees[path] = t
	}
	return t
}

// Remove ends the counting of the source at path: no policy has it any more. From
// now on what is found is in no other bucket than its own.
func (r *Recounter) Remove(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sources[path]; s != nil {
		r.remove(s)
		r.recountAbove(path)
	}
}

// remove needs r.mu.
func (r *Recounter) remove(s *counted) {
	s.removed = true
	delete(r.sources, s.Path)
	s.volume.poke()
}

// on gives a source to the volume that it lies on. It needs r.mu.
func (r *Recounter) on(s *counted) {
	v := r.volumes[s.root.Mount()]
	if v == nil {
		v = newVolume(r, s.root.Mount())
		r.volumes[v.mount] = v
		r.running.Go(func() { v.run(r.ctx) })
	}
	s.volume = v
	v.sources = append(v.sources, s)
	if v.roots[s.id] == nil {
		v.roots[s.id] = s
	}
	v.poke()
}

// recountAbove has sources counted in which the one at path lies: what is in it
// is theirs no more, or again. It needs r.mu.
func (r *Recounter) recountAbove(path string) {
	for at := filepath.Dir(path); ; at = filepath.Dir(at) {
		if s := r.sources[at]; s != nil {
			s.force(time.Time{})
		}
		if at == filepath.Dir(at) {
			return
		}
	}
}

// force has s counted as a whole, not after due. It needs Recounter.mu.
func (s *counted) force(due time.Time) {
	if !s.forced || due.Before(s.due) {
		s.due = due
	}
	s.forced = true
	s.volume.poke()
}

// soon is when s may be counted again so that it is for a tenth of the time at
// most. It needs Recounter.mu.
func (s *counted) soon() time.Time { return s.last.Add(10 * s.took) }

// ErrNoSource is the error of a source that is not counted.
var ErrNoSource = errors.New("no such source is counted")

// Count counts the source at path as a whole now, for somebody who waits for it,
// or for the end of the count that is under way. Its error is that count's, or
// ctx's.
func (r *Recounter) Count(ctx context.Context, path string) error {
	done := make(chan error, 1)
	r.mu.Lock()
	s := r.sources[path]
	if s == nil {
		r.mu.Unlock()
		return fmt.Errorf("count %s: %w", path, ErrNoSource)
	}
	s.waiting = append(s.waiting, done)
	if !s.counting {
		s.forced, s.wanted, s.due = true, true, time.Time{}
	}
	s.volume.poke()
	r.mu.Unlock()
	return r.wait(ctx, done)
}

// wait waits for the end of what done stands for.
func (r *Recounter) wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// Settle waits until the ledger knows what others had done in watched sources
// when it was called, and until sources that have to be counted as a whole were.
func (r *Recounter) Settle(ctx context.Context) error {
	r.mu.Lock()
	var waiting []chan error
	for _, v := range r.volumes {
		done := make(chan error, 1)
		waiting = append(waiting, done)
		v.settling = append(v.settling, done)
		v.poke()
	}
	r.mu.Unlock()
	for _, done := range waiting {
		if err := r.wait(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// Touch says that others may have changed something in a directory of the source
// at path: what the kernel writes for clients without asking us is not always
// seen where it is watched.
func (r *Recounter) Touch(path string, dir backing.Handle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sources[path]; s != nil && !dir.IsZero() {
		s.volume.touch(dir)
	}
}
