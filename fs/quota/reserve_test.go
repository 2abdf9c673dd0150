package quota

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReserve(t *testing.T) {
	const big = math.MaxInt64
	for _, c := range []struct {
		name    string
		limits  [3]int64
		used    Charge
		want    Request
		granted Charge
		refused string // "" for granted
	}{
		{"fits", [3]int64{100, -1, -1}, Charge{Bytes: 40}, Request{Charge: Charge{Bytes: 60}, Least: 60}, Charge{Bytes: 60}, ""},
		{"all or nothing", [3]int64{100, -1, -1}, Charge{Bytes: 40}, Request{Charge: Charge{Bytes: 61}, Least: 61}, Charge{}, "b has no bytes left"},
		{"shortened", [3]int64{100, -1, -1}, Charge{Bytes: 40}, Request{Charge: Charge{Bytes: 90}, Least: 1}, Charge{Bytes: 60}, ""},
		{"shortened too far", [3]int64{100, -1, -1}, Charge{Bytes: 40}, Request{Charge: Charge{Bytes: 90}, Least: 61}, Charge{}, "b has no bytes left"},
		{"the next one", [3]int64{100, -1, -1}, Charge{Bytes: 100}, Request{Charge: Charge{Bytes: 90}, Least: 1}, Charge{}, "b has no bytes left"},
		{"shortened to what is rewritten", [3]int64{100, -1, -1}, Charge{Bytes: 100}, Request{Charge: Charge{Bytes: 90}}, Charge{}, ""},
		{"no growth at the limit", [3]int64{100, 1, 1}, Charge{100, 1, 1}, Request{}, Charge{}, ""},
		{"no growth beyond the limit", [3]int64{100, 1, 1}, Charge{200, 9, 9}, Request{}, Charge{}, ""},
		{"bytes where files are full", [3]int64{100, 1, 1}, Charge{50, 9, 9}, Request{Charge: Charge{Bytes: 50}, Least: 50}, Charge{Bytes: 50}, ""},
		{"a file too many", [3]int64{-1, 3, -1}, Charge{0, 3, 3}, Request{Charge: Charge{0, 1, 1}}, Charge{}, "b has no files left"},
		{"an inode too many", [3]int64{-1, -1, 3}, Charge{0, 0, 3}, Request{Charge: Charge{0, 1, 1}}, Charge{}, "b has no inodes left"},
		{"the last file", [3]int64{-1, 3, 3}, Charge{0, 2, 2}, Request{Charge: Charge{0, 1, 1}}, Charge{0, 1, 1}, ""},
		{"a new file needs a byte", [3]int64{100, -1, -1}, Charge{Bytes: 100}, Request{Charge: Charge{0, 1, 1}, Room: 1}, Charge{}, "b has no bytes left"},
		{"and takes none", [3]int64{100, -1, -1}, Charge{Bytes: 99}, Request{Charge: Charge{0, 1, 1}, Room: 1}, Charge{0, 1, 1}, ""},
		{"a directory needs none", [3]int64{100, -1, -1}, Charge{Bytes: 100}, Request{Charge: Charge{0, 0, 1}}, Charge{0, 0, 1}, ""},
		{"a limit of nothing", [3]int64{0, 0, 0}, Charge{}, Request{Charge: Charge{Bytes: 1}, Least: 1}, Charge{}, "b has no bytes left"},
		{"all there is", [3]int64{-1, -1, -1}, Charge{}, Request{Charge: Charge{big, big, big}, Least: big}, Charge{big, big, big}, ""},
		{"more than there is", [3]int64{-1, -1, -1}, Charge{Bytes: 1}, Request{Charge: Charge{Bytes: big}, Least: big}, Charge{}, "b has no bytes left"},
		{"up to the last", [3]int64{-1, -1, -1}, Charge{Bytes: big - 5}, Request{Charge: Charge{Bytes: big}, Least: 1}, Charge{Bytes: 5}, ""},
		{"files up to the last", [3]int64{-1, -1, -1}, Charge{Files: big}, Request{Charge: Charge{Files: 1}}, Charge{}, "b has no files left"},
		{"the largest limit", [3]int64{big, big, big}, Charge{Bytes: big - 1}, Request{Charge: Charge{Bytes: 1}, Least: 1}, Charge{Bytes: 1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger(t)
			s := newSet(t, l, bucket("a", -1, -1, -1), bucket("b", c.limits[0], c.limits[1], c.limits[2]))
			l.Add(newSet(t, l, free("b")...), c.used)
			g, err := l.Reserve(s, c.want)
			refused := ""
			if err != nil {
				refused = err.Error()
				if !errors.Is(err, ErrQuota) {
					t.Errorf("%v is not ErrQuota", err)
				}
			}
			if diff := cmp.Diff(c.granted, g.Charge); diff != "" || refused != c.refused {
				t.Errorf("Reserve = %+v, %q, want %+v, %q", g.Charge, refused, c.granted, c.refused)
			}
			want := Usage{Used: c.used, Reserved: c.granted}
			if diff := cmp.Diff(want, l.Usage("b")); diff != "" {
				t.Errorf("b (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(Usage{Reserved: c.granted}, l.Usage("a")); diff != "" {
				t.Errorf("a (-want +got):\n%s", diff)
			}
			if err == nil {
				l.Settle(g, Charge{Files: g.Files})
				if diff := cmp.Diff(Usage{Used: c.used.Plus(Charge{Files: g.Files})}, l.Usage("b")); diff != "" {
					t.Errorf("b, settled (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// One folder's counter may have another limit through each mount.
func TestLimitsOfMounts(t *testing.T) {
	l := newLedger(t)
	small, large := newSet(t, l, bucket("folder:media", 10, -1, -1)), newSet(t, l, bucket("folder:media", 20, -1, -1))
	take(t, l, large, Charge{Bytes: 12})
	if _, err := l.Reserve(small, Request{Charge: Charge{Bytes: 1}, Least: 1}); !errors.Is(err, ErrQuota) {
		t.Errorf("Reserve through the smaller mount = %v, want ErrQuota", err)
	}
	take(t, l, large, Charge{Bytes: 8})
	twice := newSet(t, l, bucket("folder:media", 30, -1, -1), bucket("folder:media", 21, -1, 4))
	take(t, l, twice, Charge{Bytes: 1})
	if _, err := l.Reserve(twice, Request{Charge: Charge{Bytes: 1}, Least: 1}); !errors.Is(err, ErrQuota) {
		t.Errorf("Reserve beyond the lower of two limits = %v, want ErrQuota", err)
	}
	if got := l.Usage("folder:media").Used; got != (Charge{Bytes: 21}) {
		t.Errorf("folder:media = %+v, want each charge once", got)
	}
}

// What can't be is told, and leaves numbers that make sense.
func TestImpossible(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(l *Ledger, s *Set)
		want Usage
	}{
		{"settled twice", func(l *Ledger, s *Set) {
			g, _ := l.Reserve(s, Request{Charge: Charge{Bytes: 5}})
			l.Release(g)
			l.Release(g)
		}, Usage{}},
		{"less than nothing", func(l *Ledger, s *Set) {
			l.Reserve(s, Request{Charge: Charge{Bytes: -5}, Least: -5})
		}, Usage{}},
		{"more wanted at least than at all", func(l *Ledger, s *Set) {
			l.Reserve(s, Request{Charge: Charge{Bytes: 5}, Least: 6})
		}, Usage{}},
		{"beyond 64 bits", func(l *Ledger, s *Set) {
			l.Add(s, Charge{Bytes: math.MaxInt64})
			l.Add(s, Charge{Bytes: 1})
		}, Usage{Used: Charge{Bytes: math.MaxInt64}}},
		{"below 64 bits", func(l *Ledger, s *Set) {
			l.Add(s, Charge{Bytes: math.MinInt64})
			l.Add(s, Charge{Bytes: -1})
		}, Usage{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var told int
			l := New(GoMemory, func(string) { told++ })
			c.do(l, newSet(t, l, bucket("b", 100, 100, 100)))
			if diff := cmp.Diff(c.want, l.Usage("b")); diff != "" || told != 1 {
				t.Errorf("told %d times, want once; (-want +got):\n%s", told, diff)
			}
		})
	}
}

// What others added and we removed before it was noticed is a debt: shown and
// judged as nothing, and gone when the addition is noticed.
func TestDebt(t *testing.T) {
	l := newLedger(t)
	s := newSet(t, l, bucket("b", 100, -1, -1))
	take(t, l, s, Charge{Bytes: 10})
	l.Add(s, Charge{Bytes: -60}) // of which somebody else wrote 50
	if got := l.Usage("b").Used.Bytes; got != 0 {
		t.Errorf("used = %d, want 0", got)
	}
	g, err := l.Reserve(s, Request{Charge: Charge{Bytes: 101}, Least: 1})
	if err != nil || g.Bytes != 100 {
		t.Errorf("Reserve = %d, %v, want no more than the limit", g.Bytes, err)
	}
	l.Settle(g, Charge{Bytes: 7})
	l.Add(s, Charge{Bytes: 50})
	if got := l.Usage("b").Used.Bytes; got != 7 {
		t.Errorf("used = %d, want 7", got)
	}
}

func TestCorrect(t *testing.T) {
	l := newLedger(t)
	s := newSet(t, l, free("account:a source:/home/a")...)
	take(t, l, s, Charge{Bytes: 10, Files: 1, Inodes: 1})
	l.Correct(s, "source:/home/a", Charge{Bytes: 90})
	if diff := cmp.Diff(Usage{Used: Charge{100, 1, 1}, Counted: true}, l.Usage("source:/home/a")); diff != "" {
		t.Errorf("the first count (-want +got):\n%s", diff)
	}
	l.Correct(s, "source:/home/a", Charge{Bytes: -30, Inodes: 1})
	for name, counted := range map[string]bool{"account:a": false, "source:/home/a": true} {
		if diff := cmp.Diff(Usage{Used: Charge{70, 1, 2}, Drift: -30, Counted: counted}, l.Usage(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestSpace(t *testing.T) {
	l := newLedger(t)
	s := newSet(t, l, bucket("a", 100, 50, -1), bucket("b", 1000, -1, 9), bucket("c", -1, -1, -1))
	take(t, l, newSet(t, l, free("b")...), Charge{950, 2, 3})
	g, err := l.Reserve(s, Request{Charge: Charge{Bytes: 10}, Least: 10})
	if err != nil {
		t.Fatal(err)
	}
	want := Space{Bytes: Room{limit(1000), 40}, Inodes: Room{limit(9), 6}}
	if diff := cmp.Diff(want, l.Space(s)); diff != "" {
		t.Errorf("Space (-want +got):\n%s", diff)
	}
	l.Release(g)
	l.Add(s, Charge{Bytes: 99})
	if got := l.Space(s).Bytes; got != (Room{limit(1000), 0}) {
		t.Errorf("Space beyond a limit = %+v, want nothing free", got)
	}
	if got := l.Space(newSet(t, l, free("c")...)); !got.Bytes.Limit.Unlimited || !got.Inodes.Limit.Unlimited {
		t.Errorf("Space without limits = %+v", got)
	}
}

func TestFreeRoom(t *testing.T) {
	const most = math.MaxUint64
	for _, c := range []struct {
		available, keep, pending uint64
		want                     int64
	}{
		{100, 30, 20, 50},
		{100, 80, 20, 0},
		{100, 81, 20, 0},
		{0, 0, 0, 0},
		{most, 0, 0, math.MaxInt64},
		{most, most, most, 0},
		{most, most, 0, 0},
	} {
		if got := FreeRoom(c.available, c.keep, c.pending); got != c.want {
			t.Errorf("FreeRoom(%d, %d, %d) = %d, want %d", c.available, c.keep, c.pending, got, c.want)
		}
	}
}
