package kernel

import (
	"container/list"
	"sync"
	"sync/atomic"
	"syscall"
)

const (
	// laneSlots is how many requests of one lane may be with the backing at once,
	// not counting those that a reader answers in no time.
	laneSlots = 16
	// maxSlots bounds them for all lanes together: each may hold a thread, and
	// the runtime ends a process that has ten thousand.
	maxSlots = 4096
	// crowd is from how many taken slots on a lane gets one only.
	crowd = maxSlots / 4
	// laneBytes is how much memory the waiting requests of one lane may hold.
	laneBytes = 64 << 20
	// requestCost is what a waiting request takes beside its bytes.
	requestCost = 4 << 10
	// doubt is for how many periods of the watchdog a lane in which a request was
	// stuck is kept off the readers.
	doubt = 100
	// alarm is with how many stuck readers every lane, 0 too, is kept off the
	// readers: a file system that many accounts share hangs, or what many ended.
	alarm = 8
)

// lanes shares what hangs or lasts fairly: a lane, which is an account's, has a
// number of slots, and requests beyond them wait in the order they came, without
// a reader. Safe for concurrent use; mu is a leaf.
type lanes struct {
	// doubtful is how many lanes are kept off the readers; while it is 0 nobody
	// takes mu.
	doubtful atomic.Int64
	alarmed  atomic.Bool
	waiting  atomic.Int64
	refused  atomic.Uint64

	mu    sync.Mutex // guards everything below
	byKey map[uint64]*lane
	taken int // slots of all lanes
}

// lane is what lanes know of one key while there is something to know.
type lane struct {
	taken int       // slots
	stuck int       // slots taken by readers
	until uint64    // tick up to which it is doubtful, 0 if it is not
	bytes int       // of requests that were handed over
	queue list.List // of chan struct{}, closed when its turn has come
}

func (ls *lanes) init() { ls.byKey = map[uint64]*lane{} }

// inline reports whether a reader may answer a request of the lane itself.
func (ls *lanes) inline(key uint64) bool {
	if ls.alarmed.Load() {
		return false
	}
	if key == 0 || ls.doubtful.Load() == 0 {
		return true
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byKey[key]
	return l == nil || l.until == 0
}

// lane returns the lane of a key. The caller holds mu.
func (ls *lanes) lane(key uint64) *lane {
	l := ls.byKey[key]
	if l == nil {
		l = &lane{}
		ls.byKey[key] = l
	}
	return l
}

// tidy forgets a lane of which there is nothing to know. The caller holds mu.
func (ls *lanes) tidy(key uint64, l *lane) {
	if l.taken == 0 && l.until == 0 && l.bytes == 0 && l.queue.Len() == 0 {
		delete(ls.byKey, key)
	}
}

// admit counts the memory of a request that is handed over, until dismiss;
// false if the lane has too much already.
func (ls *lanes) admit(key uint64, size int) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lane(key)
	if key != 0 && l.bytes+size+requestCost > laneBytes {
		ls.tidy(key, l)
		ls.refused.Add(1)
		return false
	}
	l.bytes += size + requestCost
	return true
}

func (ls *lanes) dismiss(key uint64, size int) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byKey[key]
	l.bytes -= size + requestCost
	ls.tidy(key, l)
}

// acquire takes a slot of the lane, waiting for it behind those who came
// before; EINTR if gone is closed meanwhile.
func (ls *lanes) acquire(key uint64, gone func() <-chan struct{}) syscall.Errno {
	ls.mu.Lock()
	l := ls.lane(key)
	if l.queue.Len() == 0 && ls.room(key, l) {
		ls.take(l)
		ls.mu.Unlock()
		return 0
	}
	turn := make(chan struct{})
	place := l.queue.PushBack(turn)
	ls.mu.Unlock()
	ls.waiting.Add(1)
	defer ls.waiting.Add(-1)
	select {
	case <-turn:
		return 0
	case <-gone():
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	select {
	case <-turn: // it came just now
		ls.give(key, l)
	default:
		l.queue.Remove(place)
		ls.tidy(key, l)
	}
	return syscall.EINTR
}

// room reports whether the lane may have one more slot. The caller holds mu.
func (ls *lanes) room(key uint64, l *lane) bool {
	switch {
	case ls.taken >= maxSlots:
		return false
	case key == 0:
		return true
	case ls.taken >= crowd:
		return l.taken == 0
	}
	return l.taken < laneSlots
}

func (ls *lanes) take(l *lane) {
	l.taken++
	ls.taken++
}

// release gives a slot back.
func (ls *lanes) release(key uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.give(key, ls.byKey[key])
}

// give is release for a caller that holds mu.
func (ls *lanes) give(key uint64, l *lane) {
	crowded := ls.taken >= crowd
	l.taken--
	ls.taken--
	ls.next(key, l)
	ls.tidy(key, l)
	if crowded {
		for key, l := range ls.byKey {
			ls.next(key, l)
		}
	}
}

// next lets those go on for whom there is room. The caller holds mu.
func (ls *lanes) next(key uint64, l *lane) {
	for l.queue.Len() > 0 && ls.room(key, l) {
		ls.take(l)
		close(l.queue.Remove(l.queue.Front()).(chan struct{}))
	}
}

// suspect notes that a reader is stuck with a request of the lane: it takes a
// slot, and from now on the lane's requests are handed over.
func (ls *lanes) suspect(key, now uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.lane(key)
	ls.take(l)
	l.stuck++
	if l.until == 0 && key != 0 {
		ls.doubtful.Add(1)
	}
	l.until = now + doubt
}

// unstuck takes back suspect; the doubt about the lane lasts a while longer.
func (ls *lanes) unstuck(key uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := ls.byKey[key]
	l.stuck--
	ls.give(key, l)
}

// trust ends the doubt about lanes that had no stuck reader for a while.
func (ls *lanes) trust(now uint64) {
	if ls.doubtful.Load() == 0 {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for key, l := range ls.byKey {
		switch {
		case l.until == 0:
		case l.stuck > 0:
			l.until = now + doubt
		case now > l.until:
			l.until = 0
			if key != 0 {
				ls.doubtful.Add(-1)
			}
			ls.tidy(key, l)
		}
	}
}
