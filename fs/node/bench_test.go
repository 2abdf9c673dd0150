package node

import (
	"strconv"
	"testing"

	"grantfs/fs/memory"
	"grantfs/policy"
)

// mapped returns the Grow of memory outside the garbage collector's sight.
func mapped(t testing.TB) Grow {
	m, err := memory.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.Grow(memory.Nodes)
}

// benchTable returns a table with a directory of count files.
func benchTable(b *testing.B, count int) (*Table, []Key, []*Node) {
	tab, err := NewTable(mapped(b), 0, ignore)
	if err != nil {
		b.Fatal(err)
	}
	keys, nodes := make([]Key, count), make([]*Node, count)
	for i := range keys {
		keys[i] = Key{View: 1, Source: 1, Dev: 1, Ino: uint64(i)}
		n, _, err := tab.Ref(keys[i], Identity{Kind: KindBacked, Type: policy.TypeFile, View: 1, Source: 1, Dev: 1, Ino: uint64(i)}, Where{Parent: RootID, Name: strconv.Itoa(i)})
		if err != nil {
			b.Fatal(err)
		}
		nodes[i] = n
	}
	return tab, keys, nodes
}

func BenchmarkGet(b *testing.B) {
	for _, count := range []int{1000, 100_000} { // in the cache, and not
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			tab, _, nodes := benchTable(b, count)
			ids := make([]uint64, count)
			for i, n := range nodes {
				ids[i] = n.ID
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if tab.Get(ids[i%count]) == nil {
						b.Error("a node is gone")
						return
					}
				}
			})
		})
	}
}

// BenchmarkRefKnown is a LOOKUP of what is known, and its FORGET.
func BenchmarkRefKnown(b *testing.B) {
	for _, count := range []int{1000, 100_000} {
		b.Run(strconv.Itoa(count), func(b *testing.B) {
			tab, keys, nodes := benchTable(b, count)
			wheres, ids := make([]Where, count), make([]Identity, count)
			for i, n := range nodes {
				wheres[i], ids[i] = *n.Where(), n.Identity
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				n, _, err := tab.Ref(keys[i%count], ids[i%count], wheres[i%count])
				if err != nil {
					b.Fatal(err)
				}
				tab.Forget(n.ID, 1)
			}
		})
	}
}

// BenchmarkRefFresh is a node's whole life.
func BenchmarkRefFresh(b *testing.B) {
	tab, _, _ := benchTable(b, 100_000)
	id := Identity{Kind: KindBacked, Type: policy.TypeFile, View: 1}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		n, _, err := tab.Ref(Key{View: 1, Ino: uint64(1e6 + i)}, id, Where{Parent: RootID, Name: "a name of some length"})
		if err != nil {
			b.Fatal(err)
		}
		tab.Forget(n.ID, 1)
	}
}

// BenchmarkOpen takes a table of 100,000 nodes over.
func BenchmarkOpen(b *testing.B) {
	tab, chunks := newTestTable(b, ignore)
	for i := range uint64(100_000) {
		ref(b, tab, i, RootID, "a name of some length")
	}
	for b.Loop() {
		opened, err := Open(*chunks, nil, ignore)
		if err != nil || opened.Len() != 100_000 {
			b.Fatal(err)
		}
	}
}
