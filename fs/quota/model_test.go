package quota

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"grantfs/policy"
)

// The property test: random operations on objects in places of different,
// overlapping buckets, with limits that they soon reach. After each of them
// every bucket equals what the objects in it and the operations under way
// add up to, and what was refused did not fit.

// step is one random operation. What its numbers mean depends on the objects
// there are, so that any subsequence of steps is one too.
type step struct {
	kind        uint8
	pick, other uint8
	set         uint8
	bytes       int16
	least       int16
	files, dir  bool
}

func (s step) String() string {
	return fmt.Sprintf("{%d, %d, %d, %d, %d, %d, %t, %t}", s.kind, s.pick, s.other, s.set, s.bytes, s.least, s.files, s.dir)
}

// places are the sets of the model: a site of an account, its home, two mounts
// of one folder, another account's home.
var places = [][]policy.Bucket{
	{bucket("account:a", 1000, -1, 12), bucket("site:s", 600, 4, -1), bucket("instance:i", -1, -1, -1)},
	{bucket("account:a", 1000, -1, 12), bucket("instance:i", -1, -1, -1)},
	{bucket("folder:f", 500, 5, -1)},
	{bucket("folder:f", 700, -1, -1), bucket("account:a", 1000, -1, 12)},
	{bucket("account:b", -1, 6, -1), bucket("group:g", 800, -1, 10), bucket("instance:i", -1, -1, -1)},
}

type object struct {
	set  int
	cost Charge
}

type pending struct {
	set   int
	grant Grant
}

// world is the model beside the ledger.
type world struct {
	ledger  *Ledger
	sets    []*Set
	objects []object
	pending []pending
}

func newWorld(t testing.TB) *world {
	w := &world{ledger: newLedger(t)}
	for _, list := range places {
		w.sets = append(w.sets, newSet(t, w.ledger, list...))
	}
	return w
}

// sums returns what each bucket must hold.
func (w *world) sums() map[string]Usage {
	sums := map[string]Usage{}
	for _, list := range places {
		for _, b := range list {
			sums[b.Name] = Usage{}
		}
	}
	for _, o := range w.objects {
		for _, b := range places[o.set] {
			u := sums[b.Name]
			u.Used = u.Used.Plus(o.cost)
			sums[b.Name] = u
		}
	}
	for _, p := range w.pending {
		for _, b := range places[p.set] {
			u := sums[b.Name]
			u.Reserved = u.Reserved.Plus(p.grant.Charge)
			sums[b.Name] = u
		}
	}
	return sums
}

// fits says whether c more has room in b.
func fits(b policy.Bucket, u Usage, c Charge) bool {
	total := u.Used.Plus(u.Reserved).Plus(c)
	ok := func(l policy.Limit, more, n int64) bool { return l.Unlimited || more <= 0 || n <= l.N }
	return ok(b.Size, c.Bytes, total.Bytes) && ok(b.Files, c.Files, total.Files) && ok(b.Inodes, c.Inodes, total.Inodes)
}

func (w *world) do(s step) error {
	set := int(s.set) % len(places)
	sums := w.sums()
	switch s.kind % 5 {
	case 0: // begin to create something or to write
		r := Request{Charge: Charge{Bytes: int64(s.bytes)}}
		r.Least = min(int64(s.least), r.Bytes)
		if s.files {
			r.Charge, r.Least, r.Room = Charge{0, 1, 1}, 0, 1
		} else if s.dir {
			r.Charge, r.Least = Charge{0, 0, 1}, 0
		}
		grant, err := w.ledger.Reserve(w.sets[set], r)
		most := r.Charge // that fits
		ok := true
		for _, b := range places[set] {
			for most.Bytes > 0 && !fits(b, sums[b.Name], Charge{Bytes: most.Bytes}) {
				most.Bytes--
			}
			ok = ok && fits(b, sums[b.Name], Charge{0, r.Files, r.Inodes})
			ok = ok && (r.Room == 0 || fits(b, sums[b.Name], Charge{Bytes: r.Room}))
		}
		ok = ok && most.Bytes >= r.Least
		if ok != (err == nil) || ok && grant.Charge != most {
			return fmt.Errorf("Reserve(%+v) in %d = %+v, %v, want %+v, %t", r, set, grant.Charge, err, most, ok)
		}
		if ok {
			w.pending = append(w.pending, pending{set, grant})
		}
	case 1: // end it, having done some of it
		if len(w.pending) == 0 {
			return nil
		}
		i := int(s.pick) % len(w.pending)
		p := w.pending[i]
		w.pending = slices.Delete(w.pending, i, i+1)
		done := p.grant.Charge
		if done.Bytes > 0 {
			done.Bytes = int64(s.bytes) % (done.Bytes + 1)
		}
		if s.dir {
			w.ledger.Release(p.grant)
			return nil
		}
		w.ledger.Settle(p.grant, done)
		w.objects = append(w.objects, object{p.set, done})
	case 2: // remove
		if len(w.objects) == 0 {
			return nil
		}
		i := int(s.pick) % len(w.objects)
		w.ledger.Add(w.sets[w.objects[i].set], w.objects[i].cost.Neg())
		w.objects = slices.Delete(w.objects, i, i+1)
	case 3: // truncate
		if len(w.objects) == 0 {
			return nil
		}
		o := &w.objects[int(s.pick)%len(w.objects)]
		less := int64(s.least) % (o.cost.Bytes + 1)
		w.ledger.Add(w.sets[o.set], Charge{Bytes: -less})
		o.cost.Bytes -= less
	case 4: // rename, maybe over another
		if len(w.objects) == 0 {
			return nil
		}
		return w.rename(int(s.pick)%len(w.objects), int(s.other)%len(w.objects), set, s.files, s.dir)
	}
	return nil
}

// rename moves object i to set, or over object j where over says so.
func (w *world) rename(i, j, set int, over, cancel bool) error {
	from, what, victim := w.objects[i].set, w.objects[i].cost, Charge{}
	if over = over && i != j; over {
		set, victim = w.objects[j].set, w.objects[j].cost
	}
	sums := w.sums()
	ok := true
	for _, b := range places[set] {
		if !slices.ContainsFunc(places[from], func(x policy.Bucket) bool { return x.Name == b.Name }) {
			ok = ok && fits(b, sums[b.Name], what.Sub(victim))
		}
	}
	m, err := w.ledger.Move(w.sets[from], w.sets[set], what, victim)
	if ok != (err == nil) {
		return fmt.Errorf("Move(%d, %d, %+v, %+v) = %v, want %t", from, set, what, victim, err, ok)
	}
	switch {
	case err != nil:
	case cancel:
		m.Cancel()
	default:
		m.Do(Charge{})
		w.objects[i].set = set
		if over {
			w.objects = slices.Delete(w.objects, j, j+1)
		}
	}
	return nil
}

// run does steps in a new world and compares after each.
func run(t testing.TB, steps []step) error {
	w := newWorld(t)
	for i, s := range steps {
		if err := w.do(s); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		for name, want := range w.sums() {
			if got := w.ledger.Usage(name); got != want {
				return fmt.Errorf("step %d: %s = %+v, want %+v", i, name, got, want)
			}
		}
	}
	return nil
}

func randomSteps(rnd *rand.Rand, n int) []step {
	steps := make([]step, n)
	for i := range steps {
		steps[i] = step{
			kind: uint8(rnd.UintN(5)), pick: uint8(rnd.Uint32()), other: uint8(rnd.Uint32()), set: uint8(rnd.Uint32()),
			bytes: int16(rnd.IntN(300)), least: int16(rnd.IntN(300)), files: rnd.IntN(3) == 0, dir: rnd.IntN(4) == 0,
		}
	}
	return steps
}

// shrink removes steps as long as what is left still fails.
func shrink(t testing.TB, steps []step) []step {
	for size := len(steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(steps); {
			fewer := slices.Delete(slices.Clone(steps), at, at+size)
			if run(t, fewer) != nil {
				steps = fewer
			} else {
				at += size
			}
		}
	}
	return steps
}

func TestModel(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for seed := range rounds {
		steps := randomSteps(rand.New(rand.NewPCG(uint64(seed), 1)), 200)
		if run(t, steps) == nil {
			continue
		}
		steps = shrink(t, steps)
		t.Fatalf("seed %d: %v\nafter %v", seed, run(t, steps), steps)
	}
}
