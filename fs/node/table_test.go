package node

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"grantfs/policy"
)

var dirIdentity = Identity{Kind: KindBacked, Type: policy.TypeDir}

// newTestTable returns a table in memory of the garbage collector's, which the
// race detector watches.
func newTestTable(t testing.TB, onFree func(uint64)) (*Table, *[][]byte) {
	t.Helper()
	var chunks [][]byte
	tab, err := NewTable(func(size int) ([]byte, error) {
		b := make([]byte, size)
		chunks = append(chunks, b)
		return b, nil
	}, 0, onFree)
	if err != nil {
		t.Fatal(err)
	}
	return tab, &chunks
}

func ignore(uint64) {}

// ref looks up what is called name in parent.
func ref(t testing.TB, tab *Table, ino, parent uint64, name string) *Node {
	t.Helper()
	id := dirIdentity
	id.Ino = ino
	n, _, err := tab.Ref(Key{Ino: ino}, id, Where{Parent: parent, Name: name})
	if err != nil {
		t.Fatalf("Ref(%d, %q) = %v", ino, name, err)
	}
	return n
}

func TestTableKeepsParents(t *testing.T) {
	var freed []uint64
	tab, _ := newTestTable(t, func(id uint64) { freed = append(freed, id) })
	dir := ref(t, tab, 10, RootID, "d")
	file, fresh, err := tab.Ref(Key{Ino: 11}, Identity{Kind: KindBacked, Type: policy.TypeFile, Ino: 11}, Where{Parent: dir.ID, Name: "f", Depth: 1, Epoch: 7})
	if err != nil || !fresh {
		t.Fatalf("Ref of a new key: fresh %v, %v", fresh, err)
	}
	if again, fresh, _ := tab.Ref(Key{Ino: 11}, Identity{}, Where{Parent: dir.ID, Name: "f", Depth: 1, Epoch: 7}); again != file || fresh {
		t.Fatalf("Ref of a known key = %v, fresh %v", again, fresh)
	}
	if w := *file.Where(); w != (Where{Parent: dir.ID, Name: "f", Depth: 1, Epoch: 7}) {
		t.Errorf("Where() = %+v", w)
	}

	tab.Forget(dir.ID, 1)
	if tab.Get(dir.ID) == nil {
		t.Error("a directory with a live child was freed")
	}
	tab.Forget(file.ID, 1)
	if len(freed) != 0 {
		t.Errorf("freed %v while the file was looked up twice and forgotten once", freed)
	}
	tab.Forget(file.ID, 1)
	if want := []uint64{file.ID, dir.ID}; !slices.Equal(freed, want) {
		t.Errorf("freed %v, want the file and then its directory, %v", freed, want)
	}
	if tab.Len() != 0 {
		t.Errorf("Len() = %d, want 0", tab.Len())
	}
	tab.Forget(RootID, 1)
	if tab.Get(RootID) == nil {
		t.Error("the mount's root was forgotten")
	}
}

func TestTableNeverReusesAnID(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	seen := map[uint64]bool{}
	for i := range uint64(100) {
		n := ref(t, tab, i, RootID, "x")
		if seen[n.ID] {
			t.Fatalf("id %#x was given twice", n.ID)
		}
		seen[n.ID] = true
		n.Check(1)
		tab.Forget(n.ID, 1)
		if tab.Get(n.ID) != nil {
			t.Fatal("a forgotten node is still found")
		}
		n.Check(2)
	}
	if len(seen) != 100 || tab.slots.next != RootID+2 {
		t.Errorf("%d ids in %d slots, want 100 in one", len(seen), tab.slots.next-RootID-1)
	}
	if n := ref(t, tab, 1, RootID, "x"); n.Checked() != 0 {
		t.Errorf("a new node was checked at %d", n.Checked())
	}
}

// TestTableRetiresASlot: when the generations of an index are used up, the index
// is not used any more.
func TestTableRetiresASlot(t *testing.T) {
	tab, chunks := newTestTable(t, ignore)
	n := ref(t, tab, 1, RootID, "x")
	first := uint32(n.ID)
	tab.Forget(n.ID, 1)
	tab.slots.at(first).head.Store((lastGen - 1) << indexBits)
	for range 3 {
		n = ref(t, tab, 1, RootID, "x")
		tab.Forget(n.ID, 1)
	}
	if uint32(n.ID) == first {
		t.Errorf("id %#x lies in a slot whose generations are used up", n.ID)
	}
	again, err := Open(*chunks, nil, ignore)
	if err != nil {
		t.Fatal(err)
	}
	if n := ref(t, again, 1, RootID, "x"); uint32(n.ID) == first {
		t.Error("the slot was taken up again by another process")
	}
}

func TestTableMove(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	a := ref(t, tab, 1, RootID, "a")
	b := ref(t, tab, 2, RootID, "b")
	f := ref(t, tab, 3, a.ID, "f")
	tab.Forget(a.ID, 1)
	before := f.Where()
	tab.Move(f, Where{Parent: b.ID, Name: "g", Depth: 2, Epoch: 5})
	if tab.Get(a.ID) != nil {
		t.Error("the old parent lives on although nobody knows it")
	}
	if w := *tab.Get(f.ID).Where(); w != (Where{Parent: b.ID, Name: "g", Depth: 2, Epoch: 5}) {
		t.Errorf("Where() = %+v", w)
	}
	f.Refresh(before, &Where{Parent: a.ID, Name: "f", Epoch: 6})
	if w := tab.Get(f.ID).Where(); w.Name != "g" || w.Epoch != 5 {
		t.Errorf("rules that were found for the old place reached the node: %+v", w)
	}
	if _, _, err := tab.Ref(Key{Ino: 9}, dirIdentity, Where{Parent: a.ID, Name: "x"}); !errors.Is(err, ErrGone) {
		t.Errorf("Ref in a forgotten directory = %v, want ErrGone", err)
	}
}

// TestTableNames: names of every length are kept, in as many slots as they need.
func TestTableNames(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	n := ref(t, tab, 1, RootID, "x")
	for _, length := range []int{1, inlineName, inlineName + 1, maxName, maxName - 1, 2, inlineName + 1, 0} {
		name := strings.Repeat("ä", 128)[:length]
		tab.Move(n, Where{Parent: RootID, Name: name})
		if w := tab.Get(n.ID).Where(); w.Name != name {
			t.Errorf("a name of %d bytes is kept as %q", length, w.Name)
		}
		if again := ref(t, tab, 1, RootID, name); again != tab.Get(n.ID) {
			t.Errorf("a Ref to where a node of %d bytes lies makes another Node", length)
		}
	}
	if tab.slots.next > RootID+4 {
		t.Errorf("%d slots for one node", tab.slots.next-RootID-1)
	}
	tab.Move(n, Where{Parent: RootID, Name: strings.Repeat("x", maxName+1)})
	if w := tab.Get(n.ID).Where(); !w.Lost {
		t.Errorf("a node with a name that can't be is not lost: %+v", w)
	}
}

// TestTableKeys: one object in two views, or mounted twice, or hard-linked in
// two directories, is as many nodes.
func TestTableKeys(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	a, b := ref(t, tab, 1, RootID, "a"), ref(t, tab, 2, RootID, "b")
	keys := []Key{
		{View: 1, Source: 1, Dev: 1, Ino: 7},
		{View: 2, Source: 1, Dev: 1, Ino: 7},
		{View: 1, Source: 2, Dev: 1, Ino: 7},
		{View: 1, Source: 1, Dev: 2, Ino: 7},
		{View: 1, Source: 1, Dev: 1, Ino: 8},
		{View: 1, Source: 1, Dev: 1, Ino: 7, Root: a.ID},
		{View: 1, Source: 1, Dev: 1, Ino: 7, Parent: a.ID},
		{View: 1, Source: 1, Dev: 1, Ino: 7, Parent: b.ID},
		{View: 1, Source: 1, Dev: 1, Ino: 7, Parent: a.ID, Name: "n"},
		{View: 1, Source: 1, Dev: 1, Ino: 7, Parent: a.ID, Name: "m"},
	}
	nodes := map[uint64]int{}
	for i, k := range keys {
		if tab.Lookup(k) != nil {
			t.Errorf("key %d is known before its first lookup", i)
		}
		where := Where{Parent: max(k.Parent, RootID), Name: k.Name}
		n, fresh, err := tab.Ref(k, Identity{Kind: KindBacked, View: k.View, Source: k.Source, Root: k.Root, Dev: k.Dev, Ino: k.Ino}, where)
		if err != nil || !fresh {
			t.Fatalf("key %d: fresh %v, %v", i, fresh, err)
		}
		nodes[n.ID] = i
		if got := tab.Lookup(k); got != n {
			t.Errorf("Lookup of key %d = %v", i, got)
		}
	}
	if len(nodes) != len(keys) {
		t.Errorf("%d keys are %d nodes", len(keys), len(nodes))
	}
}

// TestTableMovesLinks: a hard-linked file belongs to its directory; moved to
// another it is that one's, unless that one has a node of its own for it.
func TestTableMovesLinks(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	a, b, c := ref(t, tab, 1, RootID, "a"), ref(t, tab, 2, RootID, "b"), ref(t, tab, 3, RootID, "c")
	link := func(dir *Node) *Node {
		t.Helper()
		n, _, err := tab.Ref(Key{Ino: 7, Parent: dir.ID}, Identity{Kind: KindBacked, Ino: 7}, Where{Parent: dir.ID, Name: "l"})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	inA, inB := link(a), link(b)
	tab.Move(inA, Where{Parent: c.ID, Name: "l"})
	if n := tab.Lookup(Key{Ino: 7, Parent: c.ID}); n == nil || n.ID != inA.ID {
		t.Errorf("at its new place the node is %v", n)
	}
	if n := tab.Lookup(Key{Ino: 7, Parent: a.ID}); n != nil {
		t.Errorf("at its old place there is still node %#x", n.ID)
	}
	tab.Move(inA, Where{Parent: b.ID, Name: "m"})
	if n := tab.Lookup(Key{Ino: 7, Parent: b.ID}); n == nil || n.ID != inB.ID {
		t.Errorf("the node that b had is now %v", n)
	}
	if w := tab.Get(inA.ID).Where(); w.Parent != b.ID || w.Name != "m" {
		t.Errorf("the other lies at %+v", w)
	}
	tab.Move(inA, Where{Parent: a.ID, Name: "l"})
	if n := tab.Lookup(Key{Ino: 7, Parent: a.ID}); n == nil || n.ID != inA.ID {
		t.Errorf("moved back it is %v", n)
	}
	tab.Forget(inA.ID, 1)
	tab.Forget(inB.ID, 1)
	if tab.Len() != 3 {
		t.Errorf("Len() = %d, want the three directories", tab.Len())
	}
}

// TestTableRefusesCycles: two directories that were swapped beside what the
// table knows must not become each other's parent.
func TestTableRefusesCycles(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	a := ref(t, tab, 1, RootID, "a")
	b := ref(t, tab, 2, a.ID, "b")
	if n, _, err := tab.Ref(Key{Ino: 1}, dirIdentity, Where{Parent: b.ID, Name: "a"}); !errors.Is(err, ErrCycle) {
		t.Errorf("Ref of a below b below a = %v, %v, want ErrCycle", n, err)
	}
	if w := tab.Get(a.ID).Where(); w.Parent != RootID {
		t.Error("a refused Ref has moved the node")
	}
	tab.Move(a, Where{Parent: b.ID, Name: "a"})
	if w := tab.Get(a.ID).Where(); !w.Lost {
		t.Errorf("after a Move that can't be: %+v, want it to be lost", w)
	}
	if n := ref(t, tab, 1, RootID, "a"); n.ID != a.ID || n.Where().Lost {
		t.Errorf("a lost node is not found again: %+v", n.Where())
	}
	tab.Forget(a.ID, 2)
	tab.Forget(b.ID, 1)
	if tab.Len() != 0 {
		t.Errorf("Len() = %d, want 0", tab.Len())
	}
}

// TestTableDepth: a lookup says how deep a node lies, whatever was found since the
// last one.
func TestTableDepth(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	at := func(epoch uint64) *Where {
		n, _, err := tab.Ref(Key{Ino: 1}, dirIdentity, Where{Parent: RootID, Name: "d", Depth: 1, Epoch: epoch})
		if err != nil {
			t.Fatal(err)
		}
		return n.Where()
	}
	w := at(1)
	n := tab.Lookup(Key{Ino: 1})
	if n == nil {
		t.Fatal("not found")
	}
	moved := *w
	moved.Depth, moved.Epoch = 9, 2 // a directory above was moved
	n.Refresh(w, &moved)
	if w := at(3); w.Depth != 1 { // and back
		t.Errorf("Depth is %d, want 1", w.Depth)
	}
}

// TestTableRefusesDepths: what is not moved far is found with a bounded number of
// steps, and what lies too deep is not known at all.
func TestTableRefusesDepths(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	if n, _, err := tab.Ref(Key{Ino: 1}, dirIdentity, Where{Parent: RootID, Name: "d", Depth: MaxDepth + 1}); !errors.Is(err, ErrDeep) {
		t.Errorf("Ref of what lies too deep = %v, %v, want ErrDeep", n, err)
	}
	top := ref(t, tab, 1, RootID, "top")
	ref(t, tab, 2, top.ID, "below")
	chain := uint64(RootID)
	for i := range maxChain + 1 {
		chain = ref(t, tab, uint64(10+i), chain, "d").ID
	}
	tab.Move(top, Where{Parent: chain, Name: "top"})
	if w := tab.Get(top.ID).Where(); !w.Lost {
		t.Errorf("after a Move below too many directories: %+v, want it to be lost", w)
	}
}

// TestTableLimitsViews: a view that has too many nodes gets no more, the others
// do.
func TestTableLimitsViews(t *testing.T) {
	tab, _ := newTestTable(t, ignore)
	tab.Limit(2, 3)
	add := func(view uint32, ino uint64) (*Node, error) {
		n, _, err := tab.Ref(Key{View: view, Ino: ino}, Identity{Kind: KindBacked, View: view, Ino: ino}, Where{Parent: RootID, Name: "f"})
		return n, err
	}
	var first *Node
	for i, crowded := range []bool{false, true, true} {
		n, err := add(1, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = n
		}
		if got := tab.Crowded(1); got != crowded {
			t.Errorf("with %d nodes: Crowded = %v", i+1, got)
		}
	}
	if _, err := add(1, 9); !errors.Is(err, ErrFull) {
		t.Errorf("a node over the limit: %v, want ErrFull", err)
	}
	if _, err := add(1, 0); err != nil {
		t.Errorf("a known node of a full view: %v", err)
	}
	if _, err := add(2, 9); err != nil || tab.Crowded(2) {
		t.Errorf("a node of another view: %v", err)
	}
	tab.Forget(first.ID, 2)
	if _, err := add(1, 9); err != nil {
		t.Errorf("a node after another was forgotten: %v", err)
	}
}

func TestTableWithoutMemory(t *testing.T) {
	boom := errors.New("boom")
	if _, err := NewTable(func(int) ([]byte, error) { return nil, boom }, 0, ignore); !errors.Is(err, boom) || !errors.Is(err, ErrFull) {
		t.Errorf("NewTable without memory = %v", err)
	}
}
