package quota

import (
	"fmt"
	"iter"
	"sync"
)

// Ledger holds what every bucket has used and what is reserved of it. It is safe
// for concurrent use.
type Ledger struct {
	grow       Grow
	impossible func(what string)

	mu     sync.Mutex // guards what follows and every record
	chunks []*chunk
	index  map[string]place
	change uint64 // counts the changes of what a checkpoint holds
}

// place is where a record lies.
type place uint32

func placeOf(chunk, i int) place { return place(chunk<<16 | i) }

func (p place) split() (chunk, i int) { return int(p >> 16), int(p & 0xffff) }

// record needs l.mu.
func (l *Ledger) record(p place) *record {
	n, i := p.split()
	return l.chunks[n].record(i)
}

// New returns an empty ledger in memory from grow. impossible is told of states
// that can't be, such as more released than was reserved; the ledger has then
// put the number that makes most sense and goes on. It is called with locks held
// and must not call the ledger: tests panic in it, the daemon counts and logs.
func New(grow Grow, impossible func(what string)) *Ledger {
	return &Ledger{grow: grow, impossible: impossible, index: make(map[string]place)}
}

// Attach returns the ledger that lies in the memory of a predecessor, which must
// not use it any more: chunks is what its grow returned, in that order. What was
// reserved is dropped: what became of operations under way is the caller's to
// find out (Paid) and Pay, and to Derive, as a predecessor may have died between two
// buckets. An error says that the memory holds no such ledger.
func Attach(grow Grow, impossible func(string), chunks [][]byte) (*Ledger, error) {
	l := New(grow, impossible)
	for n, mem := range chunks {
		c, err := attachChunk(n, mem)
		if err != nil {
			return nil, fmt.Errorf("take over chunk %d of the ledger: %w", n, err)
		}
		l.chunks = append(l.chunks, c)
		for i := range c.count() {
			if _, twice := l.index[c.name(i)]; twice {
				return nil, fmt.Errorf("take over chunk %d of the ledger: bucket %q is there twice", n, c.name(i))
			}
			c.record(i).reserved = amounts{}
			l.index[c.name(i)] = placeOf(n, i)
		}
	}
	return l, nil
}

// bucket returns the place of the bucket called name, which it makes if there
// is none. It needs l.mu.
func (l *Ledger) bucket(name string) (place, error) {
	if p, ok := l.index[name]; ok {
		return p, nil
	}
	if name == "" || len(name) > maxName {
		return 0, fmt.Errorf("%q is no bucket's name", name)
	}
	n := len(l.chunks) - 1
	i, ok := 0, false
	if n >= 0 {
		i, ok = l.chunks[n].add(name)
	}
	if !ok {
		c, err := newChunk(n+1, l.grow)
		if err != nil {
			return 0, fmt.Errorf("make room for bucket %q: %w", name, err)
		}
		l.chunks = append(l.chunks, c)
		n++
		i, _ = c.add(name)
	}
	p := placeOf(n, i)
	l.index[l.chunks[n].name(i)] = p
	return p, nil
}

// Usage is the state of one bucket.
type Usage struct {
	Used     Charge // never negative
	Reserved Charge // for operations under way
	Drift    int64  // bytes that the last reconciliation found, with its sign
	Counted  bool   // Used comes from a count, and every change since was noted
}

func (r *record) usage() Usage {
	var used amounts
	for k := range used {
		used[k] = max(0, r.used[k])
	}
	return Usage{Used: used.charge(), Reserved: r.reserved.charge(), Drift: r.drift, Counted: r.flags&flagCounted != 0}
}

// Usage returns the state of the bucket called name, zero for one that there is
// not.
func (l *Ledger) Usage(name string) Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.index[name]
	if !ok {
		return Usage{}
	}
	return l.record(p).usage()
}

// All returns every bucket, each as it is when it is reached, in the order they
// were made.
func (l *Ledger) All() iter.Seq2[string, Usage] {
	return func(yield func(string, Usage) bool) {
		l.mu.Lock()
		chunks := l.chunks[:len(l.chunks):len(l.chunks)]
		l.mu.Unlock()
		for _, c := range chunks {
			for i := range c.count() {
				l.mu.Lock()
				u := c.record(i).usage()
				l.mu.Unlock()
				if !yield(c.name(i), u) {
					return
				}
			}
		}
	}
}
