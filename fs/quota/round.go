package quota

import (
	"context"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/watch"
)

// maxClimb is how deep a directory lies at most of which the source is looked
// for. Sources with deeper ones are counted as a whole instead.
const maxClimb = 4096

// round reads again what others changed since the last one. counting is the
// source that is being counted, nil for none.
func (v *volume) round(ctx context.Context, counting *counted) {
	begun := time.Now()
	b := v.take()
	root := v.anyRoot()
	touched, memo, removed := v.unfinished, make(map[ID]where), false
	v.unfinished = make(map[*counted]bool)
	opt := CountOptions{Stop: v.isRoot, buf: make([]byte, bufSize)}
	for _, d := range b.Dirs {
		if ctx.Err() != nil {
			return
		}
		err := v.at(root, d.Handle, memo, func(fd int, w where) error {
			s := w.source
			if s == counting {
				v.remember(d.Handle)
			}
			if !s.known && s != counting || s.previous != nil {
				return nil // it is to be counted as a whole
			}
			touched[s] = true
			if err := s.tree.Reread(ctx, s.root, fd, w.parent, d.Left, opt); err != nil {
				v.force(s) // which says what the matter is
			}
			return nil
		})
		switch {
		case err == errRemoved:
			removed = true
		case err != nil:
			b.Lost = true
		}
	}
	if b.Lost {
		v.forceAll()
	}
	if removed { // perhaps by us in the end: then no other directory says in which source
		v.each(func(s *counted) { touched[s] = s.known && s.previous == nil })
	}
	for s, known := range touched {
		if !known {
			continue
		}
		found, again, stale := s.tree.Round()
		if found != (Charge{}) {
			v.correct(s, found)
		}
		if again {
			v.unfinished[s] = true
		}
		if stale {
			v.force(s)
		}
		v.share(s)
	}
	took := time.Since(begun)
	v.changed = len(v.unfinished) > 0
	v.rest = begun.Add(took + min(max(pauseTimes*took, minPause), maxPause))
}

// share has the other sources counted in which files of s with several names have
// another one, if that is to be feared: no directory of theirs has changed.
func (v *volume) share(s *counted) {
	files, appeared := s.tree.Shared()
	if appeared {
		v.forceAll()
		return
	}
	if len(files) == 0 {
		return
	}
	v.each(func(other *counted) {
		if other != s && other.tree.Holds(files) {
			v.force(other)
		}
	})
}

// take returns what others changed.
func (v *volume) take() watch.Batch {
	var b watch.Batch
	var seen watch.Stats
	if v.watch != nil {
		b = v.watch.Take()
		seen = v.watch.Stats()
	}
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	for h := range v.touched {
		b.Dirs = append(b.Dirs, watch.Dir{Handle: h})
	}
	clear(v.touched)
	t := &v.r.totals
	t.Rounds++
	t.Dirs += uint64(len(b.Dirs))
	t.Events += seen.Events - v.seen.Events
	t.Lost += seen.Lost - v.seen.Lost
	v.seen = seen
	return b
}

// anyRoot returns a root by which handles can be opened. It is open as long as
// sources are not reaped.
func (v *volume) anyRoot() *backing.Root {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	return v.sources[0].root
}

// remember has the directory dir read once more at the end of the count.
func (v *volume) remember(dir backing.Handle) {
	if len(v.again) == maxTouched {
		v.forceAll()
		return
	}
	v.again = append(v.again, dir)
}

func (v *volume) forceAll() {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	v.forceEach()
}

// each calls f with every source, of which none goes meanwhile.
func (v *volume) each(f func(s *counted)) {
	v.r.mu.Lock()
	list := v.sources[:len(v.sources):len(v.sources)]
	v.r.mu.Unlock()
	for _, s := range list {
		f(s)
	}
}

// forceEach has all sources counted as a whole, so that they are for a tenth of
// the time at most: at once, or when it is time after the last time. It needs
// Recounter.mu.
func (v *volume) forceEach() {
	if now := time.Now(); !v.allDue.After(now) {
		var took time.Duration
		for _, s := range v.sources {
			took += s.took
		}
		if v.allDue = v.allDue.Add(10 * took); v.allDue.Before(now) {
			v.allDue = now
		}
	}
	for _, s := range v.sources {
		s.force(v.allDue)
	}
}

// isRoot reports whether dir is the root of a source.
func (v *volume) isRoot(dir ID) bool { return v.rootedAt(dir) != nil }

// where is where a directory lies.
type where struct {
	source *counted // nil: in none
	parent ID       // zero: it is the root of source
}

// errRemoved is the error of a directory that was removed.
var errRemoved = errors.New("removed")

// at calls f with the directory of that handle and where it lies, if it is in a
// source. The error is f's, errRemoved, or says that this was not found out. memo
// remembers directories between calls.
func (v *volume) at(root *backing.Root, h backing.Handle, memo map[ID]where, f func(fd int, w where) error) error {
	fd, e := root.Open(backing.Object{Handle: h}, upwards)
	if e == syscall.ESTALE {
		return errRemoved
	}
	if e != 0 {
		return gone(e)
	}
	defer backing.Close(fd)
	w, err := v.climb(root, fd, memo)
	if err != nil || w.source == nil {
		return err
	}
	return f(fd, w)
}

const upwards = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC

// climb finds out where the directory fd lies: upwards until there is a source.
// What is moved meanwhile has events of its own.
func (v *volume) climb(root *backing.Root, fd int, memo map[ID]where) (where, error) {
	var way []ID
	at := fd
	defer func() {
		if at != fd {
			backing.Close(at)
		}
	}()
	var source *counted
	for {
		var st backing.Stat
		if e := backing.StatFD(at, &st); e != 0 {
			return where{}, e
		}
		id := identity(&st)
		if root.Foreign(&st) || len(way) > 0 && way[len(way)-1] == id {
			break // above what is mounted
		}
		if w, ok := memo[id]; ok {
			source = w.source
			way = append(way, id)
			break
		}
		way = append(way, id)
		if source = v.rootedAt(id); source != nil {
			break
		}
		if len(way) > maxClimb {
			return where{}, syscall.ELOOP
		}
		above, err := unix.Openat(at, "..", upwards, 0)
		if err != nil {
			break // it can't be reached from here
		}
		if at != fd {
			backing.Close(at)
		}
		at = above
	}
	for i, id := range way {
		if _, ok := memo[id]; ok {
			break
		}
		w := where{source: source}
		if i+1 < len(way) {
			w.parent = way[i+1]
		}
		memo[id] = w
	}
	if len(way) == 0 {
		return where{}, nil
	}
	return memo[way[0]], nil
}

// rootedAt returns the source whose root dir is, nil for none.
func (v *volume) rootedAt(dir ID) *counted {
	v.r.mu.Lock()
	defer v.r.mu.Unlock()
	return v.roots[dir]
}
