package quota

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// Sixteen writers in the model's places: whenever one looks, no bucket holds
// more than its limit, and at rest each holds what the objects in it cost.
func TestParallel(t *testing.T) {
	const writers, rounds = 16, 3000
	w := newWorld(t)
	limits := map[string]int64{"account:a": 1000, "site:s": 600, "folder:f": 700, "group:g": 800}
	var done atomic.Bool
	var sampled sync.WaitGroup
	sampled.Go(func() {
		for !done.Load() {
			for name, limit := range limits {
				u := w.ledger.Usage(name)
				if u.Used.Bytes+u.Reserved.Bytes > limit || min(u.Used.Bytes, u.Reserved.Bytes, u.Used.Files, u.Used.Inodes) < 0 {
					t.Errorf("%s = %+v, want at most %d", name, u, limit)
					return
				}
			}
		}
	})
	mine := make([][]object, writers)
	var working sync.WaitGroup
	for n := range writers {
		working.Go(func() { mine[n] = work(w, rand.New(rand.NewPCG(uint64(n), 2)), rounds) })
	}
	working.Wait()
	done.Store(true)
	sampled.Wait()
	for _, objects := range mine {
		w.objects = append(w.objects, objects...)
	}
	for name, want := range w.sums() {
		if got := w.ledger.Usage(name); got != want {
			t.Errorf("at rest %s = %+v, want %+v", name, got, want)
		}
	}
}

// work creates, writes, moves and removes objects and returns those that are
// left.
func work(w *world, rnd *rand.Rand, rounds int) []object {
	var mine []object
	for range rounds {
		set := rnd.IntN(len(w.sets))
		switch pick := rnd.IntN(3); {
		case pick == 0 || len(mine) == 0:
			want := Charge{Bytes: rnd.Int64N(80), Files: rnd.Int64N(2), Inodes: 1}
			if g, err := w.ledger.Reserve(w.sets[set], Request{Charge: want, Least: want.Bytes / 2}); err == nil {
				cost := g.Charge
				cost.Bytes -= cost.Bytes / 3
				w.ledger.Settle(g, cost)
				mine = append(mine, object{set, cost})
			}
		case pick == 1:
			i := rnd.IntN(len(mine))
			w.ledger.Add(w.sets[mine[i].set], mine[i].cost.Neg())
			mine[i] = mine[len(mine)-1]
			mine = mine[:len(mine)-1]
		default:
			i := rnd.IntN(len(mine))
			if m, err := w.ledger.Move(w.sets[mine[i].set], w.sets[set], mine[i].cost, Charge{}); err == nil {
				m.Do(Charge{})
				mine[i].set = set
			}
		}
	}
	return mine
}

// Nobody is refused while there is room that nobody uses: sixteen writers fill a
// bucket to the last byte.
func TestFillExactly(t *testing.T) {
	const writers, limit = 16, 1_000_000
	l := newLedger(t)
	s := newSet(t, l, bucket("b", limit, -1, -1), bucket("c", -1, -1, -1))
	var wrote atomic.Int64
	var working sync.WaitGroup
	for n := range writers {
		working.Go(func() {
			for {
				g, err := l.Reserve(s, Request{Charge: Charge{Bytes: int64(100 + n)}, Least: 1})
				if err != nil {
					return
				}
				wrote.Add(g.Bytes)
				l.Settle(g, g.Charge)
			}
		})
	}
	working.Wait()
	if got := l.Usage("b"); wrote.Load() != limit || got.Used.Bytes != limit || got.Reserved != (Charge{}) {
		t.Errorf("wrote %d, %+v, want %d", wrote.Load(), got, limit)
	}
}

// Moves in all directions at once between sets that name their buckets in
// different orders come to an end.
func TestMovesDoNotDeadlock(t *testing.T) {
	l := newLedger(t)
	var sets []*Set
	for i := range 4 {
		sets = append(sets, newSet(t, l, free(fmt.Sprintf("b%d b%d b%d", (i+2)%4, i, (i+1)%4))...))
	}
	one := Charge{1, 1, 1}
	var working sync.WaitGroup
	for n := range 16 {
		take(t, l, sets[n%4], one)
		working.Go(func() {
			at := n % 4
			for range 2000 {
				next := (at + 1 + n%3) % 4
				m, err := l.Move(sets[at], sets[next], one, Charge{})
				if err != nil {
					t.Error(err)
					return
				}
				m.Do(Charge{})
				at = next
			}
			l.Add(sets[at], one.Neg())
		})
	}
	working.Wait()
	for name, u := range l.All() {
		if u != (Usage{}) {
			t.Errorf("%s = %+v, want nothing", name, u)
		}
	}
}

// Buckets may be made while others are used.
func TestSetsInParallel(t *testing.T) {
	l := newLedger(t)
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for i := range 2000 {
				s, err := l.Set(free(fmt.Sprintf("account:%d instance:all", i)))
				if err != nil {
					t.Error(err)
					return
				}
				l.Add(s, Charge{Bytes: 1})
			}
		})
	}
	working.Wait()
	if got := l.Usage("instance:all").Used.Bytes; got != 16000 {
		t.Errorf("instance:all = %d, want 16000", got)
	}
	n := 0
	for name, u := range l.All() {
		n++
		if name != "instance:all" && u.Used.Bytes != 8 {
			t.Errorf("%s = %d, want 8", name, u.Used.Bytes)
		}
	}
	if n != 2001 {
		t.Errorf("%d buckets, want 2001", n)
	}
}
