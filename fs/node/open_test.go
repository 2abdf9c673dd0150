package node

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"grantfs/policy"
)

// description is everything that a table answers.
type description struct {
	Len   int
	Views [3]int
	Nodes []described
}

type described struct {
	ID, ByKey uint64
	Identity  Identity
	Where     Where
	Checked   int64
}

func describe(t *testing.T, tab *Table, ids []uint64, keys map[uint64]Key) description {
	t.Helper()
	d := description{Len: tab.Len()}
	for view := range d.Views {
		d.Views[view] = tab.nodesOf(uint32(view))
	}
	for _, id := range ids {
		var one described
		if n := tab.Get(id); n != nil {
			one = described{ID: n.ID, Identity: n.Identity, Where: *n.Where(), Checked: n.Checked()}
			one.Where.Place, one.Where.Epoch = nil, 0 // found again
		}
		if n := tab.Lookup(keys[id]); n != nil {
			one.ByKey = n.ID
		}
		d.Nodes = append(d.Nodes, one)
	}
	return d
}

// exhausted is the Grow of a table that must not ask for memory.
func exhausted(int) ([]byte, error) { return nil, errors.New("no more") }

// TestOpen: another table over the same memory answers the same, to lookups,
// forgets and moves, and forgets the same in the end.
func TestOpen(t *testing.T) {
	old, chunks := newTestTable(t, ignore)
	rnd := rand.New(rand.NewPCG(1, 2))
	dirs := []uint64{RootID}
	var ids []uint64
	keys := map[uint64]Key{}
	for i := range uint64(10_000) {
		k := Key{View: uint32(i % 3), Source: 1, Dev: 5, Ino: i, Root: RootID}
		name := strings.Repeat("n", 1+rnd.IntN(maxName))
		parent := dirs[rnd.IntN(len(dirs))]
		if old.Get(parent) == nil {
			parent = RootID // that one was forgotten
		}
		id := Identity{Kind: KindBacked, Type: policy.TypeFile, View: k.View, Source: 1, Root: RootID, Ino: i, Dev: 5}
		switch i % 4 {
		case 1:
			k.Parent = parent
		case 2:
			k.Parent, k.Name = parent, name
		}
		n, _, err := old.Ref(k, id, Where{Parent: parent, Name: name, Depth: int(i % MaxDepth), Epoch: 3})
		if err != nil {
			t.Fatal(err)
		}
		n.Check(int64(i))
		keys[n.ID] = k
		ids = append(ids, n.ID)
		if i%7 == 0 {
			dirs = append(dirs, n.ID)
		}
		if i%5 == 0 {
			old.Forget(ids[rnd.IntN(len(ids))], 1)
		}
	}
	was := describe(t, old, ids, keys)
	opened, err := Open(*chunks, exhausted, ignore)
	if err != nil {
		t.Fatal(err)
	}
	is := describe(t, opened, ids, keys)
	if is.Len != was.Len || is.Views != was.Views {
		t.Errorf("%d nodes, %v by view; were %d, %v", is.Len, is.Views, was.Len, was.Views)
	}
	for i := range was.Nodes {
		if is.Nodes[i] != was.Nodes[i] {
			t.Fatalf("node %#x is %+v, was %+v", ids[i], is.Nodes[i], was.Nodes[i])
		}
	}

	for _, id := range ids {
		opened.Forget(id, 1)
	}
	if opened.Len() != 0 {
		t.Errorf("%d nodes are left of a table that was forgotten", opened.Len())
	}
	n := ref(t, opened, 1, RootID, "x")
	for _, id := range ids {
		if id == n.ID {
			t.Fatalf("a new node got the old id %#x", id)
		}
	}
}

// TestOpenInterrupted: the process ended inside of a change.
func TestOpenInterrupted(t *testing.T) {
	long := strings.Repeat("l", maxName)
	tests := []struct {
		name   string
		breaks func(tab *Table, a, b, f *slot)
		lost   bool
		live   int
	}{
		{"nothing", func(*Table, *slot, *slot, *slot) {}, false, 3},
		{"slot filled but not marked", func(tab *Table, _, _, f *slot) {
			i, _ := tab.slots.take()
			tab.slots.at(i).body = f.body
		}, false, 3},
		{"node made but not counted", func(tab *Table, a, _, f *slot) {
			i, _ := tab.slots.take()
			s := tab.slots.at(i)
			s.body = body{ident: f.ident, kind: KindBacked, parent: f.parent}
			s.ino = 99
			s.mark(stateNode)
		}, false, 3},
		{"rest of a name without a node", func(tab *Table, _, _, _ *slot) {
			if _, err := tab.slots.reserve(long); err != nil {
				t.Fatal(err)
			}
		}, false, 3},
		{"moving, name half written", func(_ *Table, _, _, f *slot) {
			f.mark(stateMoving)
			f.nameLen = maxName
		}, true, 3},
		{"moving, parent changed and not counted", func(tab *Table, _, b, f *slot) {
			f.mark(stateMoving)
			f.parent = uint32(tab.Lookup(Key{Ino: 2}).ID)
		}, true, 3},
		{"parent changed, the old one not dropped", func(tab *Table, a, _, f *slot) {
			f.parent = uint32(tab.Lookup(Key{Ino: 2}).ID)
			a.lookups = 0
		}, false, 2},
		{"forgotten but not dropped", func(_ *Table, a, _, f *slot) { a.lookups, f.lookups = 0, 0 }, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tab, chunks := newTestTable(t, ignore)
			a, b := ref(t, tab, 1, RootID, "a"), ref(t, tab, 2, RootID, "b")
			f := ref(t, tab, 3, a.ID, "f")
			tt.breaks(tab, tab.slots.at(uint32(a.ID)), tab.slots.at(uint32(b.ID)), tab.slots.at(uint32(f.ID)))
			opened, err := Open(*chunks, exhausted, ignore)
			if err != nil {
				t.Fatal(err)
			}
			if opened.Len() != tt.live {
				t.Errorf("Len() = %d, want %d", opened.Len(), tt.live)
			}
			n := opened.Get(f.ID)
			if n == nil {
				return
			}
			if w := n.Where(); w.Lost != tt.lost || !tt.lost && w.Name != "f" {
				t.Errorf("Where() = %+v, want lost %v", w, tt.lost)
			}
			if n := ref(t, opened, 3, RootID, long); n.ID != f.ID || n.Where().Lost {
				t.Errorf("looked up again it is %#x at %+v", n.ID, n.Where())
			}
			opened.Forget(f.ID, 2)
			opened.Forget(a.ID, 1)
			opened.Forget(b.ID, 1)
			if opened.Len() != 0 {
				t.Errorf("%d nodes are left", opened.Len())
			}
			for range chunkSlots - 3 { // but the header and the root
				ref(t, opened, rand.Uint64(), RootID, "x")
			}
			if len(opened.slots.chunks) != 1 {
				t.Error("a slot was lost")
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(mem []byte) []byte
	}{
		{"no magic", func(mem []byte) []byte { mem[0]++; return mem }},
		{"another version", func(mem []byte) []byte { mem[8]++; return mem }},
		{"slots of another size", func(mem []byte) []byte { mem[12]++; return mem }},
		{"another chunk", func(mem []byte) []byte { mem[16]++; return mem }},
		{"too short", func(mem []byte) []byte { return mem[:ChunkSize-8] }},
		{"without a root", func([]byte) []byte { return make([]byte, ChunkSize) }},
		{"nothing", func([]byte) []byte { return nil }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tab, chunks := newTestTable(t, ignore)
			ref(t, tab, 1, RootID, "a")
			if _, err := Open([][]byte{tt.breaks((*chunks)[0])}, exhausted, ignore); !errors.Is(err, ErrLayout) {
				t.Errorf("Open = %v, want ErrLayout", err)
			}
		})
	}
	if _, err := Open(nil, exhausted, ignore); !errors.Is(err, ErrLayout) {
		t.Errorf("Open of no memory = %v, want ErrLayout", err)
	}
	tab, chunks := newTestTable(t, ignore)
	n := ref(t, tab, 1, RootID, "a")
	tab.slots.at(uint32(n.ID)).parent = 77
	if _, err := Open(*chunks, exhausted, ignore); !errors.Is(err, ErrLayout) {
		t.Errorf("Open of a node without a parent = %v, want ErrLayout", err)
	}
}

// TestFirstGeneration: where the kernel holds ids of a table that was lost, none
// of them leads to a node of the next one, nor of its successor's.
func TestFirstGeneration(t *testing.T) {
	lost, _ := newTestTable(t, ignore)
	var chunks [][]byte
	grow := func(size int) ([]byte, error) {
		chunks = append(chunks, make([]byte, size))
		return chunks[len(chunks)-1], nil
	}
	next, err := NewTable(grow, 1<<21, ignore)
	if err != nil {
		t.Fatal(err)
	}
	old := map[uint64]bool{}
	for i := range uint64(100) {
		old[ref(t, lost, i, RootID, strconv.FormatUint(i, 10)).ID] = true
		if n := ref(t, next, i, RootID, strconv.FormatUint(i, 10)); old[n.ID] {
			t.Fatalf("id %#x is back", n.ID)
		}
	}
	successor, err := Open(chunks, grow, ignore)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(chunkSlots) { // beyond the chunk that was taken over
		if n := ref(t, successor, 1000+i, RootID, strconv.FormatUint(1000+i, 10)); old[n.ID] || n.ID>>indexBits < 1<<21 {
			t.Fatalf("id %#x in the successor", n.ID)
		}
	}
	if n := successor.Get(RootID); n == nil || n.Kind != KindTop {
		t.Errorf("the root is %v", n)
	}
}
