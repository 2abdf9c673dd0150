package limit

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	minBurst   = 256 << 10
	maxBurst   = 4 << 30 // so that a full level fits 63 bits
	minQuantum = 4 << 10
)

// burst is what a bucket of this rate saves up while nothing moves: a quarter of
// a second, and at least as much as makes small files quick.
func burst(rate int64) int64 { return min(max(rate/4, minBurst), maxBurst) }

// quantum is what a request that waits gets at a time, before it is the turn of
// the next: the whole of a small one, and no crumbs of a large one, for each costs
// it a turn.
func quantum(rate, want int64) int64 {
	q := min(max(rate/64, minQuantum), maxBurst/2)
	if want < 2*q {
		return want
	}
	return q
}

// level is the state of a token bucket, pure. It counts in billionths of a byte:
// rate bytes per second are rate of these per nanosecond, and nothing is rounded.
type level struct {
	rate int64         // bytes per second, at least 1
	at   time.Duration // when n was true
	n    int64         // 0 … burst(rate)·1e9
}

const perByte = int64(time.Second)

// full is the level of a bucket that was not used for long.
func full(rate int64, now time.Duration) level {
	return level{rate: rate, at: now, n: burst(rate) * perByte}
}

// refill returns l as it is now. A clock that stands still or goes back adds nothing.
func (l level) refill(now time.Duration) level {
	elapsed := int64(now - l.at)
	if elapsed <= 0 {
		return l
	}
	l.at = now
	top := burst(l.rate) * perByte
	if elapsed > (top-l.n)/l.rate {
		l.n = top
	} else {
		l.n += elapsed * l.rate
	}
	return l
}

// retune returns l with another rate from now on.
func (l level) retune(rate int64, now time.Duration) level {
	l = l.refill(now)
	l.rate = rate
	l.n = min(l.n, burst(rate)*perByte)
	return l
}

// take lets up to want bytes go. If it lets none go, wait is how long it takes
// until it lets a quantum go.
func (l level) take(now time.Duration, want int64) (after level, granted int64, wait time.Duration) {
	l = l.refill(now)
	least := quantum(l.rate, want)
	if l.n < least*perByte {
		missing := least*perByte - l.n
		return l, 0, time.Duration((missing-1)/l.rate + 1)
	}
	granted = min(want, l.n/perByte)
	l.n -= granted * perByte
	return l, granted, 0
}

// giveBack returns l as if n bytes that it let go had not gone.
func (l level) giveBack(n int64) level {
	top := burst(l.rate) * perByte
	l.n += min(n, (top-l.n)/perByte) * perByte
	return l
}

// bucketRecord is a level in memory that may outlive the process. rate 0 is no
// limit.
type bucketRecord struct {
	rate, at, n atomic.Int64
}

func (r *bucketRecord) load() level {
	return level{r.rate.Load(), time.Duration(r.at.Load()), r.n.Load()}
}

// store writes the time before the level: a process that ends in between has
// lost some of the account's time, and never given any away.
func (r *bucketRecord) store(l level) {
	r.at.Store(int64(l.at))
	r.n.Store(l.n)
	r.rate.Store(l.rate)
}

// mend makes a level of whatever a predecessor left at now.
func (l level) mend(now time.Duration) level {
	l.rate = max(l.rate, 1)
	l.at = min(max(l.at, 0), now)
	l.n = min(max(l.n, 0), burst(l.rate)*perByte)
	return l
}

// Bucket is the rate of one account in one direction. The nil Bucket is no limit.
type Bucket struct {
	now func() time.Duration

	mu     sync.Mutex // guards what follows
	record *bucketRecord
	line   line
}

// Try lets want bytes go if they may go at once, which includes that nobody
// waits. It never blocks.
func (b *Bucket) Try(want int) bool {
	if b == nil || want <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.line.empty() {
		return false
	}
	l := b.record.load()
	if l.rate == 0 {
		return true
	}
	l = l.refill(b.now())
	if l.n/perByte < int64(want) {
		return false
	}
	l.n -= int64(want) * perByte
	b.record.store(l)
	return true
}

// Ready reports whether Try would let want bytes go, and takes nothing.
func (b *Bucket) Ready(want int) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.record.load()
	return b.line.empty() && (l.rate == 0 || l.refill(b.now()).n/perByte >= int64(want))
}

// Wait returns when want bytes may go. They may be many: while others wait too,
// each gets a quantum in its turn. If cancel is closed first it returns
// ErrInterrupted and how many may go: fewer than want, and none or some. The
// caller gives back what it does not move.
//
// It does not return early with a part: sftp-server takes a short write for a
// failed one, and clients take a short read for the end of the file.
func (b *Bucket) Wait(cancel <-chan struct{}, want int) (granted int, err error) {
	if b.Try(want) {
		return want, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.line.join()
	defer func() { b.line.leave(w) }()
	for {
		var ready <-chan time.Time
		var timer *time.Timer
		if b.line.first(w) {
			n, wait := b.take(want - granted)
			if granted += n; granted == want {
				return granted, nil
			}
			if n > 0 {
				b.line.yield(w)
				continue
			}
			timer = time.NewTimer(wait)
			ready = timer.C
		}
		b.mu.Unlock()
		select {
		case <-w.turn:
		case <-ready:
		case <-cancel:
			err = ErrInterrupted
		}
		if timer != nil {
			timer.Stop()
		}
		b.mu.Lock()
		if err != nil {
			return granted, err
		}
	}
}

// take is level.take on the record, for the first in line.
func (b *Bucket) take(want int) (granted int, wait time.Duration) {
	l := b.record.load()
	if l.rate == 0 {
		return want, 0
	}
	l, n, wait := l.take(b.now(), int64(want))
	b.record.store(l)
	return int(n), wait
}

// GiveBack takes back n of the bytes that were let go and did not move, as at the
// end of a file.
func (b *Bucket) GiveBack(n int) {
	if b == nil || n <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if l := b.record.load(); l.rate != 0 {
		b.record.store(l.giveBack(int64(n)))
		b.line.wake()
	}
}

// tune sets the rate, for those too that wait already.
func (b *Bucket) tune(rate bound) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.record.load()
	if l.rate == rate.rate() {
		return
	}
	now := b.now()
	switch {
	case !rate.limited:
		l = level{at: now}
	case l.rate == 0:
		l = full(rate.rate(), now)
	default:
		l = l.retune(rate.rate(), now)
	}
	b.record.store(l)
	b.line.wake()
}

// detach moves the bucket to memory of its own and frees those that wait.
func (b *Bucket) detach() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.record = new(bucketRecord)
	b.line.wake()
}

// rate is the number that a record holds for the bound: 0 for no limit. A limit
// of nothing at all would be a wait without end.
func (b bound) rate() int64 {
	if !b.limited {
		return 0
	}
	return max(b.n, 1)
}

func (b *Bucket) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.line.waiting)
}
