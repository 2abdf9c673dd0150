package quota

import "testing"

func BenchmarkReserveSettle(b *testing.B) {
	l := newLedger(b)
	s := newSet(b, l, bucket("account:a", 1<<60, -1, -1), bucket("site:s", 1<<60, -1, -1), bucket("instance:i", -1, -1, -1), bucket("source:/s", -1, -1, -1))
	pair := func() {
		g, err := l.Reserve(s, Request{Charge: Charge{Bytes: 32768}, Least: 1})
		if err != nil {
			b.Fatal(err)
		}
		l.Settle(g, Charge{})
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pair()
		}
	})
	b.Run("contended", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				pair()
			}
		})
	})
}

// TestReserveAllocatesNothing holds what the benchmark shows.
func TestReserveAllocatesNothing(t *testing.T) {
	l := newLedger(t)
	s := newSet(t, l, bucket("account:a", 1<<60, -1, -1), bucket("source:/s", -1, -1, -1))
	if n := testing.AllocsPerRun(100, func() {
		g, _ := l.Reserve(s, Request{Charge: Charge{Bytes: 32768}, Least: 1})
		l.Settle(g, g.Charge)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
