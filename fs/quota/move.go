package quota

// Move is a rename under way between places of different buckets. Do or Cancel
// it, once.
type Move struct {
	Ticket   *Ticket // of the rename, nil for none
	ledger   *Ledger
	to       *Set
	list     entries
	change   []amounts // of the buckets in list
	reserved []amounts
}

// Move prepares a rename of an object that costs what from its set to to, where
// it replaces one that costs over (nothing, or nothing that becomes free). Only
// the buckets gained need room; those that hold both places are freed of what is
// replaced. The error is a *Refusal.
func (l *Ledger) Move(from, to *Set, what, over Charge) (*Move, error) {
	m := &Move{ledger: l, to: to}
	for _, e := range to.entries {
		m.list = m.list.with(e)
	}
	for _, e := range from.entries {
		if !to.entries.has(e.at) {
			m.list = m.list.with(e)
		}
	}
	m.change, m.reserved = make([]amounts, len(m.list)), make([]amounts, len(m.list))
	for i := range m.list {
		var change Charge
		if to.entries.has(m.list[i].at) {
			change = what.Sub(over)
		}
		if from.entries.has(m.list[i].at) {
			change = change.Sub(what)
		}
		m.change[i] = change.amounts()
		for k, n := range m.change[i] {
			m.reserved[i][k] = max(0, n)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range m.list {
		for k, n := range m.reserved[i] {
			if n > 0 && n > m.list[i].room(Resource(k)) {
				return nil, &Refusal{m.list[i].name, Resource(k)}
			}
		}
	}
	for i := range m.list {
		m.list[i].record.reserve(m.reserved[i])
	}
	return m, nil
}

// Do charges the object to its new buckets. kept is what did not become free of
// what it replaced, after all.
func (m *Move) Do(kept Charge) {
	l := m.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range m.list {
		if e := &m.list[i]; m.to.entries.has(e.at) {
			m.change[i] = m.change[i].charge().Plus(kept).amounts()
		}
		m.Ticket.pay(&m.list[i], m.change[i])
	}
	m.Ticket.begin()
	for i := range m.list {
		l.unreserve(m.list[i].record, m.reserved[i])
		l.charge(m.list[i].record, m.change[i])
	}
	m.Ticket.paid()
}

// Cancel leaves it where it was.
func (m *Move) Cancel() {
	m.ledger.mu.Lock()
	defer m.ledger.mu.Unlock()
	for i := range m.list {
		m.ledger.unreserve(m.list[i].record, m.reserved[i])
	}
}
