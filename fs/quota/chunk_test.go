package quota

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// shared is memory that outlives a ledger.
type shared struct{ chunks [][]byte }

func (m *shared) grow(size int) ([]byte, error) {
	mem, err := GoMemory(size)
	m.chunks = append(m.chunks, mem)
	return mem, err
}

func TestAttach(t *testing.T) {
	var mem shared
	first := New(mem.grow, func(what string) { panic(what) })
	for i := range 10000 { // several chunks
		s := newSet(t, first, bucket(fmt.Sprintf("account:%d", i), 100, -1, -1))
		take(t, first, s, Charge{Bytes: int64(i % 50), Inodes: 1})
		if i%7 == 0 {
			if _, err := first.Reserve(s, Request{Charge: Charge{Bytes: 3}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(mem.chunks) < 2 {
		t.Fatalf("%d chunks, want several", len(mem.chunks))
	}
	second, err := Attach(mem.grow, func(what string) { panic(what) }, mem.chunks)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10000 {
		want := Usage{Used: Charge{Bytes: int64(i % 50), Inodes: 1}}
		if got := second.Usage(fmt.Sprintf("account:%d", i)); got != want {
			t.Fatalf("bucket %d = %+v, want %+v", i, got, want)
		}
	}
	take(t, second, newSet(t, second, free("account:7 account:new")...), Charge{Bytes: 1})
	if got := second.Usage("account:7").Used.Bytes; got != 8 {
		t.Errorf("account:7 = %d, want 8", got)
	}
}

func TestAttachRefuses(t *testing.T) {
	var mem shared
	l := New(mem.grow, func(what string) { panic(what) })
	newSet(t, l, free("one two")...)
	good := mem.chunks[0]
	put := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.NativeEndian.PutUint32(b[at:], v); return b }
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"short":           func(b []byte) []byte { return b[:1000] },
		"magic":           func(b []byte) []byte { b[0]++; return b },
		"version":         put(8, chunkVersion+1),
		"number":          put(12, 1),
		"too many":        put(16, 1<<30),
		"count":           put(16, 3),
		"names":           put(20, chunkSize+1),
		"names too low":   put(20, 64),
		"a name outside":  put(headerSize+56, chunkSize),
		"a name in front": put(headerSize+56, 10),
		"no name":         put(headerSize+60, 0),
		"twice":           func(b []byte) []byte { copy(b[headerSize+56:headerSize+62], b[headerSize+recordSize+56:]); return b },
	} {
		b, err := GoMemory(chunkSize)
		if err != nil {
			t.Fatal(err)
		}
		copy(b, good)
		if _, err := Attach(GoMemory, func(string) {}, [][]byte{spoil(b)}); err == nil {
			t.Errorf("%s: Attach = nil, want an error", name)
		}
	}
	if _, err := Attach(GoMemory, func(string) {}, [][]byte{good}); err != nil {
		t.Errorf("Attach = %v", err)
	}
}

func TestNoMemory(t *testing.T) {
	no := errors.New("no memory")
	l := New(func(int) ([]byte, error) { return nil, no }, func(what string) { panic(what) })
	if _, err := l.Set(free("a")); !errors.Is(err, no) {
		t.Errorf("Set = %v, want what grow said", err)
	}
	l = New(GoMemory, func(what string) { panic(what) })
	if _, err := l.Set(free(strings.Repeat("a", maxName+1))); err == nil {
		t.Error("Set with a name too long = nil")
	}
	newSet(t, l, free(strings.Repeat("a", maxName))...)
}

// 100,000 buckets take at most 20 MB, all in.
func TestMemory(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	l := newLedger(t)
	before := heap()
	for i := range 100_000 {
		if _, err := l.bucket(fmt.Sprintf("site:o1/site-number-%d.example.org", i)); err != nil {
			t.Fatal(err)
		}
	}
	used := heap() - before
	t.Logf("%d bytes a bucket", used/100_000)
	if used > 20<<20 {
		t.Errorf("100,000 buckets take %d bytes, want at most 20 MiB", used)
	}
	runtime.KeepAlive(l)
}

// TestAttachUnbegun: a predecessor died between getting a chunk and writing to
// it.
func TestAttachUnbegun(t *testing.T) {
	var mem shared
	newSet(t, New(mem.grow, func(what string) { panic(what) }), free("one")...)
	if _, err := mem.grow(chunkSize); err != nil {
		t.Fatal(err)
	}
	l, err := Attach(mem.grow, func(what string) { panic(what) }, mem.chunks)
	if err != nil {
		t.Fatal(err)
	}
	take(t, l, newSet(t, l, free("one two")...), Charge{Bytes: 1})
	if next, err := Attach(mem.grow, func(what string) { panic(what) }, mem.chunks); err != nil || next.Usage("two").Used.Bytes != 1 {
		t.Errorf("the next one has %+v, %v", next, err)
	}
}
