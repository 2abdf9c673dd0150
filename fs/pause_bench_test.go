package fs_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkPause kills the process that serves 10,000 live nodes and asks for a name
// that only its successor can answer: p50 and p99 of how long that takes
// (architecture.md §4: at most 250 ms), the start of the successor included.
func BenchmarkPause(b *testing.B) {
	const nodes = 10_000
	files := make([]string, nodes)
	for i := range files {
		files[i] = fmt.Sprint("f", i)
	}
	v := startVictims(b, tree(b, files...), false)
	v.start(never, 0)
	root := filepath.Join(v.tell.Point, "alice")
	held := make([]int, 0, nodes) // by descriptors, so that the kernel forgets none
	defer func() {
		for _, fd := range held {
			unix.Close(fd)
		}
	}()
	as(aliceUID, func() {
		for _, f := range files {
			fd, err := unix.Open(filepath.Join(root, f), unix.O_PATH|unix.O_CLOEXEC, 0)
			if err != nil {
				b.Fatal(err)
			}
			held = append(held, fd)
		}
	})
	var pauses []time.Duration
	for b.Loop() {
		if err := v.cmd.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		answer := make(chan time.Duration, 1)
		go as(aliceUID, func() {
			if err := unix.Stat(filepath.Join(root, fmt.Sprint("none", len(pauses))), new(unix.Stat_t)); err != syscall.ENOENT {
				b.Errorf("stat: %v", err)
			}
			answer <- time.Since(start)
		})
		v.wait()
		v.start(never, 0)
		pauses = append(pauses, <-answer)
	}
	slices.Sort(pauses)
	for name, at := range map[string]int{"p50-ms": len(pauses) / 2, "p99-ms": len(pauses) * 99 / 100} {
		b.ReportMetric(float64(pauses[at])/float64(time.Millisecond), name)
	}
}
