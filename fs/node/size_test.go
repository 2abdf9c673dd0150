package node

import (
	"runtime"
	"strconv"
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
	grow, chunks := mapped(t), 0
	tab, err := NewTable(func(size int) ([]byte, error) {
		chunks++
		return grow(size)
	}, 0, ignore)
	if err != nil {
		t.Fatal(err)
	}
	dir := ref(t, tab, 1<<40, RootID, "sites")
	fill := func(count uint64) []uint64 {
		ids := make([]uint64, 0, million)
		for i := range count {
			n, _, err := tab.Ref(Key{Ino: i}, Identity{Kind: KindBacked, Type: policy.TypeFile, Ino: i}, Where{Parent: dir.ID, Name: "a name as long as those of photographs " + strconv.FormatUint(i, 10)})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, n.ID)
		}
		return ids
	}
	ids := fill(million - 1)
	for _, id := range ids[:2*cacheSize] {
		tab.Get(id)
	}
	used := heap() - before - 8*million // without the list of ids
	mappedThen := chunks * ChunkSize
	per := (used + mappedThen) / million
	t.Logf("%d nodes: %d bytes mapped, %d on the heap, %d bytes each", tab.Len(), mappedThen, used, per)
	if tab.Len() != million || per > bytesPerNode {
		t.Errorf("%d nodes of %d bytes each, want at most %d", tab.Len(), per, bytesPerNode)
	}
	for _, id := range ids {
		tab.Forget(id, 1)
	}
	if tab.Len() != 1 {
		t.Errorf("Len() = %d after all but the directory were forgotten", tab.Len())
	}
	fill(million / 10)
	if got := chunks * ChunkSize; got != mappedThen {
		t.Errorf("%d bytes are mapped after others have come, %d before", got, mappedThen)
	}
}

// heap returns the bytes that are live on the heap.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
