package limit

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"grantfs/policy"
)

// Transfers holds the counters of bytes moved of all accounts: product.md §9,
// "data-transfer counters". One is kept for good: an account that is gone may come
// back within its period, and must not begin anew then.
type Transfers struct {
	policy Policy
	now    func() time.Time

	mu       sync.Mutex // guards what follows
	table    *table[transferRecord]
	counters map[Key]*counter
}

// NewTransfers returns the counters that lie in m, for accounts as p describes
// them. Periods begin at midnight in the zone of what now returns: the host's,
// with time.Now.
func NewTransfers(m Memory, p Policy, now func() time.Time) (*Transfers, error) {
	table, held, err := openTable[transferRecord](kindTransfers, m)
	if err != nil {
		return nil, fmt.Errorf("take over transfer counters: %w", err)
	}
	t := &Transfers{policy: p, now: now, table: table, counters: make(map[Key]*counter, len(held))}
	for _, s := range held {
		k := s.key()
		if t.counters[k] != nil {
			table.release(s)
			continue
		}
		for d := range s.record.moved {
			n := &s.record.moved[d]
			n.Store(max(n.Load(), 0))
		}
		t.add(k, s)
	}
	return t, nil
}

func (t *Transfers) add(k Key, s *slot[transferRecord]) *counter {
	c := &counter{now: t.now, record: &s.record}
	t.counters[k] = c
	return c
}

// For returns what applies to account at addr. It is right until the policy
// changes; an invalid addr is in no entry's networks. To be kept with a session:
// it looks through the entries.
func (t *Transfers) For(account string, addr netip.Addr) (Meter, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.policy(account)
	if e == nil {
		return Meter{}, nil
	}
	l := e.TransferFor(addr)
	m := Meter{
		period: periodOf(e.Scalars.TransferPeriod.Value),
		limits: [directions]bound{boundOf(l.Upload), boundOf(l.Download)},
		total:  boundOf(l.Total),
	}
	if m == (Meter{period: m.period}) {
		return Meter{}, nil
	}
	k := Key{Account: account}
	if l.Entry >= 0 {
		k.Entry = EntryOf(e.DataTransferLimits[l.Entry].Value.Sources)
	}
	c, err := t.counter(k, m.period.first(t.now()))
	if err != nil {
		return Meter{}, err
	}
	m.counter = c
	return m, nil
}

// counter returns the counter of k, a new one for the period that began on the
// day since.
func (t *Transfers) counter(k Key, since int64) (*counter, error) {
	if c := t.counters[k]; c != nil {
		return c, nil
	}
	s, err := t.table.take(k, func(r *transferRecord) {
		r.since.Store(since)
		for d := range r.moved {
			r.moved[d].Store(0)
		}
	})
	if err != nil {
		return nil, err
	}
	return t.add(k, s), nil
}

// Usage is what an account, or one entry of it, has moved in its period.
type Usage struct {
	Key
	Since    time.Time         // the period's first day, as midnight UTC; 1970 where it never ends
	Moved    [directions]int64 // bytes
	InFlight [directions]int64 // bytes
}

// Usage returns all counters, in order of their keys.
func (t *Transfers) Usage() []Usage {
	t.mu.Lock()
	all := make([]Usage, 0, len(t.counters))
	for k, c := range t.counters {
		all = append(all, c.usage(k, t.policy(k.Account)))
	}
	t.mu.Unlock()
	slices.SortFunc(all, func(a, b Usage) int { return a.Key.compare(b.Key) })
	return all
}

func (c *counter) usage(k Key, e *policy.Effective) Usage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e != nil {
		c.turn(periodOf(e.Scalars.TransferPeriod.Value))
	}
	u := Usage{Key: k, Since: dateOf(c.record.since.Load()), InFlight: c.inFlight}
	for d := range u.Moved {
		u.Moved[d] = c.record.moved[d].Load()
	}
	return u
}

// Reset forgets what k has moved. It is the admin's remedy where the clock was
// wrong: a counter that began in the future begins no other period until then.
func (t *Transfers) Reset(k Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, e := t.counters[k], t.policy(k.Account)
	if c == nil || e == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(periodOf(e.Scalars.TransferPeriod.Value).first(t.now()))
}
