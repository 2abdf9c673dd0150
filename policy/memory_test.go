package policy

import (
	"runtime"
	"testing"
)

// A compiled account holds little beyond what the input holds already
// (architecture.md §4: at most 1 KiB).
func TestCompiledSize(t *testing.T) {
	const accounts = 10_000
	in := large(accounts, 100, 10)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := compile(t, in)
	after := heap()
	if each := (int64(after) - int64(before)) / accounts; each > 1024 {
		t.Errorf("a compiled account holds %d bytes, want at most 1024", each)
	} else {
		t.Logf("%d bytes an account", each)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(in)
}
