package fs_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestQuotaModel does random operations around the limits, alone and while others
// give files second names, move, remove and resize them. After each the ledger
// is what a fresh scan says, no limit is passed, and what was refused had no room.
func TestQuotaModel(t *testing.T) {
	for run, steps := range []int{1000, 1000, 500} {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walker{estate: newEstate(t), rnd: rand.New(rand.NewPCG(seed, 0))}
			w.beside = run == 2
			for i := range steps {
				if err := w.checked(t); err != nil {
					t.Fatalf("step %d: %v\n%s", i, err, strings.Join(w.log[max(0, len(w.log)-6):], "\n"))
				}
			}
		})
	}
}

// TestQuotaInParallel does random operations at once. At every moment what is used
// and reserved is within the limits; at rest the ledger is what a scan says.
func TestQuotaInParallel(t *testing.T) {
	const walkers, steps = 16, 150
	e := newEstate(t)
	quit, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			for _, p := range e.places {
				for _, b := range p.limits[:1] { // the others are not of every place
					u := e.Ledger().Usage(b.bucket)
					if now := u.Used.Plus(u.Reserved); now.Bytes > b.bytes || now.Files > b.files || now.Inodes > b.inodes {
						t.Errorf("%s holds %+v", b.bucket, now)
					}
				}
			}
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	var group sync.WaitGroup
	for i := range walkers {
		group.Go(func() {
			w := &walker{estate: e, rnd: rand.New(rand.NewPCG(uint64(i), 1))}
			for range steps {
				w.blind()
			}
		})
	}
	group.Wait()
	close(quit)
	<-watched
	if diff := e.settled(e.sums(e.scans(t))); diff != "" {
		t.Errorf("at rest (-scan +ledger):\n%s", diff)
	}
}

// choices is a source of random numbers that takes each from one byte of what a
// fuzzer thinks of, and 0 at its end.
type choices struct{ bytes []byte }

// Uint64 returns a number whose highest bits are the byte: IntN goes by them.
func (c *choices) Uint64() uint64 {
	if len(c.bytes) == 0 {
		return 1 << 55
	}
	b := c.bytes[0]
	c.bytes = c.bytes[1:]
	return uint64(b)<<56 | 1<<55
}

// FuzzLedger does what the fuzzer thinks of, by three accounts and others beside
// the mount. After each operation the ledger is what a fresh scan says.
func FuzzLedger(f *testing.F) {
	for seed := range uint64(4) {
		ops, rnd := make([]byte, 60), rand.New(rand.NewPCG(seed, 2))
		for i := range ops {
			ops[i] = byte(rnd.Uint32())
		}
		f.Add(seed%2 == 1, ops)
	}
	e := newEstate(f)
	f.Fuzz(func(t *testing.T, beside bool, ops []byte) {
		from := &choices{ops[:min(len(ops), 60)]}
		e.beside = beside
		w := &walker{estate: e, rnd: rand.New(from)}
		for len(from.bytes) > 0 {
			if err := w.checked(t); err != nil {
				t.Fatalf("%v\n%s", err, strings.Join(w.log, "\n"))
			}
		}
		e.clear(t)
	})
}
