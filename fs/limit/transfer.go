package limit

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUsedUp is the answer when an account has moved all that it may in this
// period.
var ErrUsedUp = errors.New("data transfer limit used up")

// transferRecord is what one account, or one entry of it, has moved in the
// period that began on the day since (see Period.first).
type transferRecord struct {
	since atomic.Int64
	moved [directions]atomic.Int64
}

// counter guards one transferRecord.
type counter struct {
	now func() time.Time

	mu       sync.Mutex // guards what follows
	record   *transferRecord
	inFlight [directions]int64
	turned   int64 // the second in which turn last looked
	line     line  // requests that need what is in flight
}

// Meter is what applies to one client address of an account: limits, and the
// counter they are held against. The zero Meter is no limit. It is right until
// the policy changes.
type Meter struct {
	counter *counter
	period  Period
	limits  [directions]bound
	total   bound
}

// Hold is a number of bytes that may move. It must be settled, once.
type Hold struct {
	N       int // how many
	counter *counter
	since   int64 // the period that they count in
	dir     Direction
}

// counts reports whether anything limits d. What nothing limits is not counted.
func (m Meter) counts(d Direction) bool {
	return m.counter != nil && (m.limits[d].limited || m.total.limited)
}

// Try is Reserve where it need not wait; else ok is false.
func (m Meter) Try(d Direction, want int) (h Hold, ok bool, err error) {
	if !m.counts(d) || want <= 0 {
		return Hold{N: want}, true, nil
	}
	m.counter.mu.Lock()
	defer m.counter.mu.Unlock()
	if !m.counter.line.empty() {
		return Hold{}, false, nil
	}
	return m.try(d, want)
}

// Ready reports whether Try would let want bytes go, and takes nothing.
func (m Meter) Ready(d Direction, want int) bool {
	if !m.counts(d) {
		return true
	}
	c := m.counter
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(m.period)
	return c.line.empty() && m.left(d, c.inFlight) >= int64(want)
}

// Reserve returns a hold on want bytes, or on fewer where that is all that is
// left in the period: then the next one gets ErrUsedUp. While there would be
// enough if others' requests in flight moved nothing it waits for them, in the
// order of coming; ErrInterrupted if cancel is closed meanwhile.
func (m Meter) Reserve(cancel <-chan struct{}, d Direction, want int) (Hold, error) {
	h, ok, err := m.Try(d, want)
	if ok || err != nil {
		return h, err
	}
	c := m.counter
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.line.join()
	defer func() { c.line.leave(w) }()
	for {
		if c.line.first(w) {
			if h, ok, err := m.try(d, want); ok || err != nil {
				return h, err
			}
		}
		c.mu.Unlock()
		interrupted := false
		select {
		case <-w.turn:
		case <-cancel:
			interrupted = true
		}
		c.mu.Lock()
		if interrupted {
			return Hold{}, ErrInterrupted
		}
	}
}

// try is Try with the counter locked, for the first in line.
func (m Meter) try(d Direction, want int) (h Hold, ok bool, err error) {
	c := m.counter
	c.turn(m.period)
	room := m.left(d, c.inFlight)
	if room < int64(want) {
		if room < m.left(d, [directions]int64{}) {
			return Hold{}, false, nil // what is in flight may come back
		}
		want = int(room)
	}
	if want == 0 {
		return Hold{}, false, ErrUsedUp
	}
	c.inFlight[d] += int64(want)
	return Hold{N: want, counter: c, since: c.record.since.Load(), dir: d}, true, nil
}

// turn begins a new period if it is time to.
func (c *counter) turn(p Period) {
	now := c.now()
	if now.Unix() == c.turned {
		return
	}
	c.turned = now.Unix()
	if first := p.first(now); first > c.record.since.Load() {
		c.begin(first)
	}
}

// begin begins the period that starts on the day since. It zeroes the numbers
// first: a process that ends in between leaves nothing in a period that is over.
func (c *counter) begin(since int64) {
	for d := range c.record.moved {
		c.record.moved[d].Store(0)
	}
	c.record.since.Store(since)
}

// left returns how many more bytes the limits on d leave if that many are in
// flight.
func (m Meter) left(d Direction, inFlight [directions]int64) int64 {
	moved := &m.counter.record.moved
	n := int64(math.MaxInt64)
	if l := m.limits[d]; l.limited {
		n = l.n - sum(moved[d].Load(), inFlight[d])
	}
	if m.total.limited {
		all := sum(moved[Upload].Load(), moved[Download].Load())
		n = min(n, m.total.n-sum(all, sum(inFlight[Upload], inFlight[Download])))
	}
	return max(n, 0)
}

// sum adds two numbers that are not negative, up to the largest there is.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Settle says how many of the bytes moved. They count in the period in which they
// were reserved, and the rest of the hold is free again.
func (h Hold) Settle(moved int) {
	c := h.counter
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.record.since.Load() == h.since {
		n := &c.record.moved[h.dir]
		n.Store(sum(n.Load(), int64(max(moved, 0))))
	}
	c.inFlight[h.dir] -= int64(h.N)
	c.line.wake()
}

// Left returns how many bytes may still move, be they in flight, and whether
// that is limited at all. At 0 an open for d may be refused at once.
func (m Meter) Left(d Direction) (n int64, limited bool) {
	if !m.counts(d) {
		return 0, false
	}
	c := m.counter
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(m.period)
	return m.left(d, [directions]int64{}), true
}
