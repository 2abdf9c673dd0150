package quota

import (
	"context"
	"errors"
	"math"
	"slices"
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/watch"
)

const (
	// A round is followed by a pause of several times its length, within limits:
	// what others do is noticed at once where there is little, and in less than
	// two seconds where there is much.
	pauseTimes = 9
	minPause   = 200 * time.Millisecond
	maxPause   = time.Second
	// missingPeriod is how long a source is taken to be missing.
	missingPeriod = time.Minute
	// maxTouched is how many directories wait to be read again.
	maxTouched = 1 << 16
)

// volume is one mounted file system with sources. Its goroutine does all their
// counting; if the file system hangs it hangs alone.
type volume struct {
	r     *Recounter
	mount uint64
	wake  chan struct{} // something that Recounter.mu guards has changed

	// The following are guarded by Recounter.mu.
	sources  []*counted
	roots    map[ID]*counted
	settling []chan error
	touched  map[backing.Handle]bool
	watched  bool
	allDue   time.Time // when all sources were, or are to be, counted for what was lost

	// The following belong to the goroutine.
	watch      *watch.Watch      // nil: there is none
	seen       watch.Stats       // that the totals know
	retry      time.Time         // when to try to have one
	changed    bool              // there is something to read again
	rest       time.Time         // when the next round may begin
	unfinished map[*counted]bool // whose last round asked for another one
	again      []backing.Handle  // what was changed in the source that is counted
	finishing  bool              // the count is about to end
}

func newVolume(r *Recounter, mount uint64) *volume {
	return &volume{
		r: r, mount: mount, wake: make(chan struct{}, 1),
		roots: make(map[ID]*counted), touched: make(map[backing.Handle]bool), unfinished: make(map[*counted]bool),
	}
}

// poke wakes the goroutine.
func (v *volume) poke() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// touch needs Recounter.mu.
func (v *volume) touch(dir backing.Handle) {
	if len(v.touched) < maxTouched {
		v.touched[dir] = true
		v.poke()
		return
	}
	v.forceEach()
}

// run counts until there is no source any more, or ctx ends.
func (v *volume) run(ctx context.Context) {
	defer v.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for v.reap() && ctx.Err() == nil {
		v.open()
		settling := v.takeSettling()
		now := time.Now()
		if settling != nil || v.changed && !now.Before(v.rest) {
			v.round(ctx, nil)
		}
		s, due := v.next(now, settling != nil)
		switch {
		case s != nil:
			v.look(ctx, s)
		case settling != nil && !v.changed:
			for _, done := range settling {
				done <- nil
			}
			continue
		}
		if settling != nil {
			v.r.mu.Lock()
			v.settling = append(settling, v.settling...)
			v.r.mu.Unlock()
		}
		if s != nil || settling != nil {
			continue
		}
		if v.changed && v.rest.Before(due) {
			due = v.rest
		}
		timer.Reset(min(time.Until(due), v.r.opt.Period))
		v.wait(ctx, timer.C)
	}
}

// wait waits until there is something to do, or for the timer.
func (v *volume) wait(ctx context.Context, timer <-chan time.Time) {
	var changed <-chan struct{}
	if v.watch != nil && !v.changed {
		changed = v.watch.Changed()
	}
	select {
	case <-ctx.Done():
	case <-timer:
	case <-v.wake:
	case <-changed:
		v.changed = true
	}
	v.r.mu.Lock()
	v.changed = v.changed || len(v.touched) > 0
	v.r.mu.Unlock()
}

func (v *volume) takeSettling() []chan error {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	list := v.settling
	v.settling = nil
	return list
}

// reap lets go of the sources that were removed and reports whether there are
// others; if not, the volume is none any more.
func (v *volume) reap() bool {
	v.r.mu.Lock()
	var removed []*counted
	v.sources = slices.DeleteFunc(v.sources, func(s *counted) bool {
		if s.removed {
			removed = append(removed, s)
		}
		return s.removed
	})
	more := len(v.sources) > 0
	if !more {
		v.forget()
	}
	for _, s := range removed {
		v.release(s)
	}
	v.r.mu.Unlock()
	for _, s := range removed {
		s.root.Close()
		close(s.left)
	}
	return more
}

// release needs Recounter.mu.
func (v *volume) release(s *counted) {
	if v.roots[s.id] == s {
		delete(v.roots, s.id)
	}
	for _, done := range s.waiting {
		done <- ErrNoSource
	}
	s.waiting = nil
}

// forget needs Recounter.mu.
func (v *volume) forget() {
	if v.r.volumes[v.mount] == v {
		delete(v.r.volumes, v.mount)
	}
	for _, done := range v.settling {
		done <- nil
	}
	v.settling = nil
}

// close ends the watch and lets go of the sources that are left.
func (v *volume) close() {
	if v.watch != nil {
		v.watch.Close()
	}
	v.r.mu.Lock()
	for _, s := range v.sources {
		s.removed = true
	}
	v.r.mu.Unlock()
	v.reap()
}

// open begins to watch the file system, if it is not watched yet and can be.
func (v *volume) open() {
	if v.watch != nil || time.Now().Before(v.retry) {
		return
	}
	v.r.mu.Lock()
	s := v.sources[0]
	v.r.mu.Unlock()
	w, err := (*watch.Watch)(nil), error(syscall.EOPNOTSUPP)
	if s.root.HasHandles() {
		w, err = watch.Open(s.root.FD(), v.r.opt.Own)
	}
	if err == nil {
		v.watch = w
		v.r.mu.Lock()
		v.watched = true
		v.r.mu.Unlock()
		v.forceAll() // what others did before was not seen
		return
	}
	if v.retry.IsZero() {
		v.r.opt.Log.Warn("a file system can't be watched for writers beside the mount; sources on it are counted from time to time",
			"source", s.Path, "every", v.r.opt.Period, "error", err)
	}
	v.retry = time.Now().Add(v.r.opt.Period)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EXDEV) {
		v.retry = time.Now().Add(math.MaxInt64) // this file system never can
	}
}

// next returns the source that is to be looked at, if there is one, else when.
// hurry: what has to be counted is counted now.
func (v *volume) next(now time.Time, hurry bool) (*counted, time.Time) {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	var first *counted
	for _, s := range v.sources {
		if hurry && s.forced && s.err == nil {
			s.due = time.Time{}
		}
		if !s.removed && (first == nil || s.due.Before(first.due)) {
			first = s
		}
	}
	switch {
	case first == nil:
		return nil, now // there is something to reap
	case first.due.After(now):
		return nil, first.due
	}
	return first, now
}
