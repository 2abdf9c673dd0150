package metrics

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"grantfs/policy"
)

// bounds are the upper bounds of the histogram's buckets. Most operations take
// a few microseconds; a paced transfer or a hung disk takes seconds.
var bounds = [...]time.Duration{
	5 * time.Microsecond, 10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 250 * time.Microsecond, time.Millisecond, 5 * time.Millisecond,
	25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond,
}

const (
	slots  = 64 // room for operations and for reasons, a power of two
	shards = 8  // twice as many as there can be readers of /dev/fuse
)

// opCounts is what is counted of one operation.
type opCounts struct {
	results [resultCount]atomic.Uint64
	buckets [len(bounds) + 1]atomic.Uint64 // not cumulative
	nanos   atomic.Int64
	// Two operations never share a cache line, whatever the alignment.
	_ [64]byte
}

// shard is one copy of the counters; there are several, so that readers that
// work at the same time seldom touch the same cache line.
type shard struct {
	ops [slots]opCounts
}

// counts is the hot half of Metrics.
type counts struct {
	shards  [shards]shard
	denials [slots]atomic.Uint64 // by reason; refusals are rare enough for one copy
}

// observe counts one operation.
func (c *counts) observe(op policy.Op, errno syscall.Errno, d time.Duration) {
	o := &c.shards[here()].ops[op%slots]
	o.results[ResultOf(errno)].Add(1)
	b := 0
	for b < len(bounds) && d > bounds[b] {
		b++
	}
	o.buckets[b].Add(1)
	o.nanos.Add(int64(d))
}

// here returns the shard of the calling goroutine. Readers live long, each on
// a stack of its own, so where that lies tells them apart for the price of a
// multiplication; which CPU runs can't be asked so cheaply. The address is only a
// number: any result is right, some are slower.
func here() uint64 {
	var mark byte
	const spread = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	return uint64(uintptr(unsafe.Pointer(&mark))>>11) * spread >> 61
}

// opSum is the sum of one operation's counters over all shards.
type opSum struct {
	results [resultCount]uint64
	buckets map[float64]uint64 // cumulative, by upper bound in seconds
	count   uint64
	seconds float64
}

func (c *counts) sum(op policy.Op) opSum {
	s := opSum{buckets: make(map[float64]uint64, len(bounds))}
	var nanos int64
	for i := range c.shards {
		o := &c.shards[i].ops[op%slots]
		for r := range o.results {
			s.results[r] += o.results[r].Load()
		}
		nanos += o.nanos.Load()
	}
	for b := range len(bounds) + 1 {
		for i := range c.shards {
			s.count += c.shards[i].ops[op%slots].buckets[b].Load()
		}
		if b < len(bounds) {
			s.buckets[bounds[b].Seconds()] = s.count
		}
	}
	s.seconds = time.Duration(nanos).Seconds()
	return s
}
