package quota

import (
	"context"
	"errors"
	"syscall"
	"time"

	"grantfs/fs/backing"
)

// look looks whether the path of a source still leads to its root, and counts it
// if that is due.
func (v *volume) look(ctx context.Context, s *counted) {
	if s.previous != nil {
		select {
		case <-s.previous:
			s.previous = nil
		default: // who counted it before is stuck
			v.later(s, time.Second)
			return
		}
	}
	root, err := backing.OpenRoot(s.Path)
	switch {
	case errors.Is(err, syscall.ENOENT) && s.root.Removed():
		v.empty(s)
		return
	case err != nil:
		v.ended(s, err, 0)
		return
	case !root.Same(s.root):
		v.r.mu.Lock()
		source, removed := s.Source, s.removed
		v.r.mu.Unlock()
		if !removed {
			_, err = v.r.Add(source, root)
		}
		root.Close()
		if err != nil {
			v.ended(s, err, 0)
		}
		return
	}
	root.Close()
	v.r.mu.Lock()
	count := s.forced || v.watch == nil || time.Since(s.last) >= v.r.opt.Full
	v.r.mu.Unlock()
	if !count {
		v.later(s, v.r.opt.Period)
		return
	}
	v.count(ctx, s)
}

// later has s looked at again after that time at the latest.
func (v *volume) later(s *counted, d time.Duration) {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	s.due = time.Now().Add(min(d, v.r.opt.Period))
}

// count counts a source as a whole, and between two directories reads again
// what others change.
func (v *volume) count(ctx context.Context, s *counted) {
	v.r.mu.Lock()
	idly := !s.wanted
	s.forced, s.wanted, s.counting, s.progress = false, false, true, Progress{}
	v.r.mu.Unlock()
	begun := time.Now()
	found, err := s.tree.Count(ctx, s.root, CountOptions{
		Idle: idly,
		Stop: v.isRoot,
		Progress: func(p Progress) {
			v.r.mu.Lock()
			s.progress = p
			v.r.mu.Unlock()
			v.between(ctx, s, idly)
		},
		Finish: func(read func(dir int, parent ID) error) error {
			v.round(ctx, s)
			v.finishing = true // from now on rounds are for after the count
			return v.readAgain(s, read)
		},
	})
	v.again, v.finishing = nil, false
	if err == nil {
		s.known = true
		v.correct(s, found)
		v.unfinished[s], v.changed = true, true // perhaps we have done something that it could not see
	}
	v.ended(s, err, time.Since(begun))
}

// between is called between two directories of s.
func (v *volume) between(ctx context.Context, s *counted, idly bool) {
	if v.watch == nil || v.finishing {
		return
	}
	select {
	case <-v.watch.Changed():
		v.changed = true
	default:
	}
	if !v.changed || time.Now().Before(v.rest) {
		return
	}
	if idly {
		ioClass(ordinary)
		defer ioClass(idle)
	}
	v.round(ctx, s)
}

// readAgain reads what others changed in s while it was counted.
func (v *volume) readAgain(s *counted, read func(dir int, parent ID) error) error {
	memo := make(map[ID]where)
	for _, h := range v.again {
		err := v.at(s.root, h, memo, func(fd int, w where) error {
			if w.source != s {
				return nil
			}
			return read(fd, w.parent)
		})
		if err != nil && err != errRemoved {
			return err
		}
	}
	return nil
}

// empty counts a source that was removed.
func (v *volume) empty(s *counted) {
	s.known = true
	v.correct(s, s.tree.Empty())
	v.r.mu.Lock()
	s.forced = false
	v.r.mu.Unlock()
	v.ended(s, nil, 0)
	v.later(s, missingPeriod)
}

// correct tells the ledger what was found in s, which is counted.
func (v *volume) correct(s *counted, found Charge) {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	v.r.totals.found(found)
	set := s.own
	if now := v.r.sources[s.Path]; now != nil { // perhaps with another root already
		set = now.Set
	}
	v.r.opt.Ledger.Correct(set, sourcePrefix+s.Path, found)
}

// ended says how a count of s ended, and when it is to be looked at again.
func (v *volume) ended(s *counted, err error, took time.Duration) {
	v.r.mu.Lock()
	news := err != nil && s.err == nil && !errors.Is(err, context.Canceled)
	s.counting, s.err = false, err
	now := time.Now()
	s.due = now.Add(v.r.opt.Period)
	switch {
	case err != nil:
		s.forced, s.due = true, now.Add(min(missingPeriod, v.r.opt.Period))
	case s.forced: // meanwhile
		s.last, s.took, s.forced = now, took, false
		s.force(s.soon())
	default:
		s.last, s.took = now, took
	}
	v.r.totals.Counts++
	for _, done := range s.waiting {
		done <- err
	}
	s.waiting = nil
	v.r.mu.Unlock()
	if news {
		v.r.opt.Log.Warn("a source can't be counted; its quotas go by what is known", "source", s.Path, "error", err)
	}
}

// force has s counted as a whole soon, for it is not known what is in it.
func (v *volume) force(s *counted) {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	s.force(s.soon())
}
