package node

import (
	"fmt"
	"runtime"
	"testing"

	"grantfs/policy"
)

// bytesPerNode is the promise of a live node's cost, everything included.
const bytesPerNode = 250

// TestMillionNodes: what a million live nodes cost, in mapped memory and on the
// heap, and that their slots are used again.
func TestMillionNodes(t *testing.T) {
	const million = 1_000_000
	before := heap()
	var memory Anonymous
	tab, err := NewTable(memory.Grow, ignore)
	if err != nil {
		t.Fatal(err)
	}
	fill := func() []uint64 {
		ids := make([]uint64, 0, million)
		dir := ref(t, tab, 1<<40, RootID, "sites")
		for i := range uint64(million - 1) {
			n, _, err := tab.Ref(Key{Ino: i}, Identity{Kind: KindBacked, Type: policy.TypeFile, Ino: i}, Where{Parent: dir.ID, Name: fmt.Sprintf("a name as long as those of photographs %d", i)})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, n.ID)
		}
		return append(ids, dir.ID)
	}
	ids := fill()
	for _, id := range ids[:2*cacheSize] {
		tab.Get(id)
	}
	used := heap() - before - 8*million // without the list of ids
	mapped := len(memory.chunks) * ChunkSize
	per := (used + mapped) / million
	t.Logf("%d nodes: %d bytes mapped, %d on the heap, %d bytes each", tab.Len(), mapped, used, per)
	if tab.Len() != million || per > bytesPerNode {
		t.Errorf("%d nodes of %d bytes each, want at most %d", tab.Len(), per, bytesPerNode)
	}
	for _, id := range ids {
		tab.Forget(id, 1)
	}
	if tab.Len() != 0 {
		t.Errorf("Len() = %d after all were forgotten", tab.Len())
	}
	fill()
	if got := len(memory.chunks) * ChunkSize; got != mapped {
		t.Errorf("a second million takes %d bytes mapped, the first %d", got, mapped)
	}
	if err := memory.Close(); err != nil {
		t.Error(err)
	}
}

// heap returns the bytes that are live on the heap.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
