package quota

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

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

// BenchmarkCount counts 20,000 files in 200 directories, warm.
func BenchmarkCount(b *testing.B) {
	dir := b.TempDir()
	for i := range 200 {
		sub := filepath.Join(dir, fmt.Sprint(i%10), fmt.Sprint(i))
		if err := os.MkdirAll(sub, 0o700); err != nil {
			b.Fatal(err)
		}
		for j := range 100 {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprint(j)), nil, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	root, tree := openRoot(b, dir), NewTree(Charge{})
	files := 0
	for b.Loop() {
		if _, err := tree.Count(b.Context(), root, CountOptions{}); err != nil {
			b.Fatal(err)
		}
		files += 20_000
	}
	b.ReportMetric(float64(files)/b.Elapsed().Seconds(), "files/s")
}

// BenchmarkEnterLeave is what an operation pays for being counted around.
func BenchmarkEnterLeave(b *testing.B) {
	tree := NewTree(Charge{})
	b.ReportAllocs()
	for b.Loop() {
		tree.Enter(ID{1, 2})
		tree.Note(ID{1, 2}, ID{1, 3}, Charge{Bytes: 1})
		tree.Leave(ID{1, 2})
	}
}

// BenchmarkRound reads again 1,000 directories of 20 files in which others wrote,
// with all that it takes to learn of them.
func BenchmarkRound(b *testing.B) {
	const dirs = 1000
	top := mounted(b, "ext4")
	for i := range dirs * 20 {
		put(b, 10, top, "a", fmt.Sprint(i%37), fmt.Sprint(i%dirs), fmt.Sprint(i))
	}
	r := newRecounting(b, RecountOptions{})
	r.add(filepath.Join(top, "a"))
	must(b, r.Settle(b.Context()))
	dirsBefore := r.Stats().Dirs
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		r.mu.Lock() // nobody reads yet
		for i := range dirs {
			must(b, os.Truncate(filepath.Join(top, "a", fmt.Sprint(i%37), fmt.Sprint(i), fmt.Sprint(i)), int64(n)))
		}
		r.mu.Unlock()
		b.StartTimer()
		must(b, r.Settle(b.Context()))
	}
	b.ReportMetric(float64(r.Stats().Dirs-dirsBefore)/b.Elapsed().Seconds(), "directories/s")
}
