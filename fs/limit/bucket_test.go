package limit

import (
	"math"
	"math/big"
	"testing"
	"time"
)

// TestLevelIsExact takes at random times and sizes and compares each level with
// one that is computed in numbers of any size: nothing is lost or won, ever.
func TestLevelIsExact(t *testing.T) {
	rates := []int64{1, 3, 4 << 10, 999_983, 1 << 20, 123_456_789, 10 << 30, math.MaxInt64}
	for seed := range 200 {
		r := seeded(t, seed)
		rate := rates[r.IntN(len(rates))]
		top := new(big.Int).Mul(big.NewInt(burst(rate)), big.NewInt(perByte))
		l, now, want := full(rate, 0), time.Duration(0), new(big.Int).Set(top)
		for range 500 {
			elapsed := time.Duration(r.Int64N(int64(time.Millisecond) << r.IntN(20)))
			now += elapsed
			want.Add(want, new(big.Int).Mul(big.NewInt(int64(elapsed)), big.NewInt(rate)))
			if want.Cmp(top) > 0 {
				want.Set(top)
			}
			ask := 1 + r.Int64N(1<<20)
			before := new(big.Int).Set(want)
			after, granted, wait := l.take(now, ask)
			want.Sub(want, new(big.Int).Mul(big.NewInt(granted), big.NewInt(perByte)))
			if after.n < 0 || want.Cmp(big.NewInt(after.n)) != 0 {
				t.Fatalf("rate %d: level is %d after %d of %d, want %v", rate, after.n, granted, ask, want)
			}
			if granted < 0 || granted > ask || (granted == 0) != (wait > 0) {
				t.Fatalf("rate %d, level %v: %d of %d and wait %v", rate, before, granted, ask, wait)
			}
			if wait > 0 {
				if _, n, _ := after.take(now+wait-1, ask); n != 0 {
					t.Fatalf("rate %d, level %v: %d go before the wait of %v is over", rate, before, n, wait)
				}
				if _, n, _ := after.take(now+wait, ask); n < quantum(rate, ask) {
					t.Fatalf("rate %d, level %v: only %d of %d go after %v", rate, before, n, ask, wait)
				}
			}
			l = after
		}
	}
}

// TestLevelLongTerm never lets the bucket fill: what goes is the burst and the
// rate times the time, to the byte, whatever the rate.
func TestLevelLongTerm(t *testing.T) {
	for _, rate := range []int64{7, 4 << 10, 999_983, 333_333_333, 10 << 30} {
		l, now, moved := full(rate, 0), time.Duration(0), int64(0)
		for moved < 20*burst(rate) {
			after, n, wait := l.take(now, 100_003)
			l, now, moved = after, now+wait, moved+n
		}
		all := new(big.Int).Mul(big.NewInt(rate), big.NewInt(int64(now)))
		all.Add(all, new(big.Int).Mul(big.NewInt(burst(rate)), big.NewInt(perByte)))
		all.Sub(all, big.NewInt(l.n))
		if got := new(big.Int).Mul(big.NewInt(moved), big.NewInt(perByte)); got.Cmp(all) != 0 {
			t.Errorf("rate %d: %d bytes in %v, want %v/1e9", rate, moved, now, all)
		}
	}
}

func TestLevelClockAndRate(t *testing.T) {
	l := level{rate: 1000, at: time.Hour, n: 0}
	if back := l.refill(time.Minute); back != l {
		t.Errorf("a clock that goes back makes %+v of %+v", back, l)
	}
	// Half a second at 1000 B/s, then 2000 B/s.
	l = l.retune(2000, time.Hour+time.Second/2).refill(time.Hour + time.Second)
	if got, want := l.n/perByte, int64(500+1000); got != want {
		t.Errorf("level is %d bytes, want %d", got, want)
	}
	if l := full(1<<30, 0).retune(1, 0); l.n != minBurst*perByte {
		t.Errorf("a lower rate keeps %d bytes of the greater burst", l.n/perByte)
	}
	if l := full(1000, 0).giveBack(math.MaxInt64); l.n != minBurst*perByte {
		t.Errorf("a full bucket takes back up to %d", l.n)
	}
	bad := level{rate: -5, at: -1, n: math.MaxInt64}.mend(time.Hour)
	if bad.rate != 1 || bad.at != 0 || bad.n != burst(1)*perByte {
		t.Errorf("mended to %+v", bad)
	}
	if ahead := (level{rate: 1, at: 2 * time.Hour}).mend(time.Hour); ahead.at != time.Hour {
		t.Errorf("a time to come is mended to %v", ahead.at)
	}
}
