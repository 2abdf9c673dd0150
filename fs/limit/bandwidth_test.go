package limit

import (
	"errors"
	"math"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"grantfs/policy"
)

func newRates(t testing.TB, w *world, m Memory) *Rates {
	t.Helper()
	r, err := NewRates(m, w.policy)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Rates) buckets(t testing.TB, account string, addr netip.Addr) (up, down *Bucket) {
	t.Helper()
	up, down, err := r.For(account, addr)
	if err != nil {
		t.Fatal(err)
	}
	return up, down
}

// drain takes the burst of b.
func drain(t testing.TB, b *Bucket) {
	t.Helper()
	for b.Try(4 << 10) {
	}
	if n := b.record.load().n / perByte; n >= 4<<10 {
		t.Fatalf("%d bytes are left", n)
	}
}

// TestRateIsShared has 8 goroutines in one account upload at once: together they
// move the burst and the rate, and each an equal share, whatever they ask for.
func TestRateIsShared(t *testing.T) {
	const rate, seconds = 1 << 20, 60
	sizes := []int{32 << 10, 32 << 10, 32<<10 + 1, 128 << 10, 100_000, 1 << 20, 1 << 20, 1<<20 - 1}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set("alice", bandwidth(rate, 0))
		up, down := newRates(t, w, Memory{}).buckets(t, "alice", nowhere)
		if down != nil {
			t.Error("a bucket for the direction without a limit")
		}
		cancel := make(chan struct{})
		moved := make([]int, len(sizes))
		var wg sync.WaitGroup
		for i, size := range sizes {
			wg.Go(func() {
				for {
					n, err := up.Wait(cancel, size)
					moved[i] += n
					if errors.Is(err, ErrInterrupted) {
						return
					}
					if n != size || err != nil {
						t.Errorf("got %d of %d bytes, %v", n, size, err)
					}
				}
			})
		}
		time.Sleep(seconds * time.Second)
		close(cancel)
		wg.Wait()

		total, fair := 0, (burst(rate)+rate*seconds)/int64(len(sizes))
		for i, n := range moved {
			total += n
			if off := int64(n) - fair; off > 1<<20 || off < -1<<20 {
				t.Errorf("the one with requests of %d bytes moved %d, a fair share is %d", sizes[i], n, fair)
			}
		}
		if want := int(burst(rate) + rate*seconds); total > want || total < want-2*int(quantum(rate, 1<<20)) {
			t.Errorf("moved %d, want %d less at most two quanta", total, want)
		}
	})
}

// TestTryTogether has 16 goroutines take from one bucket while no time passes: they
// get the burst, to the byte,
// though they give some of it back.
func TestTryTogether(t *testing.T) {
	w := newWorld()
	w.set("alice", bandwidth(1<<20, 0))
	r := newRates(t, w, Memory{})
	r.now = func() time.Duration { return time.Hour }
	up, _ := r.buckets(t, "alice", nowhere)
	var moved [16]int
	var wg sync.WaitGroup
	for i := range moved {
		wg.Go(func() {
			for size := 1000 + i; size > 0; {
				if !up.Try(size) {
					size /= 2
					continue
				}
				moved[i] += size
				if moved[i]%3 == 0 {
					up.GiveBack(size)
					moved[i] -= size
					size--
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for up.Try(1) {
		total++
	}
	for _, n := range moved {
		total += n
	}
	if total != int(burst(1<<20)) {
		t.Errorf("%d bytes went of %d", total, burst(1<<20))
	}
}

// TestLargeRequestStarvesNobody: behind 1 MiB at 4 KiB/s, which takes more than
// four minutes, a page comes after the one that is due.
func TestLargeRequestStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set("alice", bandwidth(0, 4<<10))
		_, down := newRates(t, w, Memory{}).buckets(t, "alice", nowhere)
		drain(t, down)
		start := time.Now()
		var large time.Duration
		var wg sync.WaitGroup
		wg.Go(func() {
			if n, err := down.Wait(nil, 1<<20); n != 1<<20 || err != nil {
				t.Errorf("got %d bytes, %v", n, err)
			}
			large = time.Since(start)
		})
		synctest.Wait()
		for i := range 5 {
			asked := time.Now()
			if n, err := down.Wait(nil, 4<<10); n != 4<<10 || err != nil {
				t.Errorf("got %d bytes, %v", n, err)
			}
			if waited := time.Since(asked); waited > 2*time.Second {
				t.Errorf("page %d waited %v behind the large request", i, waited)
			}
		}
		wg.Wait()
		if want := time.Duration(256+5) * time.Second; large != want {
			t.Errorf("the large request took %v, want %v", large, want)
		}
	})
}

// TestReloadReachesWaiters: another rate holds for what waits already, and no
// rate lets it go.
func TestReloadReachesWaiters(t *testing.T) {
	for name, c := range map[string]struct {
		then *policy.Effective
		want time.Duration // until 1 MiB has gone, with 10 s at 4 KiB/s before
	}{
		"faster":    {bandwidth(96<<10, 0), 10*time.Second + time.Duration(1<<20-40<<10)*time.Second/(96<<10)},
		"unlimited": {bandwidth(0, 0), 10 * time.Second},
		"removed":   {nil, 10 * time.Second},
		"the same":  {bandwidth(4<<10, 0), 256 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.set("alice", bandwidth(4<<10, 0))
				r := newRates(t, w, Memory{})
				up, _ := r.buckets(t, "alice", nowhere)
				drain(t, up)
				var took time.Duration
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() {
					if n, err := up.Wait(nil, 1<<20); n != 1<<20 || err != nil {
						t.Errorf("got %d bytes, %v", n, err)
					}
					took = time.Since(start)
				})
				time.Sleep(10*time.Second + time.Millisecond)
				synctest.Wait()
				if r.Waiting() != 1 {
					t.Errorf("%d wait, want 1", r.Waiting())
				}
				w.set("alice", c.then)
				r.Reload()
				wg.Wait()
				if off := took - c.want; off > 100*time.Millisecond || off < -100*time.Millisecond {
					t.Errorf("took %v, want %v", took, c.want)
				}
				if r.Waiting() != 0 {
					t.Errorf("%d wait, want none", r.Waiting())
				}
			})
		})
	}
}

// TestInterruptedWait: the one that gives up keeps what it got, and the next in
// line goes on.
func TestInterruptedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set("alice", bandwidth(4<<10, 0))
		up, _ := newRates(t, w, Memory{}).buckets(t, "alice", nowhere)
		drain(t, up)
		cancel := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			n, err := up.Wait(cancel, 1<<20)
			if n != 12<<10 || !errors.Is(err, ErrInterrupted) {
				t.Errorf("got %d bytes, %v", n, err)
			}
			up.GiveBack(n)
		})
		time.Sleep(3*time.Second + time.Second/2)
		start := time.Now()
		wg.Go(func() {
			if n, err := up.Wait(nil, 14<<10); n != 14<<10 || err != nil {
				t.Errorf("got %d bytes, %v", n, err)
			}
			if took := time.Since(start); took != 0 {
				t.Errorf("took %v though 14 KiB had come", took)
			}
		})
		synctest.Wait()
		if up.Try(1) {
			t.Error("a newcomer passes those that wait")
		}
		close(cancel)
		wg.Wait()
	})
}

// TestReady says of each size what Try would, and takes nothing.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.set("alice", bandwidth(1<<20, 0))
		up, down := newRates(t, w, Memory{}).buckets(t, "alice", nowhere)
		if !down.Ready(math.MaxInt) {
			t.Error("no limit is not ready")
		}
		all := int(burst(1 << 20))
		for range 2 {
			if !up.Ready(all) || up.Ready(all+1) {
				t.Errorf("of a full bucket: %v for all, %v for more", up.Ready(all), up.Ready(all+1))
			}
		}
		drain(t, up)
		if up.Ready(8 << 10) {
			t.Error("an empty bucket is ready")
		}
		time.Sleep(8 * time.Millisecond)
		if !up.Ready(8<<10) || !up.Try(8<<10) {
			t.Error("a bucket that has filled up again is not ready")
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := up.Wait(nil, 2*all); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		time.Sleep(time.Microsecond)
		if up.Ready(1) || up.Try(1) {
			t.Error("ready while another waits")
		}
		<-done
	})
}

func TestMemoryOfAnotherKind(t *testing.T) {
	var mem chunks
	w := newWorld()
	w.set("alice", bandwidth(1, 0))
	newRates(t, w, mem.memory()).buckets(t, "alice", nowhere)
	if _, err := NewTransfers(mem.memory(), w.policy, w.now); err == nil {
		t.Error("transfer counters took over rates")
	}
	if _, err := NewRates(Memory{Held: [][]byte{make([]byte, 100)}}, w.policy); err == nil {
		t.Error("a chunk of another size was taken over")
	}
	r := newRates(t, w, Memory{Grow: func(int) ([]byte, error) { return nil, errors.New("no memory") }})
	if up, _, err := r.For("alice", nowhere); err == nil || up != nil {
		t.Errorf("without memory: %v, %v", up, err)
	}
}

func BenchmarkBucketTry(b *testing.B) {
	w := newWorld()
	w.set("alice", bandwidth(1<<50, 0))
	up, _ := newRates(b, w, Memory{}).buckets(b, "alice", nowhere)
	b.ReportAllocs()
	for b.Loop() {
		up.Try(1)
	}
}

func BenchmarkRatesFor(b *testing.B) {
	w := newWorld()
	w.set("alice", bandwidth(1<<20, 0, policy.BandwidthLimit{Sources: networks("10.0.0.0/8"), UploadBandwidth: limited(1)}))
	r := newRates(b, w, Memory{})
	for name, addr := range map[string]string{"own": "8.8.8.8", "entry": "10.0.0.1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			a := netip.MustParseAddr(addr)
			for b.Loop() {
				r.buckets(b, "alice", a)
			}
		})
	}
}
