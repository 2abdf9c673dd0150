package bench

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"grantfs/fs"
	"grantfs/integration/e2e/host"
	"grantfs/integration/metrics"
	"grantfs/policy"
)

// figure is a row about grantfs alone.
type figure struct {
	name, unit string
	gate       float64 // at most
	once       func() (float64, error)
}

// figures measures memory, the policy and its swap.
func (b *bench) figures() error {
	many := b.size(100_000, 2_000)
	for _, f := range []figure{
		{"memory of a live node", "B", 250, b.nodeMemory},
		{"memory of an idle daemon", "MB", 30, b.idleMemory},
		{"policy check", "ns", 150, checkTime},
		{"compile 100,000 accounts, 1,000 groups", "s", 3, func() (float64, error) { return compileTime(many) }},
		{"memory of an account", "B", 1024, func() (float64, error) { return accountMemory(many) }},
		{"swap of a policy of 100,000 accounts", "ms", 50, func() (float64, error) { return swapTime(many) }},
	} {
		if !b.wanted(f.name) {
			continue
		}
		names := []string{"grantfs"}
		got, err := b.turns(names, func(string) (float64, error) { return f.once() })
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		b.add(f.name, f.unit, got, names, []gate{most("", f.gate)})
	}
	return nil
}

// nodeMemory lists a large directory and divides what the daemon grew by, on the
// heap and beside it, among the nodes that the kernel was told of.
func (b *bench) nodeMemory() (float64, error) {
	if err := b.fixture("many"); err != nil {
		return 0, err
	}
	d, err := serve(filepath.Join(points, "memory"))
	if err != nil {
		return 0, err
	}
	before, err := d.usage()
	if err != nil {
		return 0, err
	}
	r := row{fixture: "many", load: load{Name: "list"}}
	if _, err := b.once(r, contender{"grantfs", filepath.Join(points, "memory", plain), 1}); err != nil {
		return 0, err
	}
	after, err := d.usage()
	if err != nil {
		return 0, err
	}
	return float64(after.RSS-before.RSS) / float64(after.Nodes-before.Nodes), d.close()
}

// idleMemory is what `grantfs serve` has resident on a small host.
func (b *bench) idleMemory() (float64, error) {
	if b.host == nil {
		h, err := host.New(host.Options{Binary: b.binary})
		if err != nil {
			return 0, err
		}
		if _, err := h.Serve(); err != nil {
			return 0, err
		}
		b.host = h
	}
	return float64(residentSize(b.host.Daemon("grantfs").Pid)) / 1e6, nil
}

// checkTime is the time of one question to the policy.
func checkTime() (float64, error) {
	set, _, err := compiled(0)
	if err != nil {
		return 0, err
	}
	v, _ := set.View(policed)
	p, t := v.At("/docs/2026"), policy.Target{Name: "a rather long report.pdf", Type: policy.TypeFile}
	const times = 2_000_000
	since := time.Now()
	for range times {
		if verdict := p.Check(policy.OpOpenRead, t); !verdict.Allowed() {
			return 0, fmt.Errorf("the policy under test refuses: %v", verdict.Reason)
		}
	}
	return float64(time.Since(since).Nanoseconds()) / times, nil
}

func compiled(accounts int) (*policy.Set, map[string]policy.IDs, error) {
	in, ids := input(accounts)
	set, problems := policy.Compile(in)
	if set == nil {
		return nil, nil, fmt.Errorf("compile the policy: %v", problems[0])
	}
	return set, ids, nil
}

func compileTime(accounts int) (float64, error) {
	in, _ := input(accounts)
	runtime.GC()
	since := time.Now()
	set, problems := policy.Compile(in)
	took := time.Since(since)
	if set == nil {
		return 0, fmt.Errorf("compile the policy: %v", problems[0])
	}
	return took.Seconds(), nil
}

// accountMemory is what a compiled policy takes, without what it is made from.
func accountMemory(accounts int) (float64, error) {
	var before, after runtime.MemStats
	in, _ := input(accounts)
	runtime.GC()
	runtime.ReadMemStats(&before)
	set, problems := policy.Compile(in)
	if set == nil {
		return 0, fmt.Errorf("compile the policy: %v", problems[0])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(in)
	runtime.KeepAlive(set)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(accounts), nil
}

// swapTime puts a compiled policy into force on a live mount.
func swapTime(accounts int) (float64, error) {
	set, ids, err := compiled(accounts)
	if err != nil {
		return 0, err
	}
	m, err := metrics.New(metrics.Options{})
	if err != nil {
		return 0, err
	}
	point := filepath.Join(points, "swap")
	if err := os.MkdirAll(point, 0o755); err != nil {
		return 0, err
	}
	p := fs.Policy{Set: set, IDs: ids}
	s, err := fs.Mount(fs.Options{
		Point: point, EntryTimeout: time.Second, Observer: m, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		MinFree: func(uint64) uint64 { return 0 }, Policy: p,
	})
	if err != nil {
		return 0, err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	since := time.Now()
	err = s.Swap(p)
	took := time.Since(since)
	if err == nil {
		err = s.Unmount()
	}
	if err == nil {
		err = <-served
	}
	return float64(took.Microseconds()) / 1000, err
}
