package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkWriters is what a watch costs those who write: in one file, in one
// directory, and in ever another one.
func BenchmarkWriters(b *testing.B) {
	const dirs = 1000
	top := mount(b, "ext4")
	at := func(i int) string { return filepath.Join(top, fmt.Sprint(i%dirs)) }
	for i := range dirs {
		must(b, os.Mkdir(at(i), 0o700))
	}
	f, err := os.Create(filepath.Join(top, "f"))
	must(b, err)
	defer f.Close()
	block := make([]byte, 4096)
	for _, watched := range []string{"alone", "watched"} {
		if watched == "watched" {
			open(b, top, 0)
		}
		b.Run("write/"+watched, func(b *testing.B) {
			for b.Loop() {
				if _, err := f.WriteAt(block, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("make/"+watched, func(b *testing.B) {
			name := filepath.Join(top, "0", "new")
			for b.Loop() {
				must(b, unix.Mknod(name, unix.S_IFREG, 0))
				must(b, unix.Unlink(name))
			}
		})
		b.Run("everywhere/"+watched, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				must(b, unix.Truncate(at(i/2)+"/../f", int64(i%2)))
				must(b, unix.Mknod(at(i)+"/new", unix.S_IFREG, 0))
				must(b, unix.Unlink(at(i)+"/new"))
			}
		})
	}
}

// BenchmarkTake reads events of different directories.
func BenchmarkTake(b *testing.B) {
	const dirs = 10_000
	top := mount(b, "tmpfs")
	at := func(i int) string { return filepath.Join(top, fmt.Sprint(i), "f") }
	for i := range dirs {
		must(b, os.MkdirAll(filepath.Dir(at(i)), 0o700))
		must(b, unix.Mknod(at(i), unix.S_IFREG, 0))
	}
	w := open(b, top, 0)
	w.Take()
	for b.Loop() {
		b.StopTimer()
		w.mu.Lock() // nobody reads
		for i := range dirs {
			must(b, unix.Truncate(at(i), 0))
		}
		w.mu.Unlock()
		b.StartTimer()
		if got := w.Take(); len(got.Dirs) != dirs || got.Lost {
			b.Fatalf("%d directories, lost %t", len(got.Dirs), got.Lost)
		}
	}
	b.ReportMetric(float64(b.N)*dirs/b.Elapsed().Seconds(), "events/s")
}
