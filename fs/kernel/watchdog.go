package kernel

import (
	"sync/atomic"
	"time"
)

const (
	watchPeriod = 10 * time.Millisecond
	// maxReaders bounds the spare readers. A lane can't take more than the base
	// readers, and from alarm on no request is answered by a reader.
	maxReaders = 64
)

// watchdog starts a spare reader when a handler lasts: a hung backing must not
// keep the readers from everybody else. A spare reader leaves when it is not
// needed any more.
type watchdog struct {
	tick  atomic.Uint64 // counts periods, from 1
	spare atomic.Int64  // readers that are too many
	quit  chan struct{}
	done  chan struct{}
}

// watch starts the watchdog; stop ends it.
func (l *loop) watch() *watchdog {
	w := &watchdog{quit: make(chan struct{}), done: make(chan struct{})}
	w.tick.Store(1)
	go func() {
		defer close(w.done)
		period := time.NewTicker(watchPeriod)
		defer period.Stop()
		for {
			select {
			case <-period.C:
				l.look(w)
			case <-w.quit:
				return
			}
		}
	}()
	return w
}

func (w *watchdog) stop() {
	close(w.quit)
	<-w.done
}

// surplus tells a reader that has finished a request to leave.
func (w *watchdog) surplus() bool {
	for n := w.spare.Load(); n > 0; n = w.spare.Load() {
		if w.spare.CompareAndSwap(n, n-1) {
			return true
		}
	}
	return false
}

// look counts the readers that have been with one request for more than a
// whole period, holds it against the requests' lanes, and replaces them.
func (l *loop) look(w *watchdog) {
	now := w.tick.Add(1)
	l.mu.Lock()
	all, stuck := len(l.readers), 0
	for r := range l.readers {
		since := r.busy.Load()
		if since == 0 || now-since>>1 <= 2 {
			continue
		}
		stuck++
		if key := r.lane.Load(); since&stuckBit == 0 {
			l.lanes.suspect(key, now)
			if !r.busy.CompareAndSwap(since, since|stuckBit) {
				l.lanes.unstuck(key) // it has finished just now
			}
		}
	}
	reading := all - stuck
	if all > 0 && l.err == nil { // a reader that is there keeps l.wg waiting
		for n := reading; n < l.base && all < maxReaders; n, all = n+1, all+1 {
			l.add()
		}
	}
	l.mu.Unlock()
	w.spare.Store(int64(max(0, reading-l.base)))
	l.lanes.alarmed.Store(stuck >= alarm)
	l.lanes.trust(now)
}
