package quota

import (
	"strings"

	"grantfs/policy"
)

// Set is the buckets above an object, with the limits that hold for them from
// where it is seen: immutable. Sets of several mounts may hold the same buckets
// with different limits.
type Set struct{ entries entries }

// entries hold each place once.
type entries []entry

// entry is one bucket of a Set.
type entry struct {
	at     place
	record *record // guarded by Ledger.mu
	name   string
	source bool // it is a source's
	limits [resources]policy.Limit
}

// Set returns the set of the buckets in list, of which those that the ledger
// does not know are made. A bucket that is there twice is charged once, with
// the lower limits. An error says that there is no memory for new ones.
func (l *Ledger) Set(list []policy.Bucket) (*Set, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &Set{entries: make(entries, 0, len(list))}
	for _, b := range list {
		p, err := l.bucket(b.Name)
		if err != nil {
			return nil, err
		}
		s.entries = s.entries.with(entry{
			at: p, record: l.record(p), name: b.Name, source: strings.HasPrefix(b.Name, sourcePrefix),
			limits: [resources]policy.Limit{b.Size, b.Files, b.Inodes},
		})
	}
	return s, nil
}

// with returns list with e in it.
func (list entries) with(e entry) entries {
	for i := range list {
		if at := &list[i]; at.at == e.at {
			for k := range e.limits {
				at.limits[k] = lower(at.limits[k], e.limits[k])
			}
			return list
		}
	}
	return append(list, e)
}

func lower(a, b policy.Limit) policy.Limit {
	if a.Unlimited || !b.Unlimited && b.N < a.N {
		return b
	}
	return a
}

// has reports whether list holds the bucket at p.
func (list entries) has(p place) bool {
	for i := range list {
		if list[i].at == p {
			return true
		}
	}
	return false
}

// Limited reports whether any bucket of s has any limit.
func (s *Set) Limited() bool {
	for i := range s.entries {
		for _, limit := range s.entries[i].limits {
			if !limit.Unlimited {
				return true
			}
		}
	}
	return false
}

// Names returns the names of the set's buckets.
func (s *Set) Names() []string {
	names := make([]string, len(s.entries))
	for i := range s.entries {
		names[i] = s.entries[i].name
	}
	return names
}
