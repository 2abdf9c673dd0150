package limit

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Rates holds the token buckets of all accounts: product.md §9, "bandwidth".
type Rates struct {
	policy Policy
	now    func() time.Duration

	mu    sync.Mutex // guards what follows
	table *table[rateRecord]
	pairs map[Key]*pair
}

type rateRecord [directions]bucketRecord

// pair is the buckets of one account, or of one of its entries.
type pair struct {
	slot    *slot[rateRecord]
	buckets [directions]Bucket
}

// NewRates returns the buckets that lie in m, for accounts as p describes them
// already: what p does not limit is let go.
func NewRates(m Memory, p Policy) (*Rates, error) {
	now, err := monotonic()
	if err != nil {
		return nil, fmt.Errorf("read the clock: %w", err)
	}
	t, held, err := openTable[rateRecord](kindRates, m)
	if err != nil {
		return nil, fmt.Errorf("take over rates: %w", err)
	}
	r := &Rates{policy: p, now: now, table: t, pairs: make(map[Key]*pair, len(held))}
	for _, s := range held {
		k := s.key()
		if r.pairs[k] != nil {
			t.release(s)
			continue
		}
		for d := range s.record {
			b := &s.record[d]
			if l := b.load(); l.rate != 0 {
				b.store(l.mend(now()))
			}
		}
		r.add(k, s)
	}
	r.Reload()
	return r, nil
}

// monotonic returns a clock that all processes of one boot read alike and nobody
// can set.
func monotonic() (func() time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return nil, err
	}
	base, start := time.Duration(ts.Nano()), time.Now()
	return func() time.Duration { return base + time.Since(start) }, nil
}

// For returns the buckets of what account does from addr, each nil where there
// is no limit. They are right until the policy changes; an invalid addr is in no
// entry's networks. To be kept with a session: it looks through the entries.
func (r *Rates) For(account string, addr netip.Addr) (up, down *Bucket, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.policy(account)
	if e == nil {
		return nil, nil, nil
	}
	w := e.BandwidthFor(addr)
	rates := [directions]bound{boundOf(w.Upload), boundOf(w.Download)}
	if !rates[Upload].limited && !rates[Download].limited {
		return nil, nil, nil
	}
	k := Key{Account: account}
	if w.Entry >= 0 {
		k.Entry = EntryOf(e.BandwidthLimits[w.Entry].Value.Sources)
	}
	p := r.pairs[k]
	if p == nil {
		now := r.now()
		s, err := r.table.take(k, func(record *rateRecord) {
			for d := range record {
				if rates[d].limited {
					record[d].store(full(rates[d].rate(), now))
				} else {
					record[d].store(level{})
				}
			}
		})
		if err != nil {
			return nil, nil, err
		}
		p = r.add(k, s)
	}
	if rates[Upload].limited {
		up = &p.buckets[Upload]
	}
	if rates[Download].limited {
		down = &p.buckets[Download]
	}
	return up, down, nil
}

func (r *Rates) add(k Key, s *slot[rateRecord]) *pair {
	p := &pair{slot: s}
	for d := range p.buckets {
		p.buckets[d].now, p.buckets[d].record = r.now, &s.record[d]
	}
	r.pairs[k] = p
	return p
}

// reloadAtOnce is how many buckets Reload looks at before it lets For have a turn.
const reloadAtOnce = 256

// Reload applies the policy to every bucket, and to the requests that wait in
// one. To be called after each swap of the policy. What is no longer limited is
// let go. It may take a tenth of a second for 100,000 accounts; For does not wait
// for its end.
func (r *Rates) Reload() {
	r.mu.Lock()
	keys := slices.Collect(maps.Keys(r.pairs))
	r.mu.Unlock()
	for some := range slices.Chunk(keys, reloadAtOnce) {
		r.mu.Lock()
		for _, k := range some {
			r.reload(k)
		}
		r.mu.Unlock()
	}
}

// reload is Reload for one key. The caller holds mu.
func (r *Rates) reload(k Key) {
	p := r.pairs[k]
	if p == nil {
		return // another Reload was quicker
	}
	rates := r.rates(k)
	if rates == [directions]bound{} {
		for d := range p.buckets {
			p.buckets[d].detach()
		}
		r.table.release(p.slot)
		delete(r.pairs, k)
		return
	}
	for d := range p.buckets {
		p.buckets[d].tune(rates[d])
	}
}

// rates returns what the policy says of k now.
func (r *Rates) rates(k Key) [directions]bound {
	e := r.policy(k.Account)
	if e == nil {
		return [directions]bound{}
	}
	if k.Entry == (Entry{}) {
		return [directions]bound{boundOf(e.Scalars.UploadBandwidth), boundOf(e.Scalars.DownloadBandwidth)}
	}
	for _, l := range e.BandwidthLimits {
		if EntryOf(l.Value.Sources) == k.Entry {
			return [directions]bound{boundOf(l.Value.UploadBandwidth), boundOf(l.Value.DownloadBandwidth)}
		}
	}
	return [directions]bound{}
}

// Waiting returns how many requests wait for their account's rate.
func (r *Rates) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.pairs {
		for d := range p.buckets {
			n += p.buckets[d].waiting()
		}
	}
	return n
}
