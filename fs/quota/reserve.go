package quota

import (
	"errors"
	"fmt"
	"math"
)

// Request is growth that somebody asks for. What it does not grow needs no room:
// a bucket that is over its limit refuses growth of what it is over, nothing
// else.
type Request struct {
	Charge
	// Least is how many of the Bytes will do: a write is shortened to the room
	// that is left. As many as Bytes: all or nothing.
	Least int64
	// Room is how many bytes must be left, without taking them: a new file
	// needs one (product.md §9).
	Room int64
}

// ErrQuota is what a Refusal is.
var ErrQuota = errors.New("over quota")

// Refusal is the error of a reservation for which there is no room.
type Refusal struct {
	Bucket   string
	Resource Resource
}

// Error names the bucket and what there is no room for.
func (r *Refusal) Error() string { return fmt.Sprintf("%s has no %s left", r.Bucket, r.Resource) }

// Unwrap returns ErrQuota.
func (r *Refusal) Unwrap() error { return ErrQuota }

// Grant is what was reserved in every bucket of a set. Settle or Release it,
// once.
type Grant struct {
	Charge
	Ticket *Ticket // of the operation, nil for none
	set    *Set
}

// Reserve takes what r asks for in every bucket of s, or in none: then the error
// is a *Refusal. Bytes may be fewer than asked for, see Request.
func (l *Ledger) Reserve(s *Set, r Request) (Grant, error) {
	want := r.amounts()
	if min(want[Bytes], want[Files], want[Inodes], r.Least, r.Room) < 0 || r.Least > r.Bytes {
		l.impossible("a reservation of less than nothing")
		return Grant{set: s}, &Refusal{"no bucket", Bytes}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range s.entries {
		e := &s.entries[i]
		if want[Bytes] > 0 || r.Room > 0 {
			room := e.room(Bytes)
			if r.Room > 0 && room < r.Room {
				return Grant{}, &Refusal{e.name, Bytes}
			}
			want[Bytes] = min(want[Bytes], max(0, room))
			if want[Bytes] < r.Least {
				return Grant{}, &Refusal{e.name, Bytes}
			}
		}
		for _, k := range [...]Resource{Files, Inodes} {
			if want[k] > 0 && want[k] > e.room(k) {
				return Grant{}, &Refusal{e.name, k}
			}
		}
	}
	for i := range s.entries {
		s.entries[i].record.reserve(want)
	}
	return Grant{Charge: want.charge(), set: s}, nil
}

// room returns what is left of e, less than nothing where it is over its limit.
// No bucket holds more than a 64-bit number says.
func (e *entry) room(k Resource) int64 {
	ceiling := int64(math.MaxInt64)
	if limit := &e.limits[k]; !limit.Unlimited {
		ceiling = limit.N
	}
	// reserve and charge keep the sum within 64 bits.
	return ceiling - max(0, e.record.used[k]) - e.record.reserved[k]
}

// reserve adds what room said is there.
func (r *record) reserve(c amounts) {
	for k := range c {
		r.reserved[k] += c[k]
	}
}

// unreserve gives back what reserve took.
func (l *Ledger) unreserve(r *record, c amounts) {
	for k, n := range c {
		if n > r.reserved[k] {
			l.impossible("more given back than was reserved")
			n = r.reserved[k]
		}
		r.reserved[k] -= n
	}
}

// charge changes what r has used. It may be negative for a while when somebody
// beside the mount added what we removed: that debt is kept so that noticing the
// addition ends at the right number, and is shown and judged as zero.
func (l *Ledger) charge(r *record, c amounts) {
	for k, n := range c {
		if n == 0 {
			continue
		}
		sum, exact := add(r.used[k], n)
		if limit := math.MaxInt64 - r.reserved[k]; sum > limit {
			sum, exact = limit, false
		}
		if !exact {
			l.impossible("a bucket holds more than a 64-bit number")
		}
		r.used[k] = sum
		l.change++
	}
}

// Settle ends a reservation: actual is what the operation did cost.
func (l *Ledger) Settle(g Grant, actual Charge) {
	granted, cost := g.amounts(), actual.amounts()
	list := g.set.entries
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range list {
		g.Ticket.pay(&list[i], cost)
	}
	g.Ticket.begin()
	for i := range list {
		l.unreserve(list[i].record, granted)
		l.charge(list[i].record, cost)
	}
	g.Ticket.paid()
}

// Release ends a reservation of which nothing was used.
func (l *Ledger) Release(g Grant) { l.Settle(g, Charge{}) }

// Add charges what needs no room: what was freed, or what is known to be there
// already.
func (l *Ledger) Add(s *Set, change Charge) { l.Pay(nil, s, change) }

// Correct adds to s what a count of source, which is one of its buckets, found
// more than was known (less, if negative). From then on source is counted; what
// the first count finds is no drift.
func (l *Ledger) Correct(s *Set, source string, found Charge) {
	c := found.amounts()
	l.mu.Lock()
	defer l.mu.Unlock()
	first := false
	for i := range s.entries {
		if r := s.entries[i].record; s.entries[i].name == source {
			first = r.flags&flagCounted == 0
			r.flags |= flagCounted
			l.change++
		}
	}
	for i := range s.entries {
		r := s.entries[i].record
		l.charge(r, c)
		if !first {
			r.drift = found.Bytes
		}
	}
}
