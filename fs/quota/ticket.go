package quota

import "sync/atomic"

// Ticket tells whoever takes a ledger over whether an operation was charged. It
// lies in memory that outlives the process, beside what the operation is, and
// knows nothing but the buckets of sources: all others are sums of those, see
// Derive. The zero Ticket says that it was not. A Ticket is for one operation.
type Ticket struct {
	state atomic.Uint32
	n     uint32     // sources that are charged
	at    [2]place   // them
	used  [2]amounts // what they hold afterwards
}

// The states of a Ticket.
const (
	ticketOpen   = iota // nothing was charged
	ticketPaying        // it is written down, and may have been charged in part
	ticketPaid
)

// pay notes that e is about to be charged c. Ledger.mu is held from here to paid:
// nobody charges it meanwhile. A nil Ticket notes nothing.
func (t *Ticket) pay(e *entry, c amounts) {
	if t == nil || !e.source || int(t.n) == len(t.at) {
		return
	}
	t.at[t.n] = e.at
	for k := range c {
		t.used[t.n][k], _ = add(e.record.used[k], c[k])
	}
	t.n++
}

// begin says that everything was noted, paid that it was charged.
func (t *Ticket) begin() { t.set(ticketPaying) }

func (t *Ticket) paid() { t.set(ticketPaid) }

func (t *Ticket) set(state uint32) {
	if t != nil {
		t.state.Store(state)
	}
}

// Paid reports whether an operation of a predecessor was charged, to the sources.
// What the predecessor had begun to charge is charged. It is called before anything
// else is charged, and before Derive.
func (l *Ledger) Paid(t *Ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state.Load() == ticketPaying {
		for i := range min(int(t.n), len(t.at)) {
			if n, at := t.at[i].split(); n < len(l.chunks) && at < l.chunks[n].count() {
				l.record(t.at[i]).used = t.used[i]
			}
		}
		l.change++
		t.paid()
	}
	return t.state.Load() == ticketPaid
}

// Reset makes t the Ticket of another operation.
func (t *Ticket) Reset() {
	t.state.Store(ticketOpen)
	t.n = 0
}

// Pay is Add for an operation with a Ticket, nil for none.
func (l *Ledger) Pay(t *Ticket, s *Set, change Charge) {
	c := change.amounts()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range s.entries {
		t.pay(&s.entries[i], c)
	}
	t.begin()
	for i := range s.entries {
		l.charge(s.entries[i].record, c)
	}
	t.paid()
}
