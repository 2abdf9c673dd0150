package node

import (
	"errors"
	"testing"

	"grantfs/policy"
)

func TestTableKeepsParents(t *testing.T) {
	var freed []string
	tab := NewTable(func(n *Node) { freed = append(freed, n.Where().Name) })
	root := tab.Get(RootID)
	dir, fresh, _ := tab.Ref(Key{Name: "d"}, Identity{Type: policy.TypeDir}, Where{Parent: root, Name: "d"})
	if !fresh {
		t.Fatal("Ref of a new key is not fresh")
	}
	file, _, _ := tab.Ref(Key{Name: "f"}, Identity{Type: policy.TypeFile}, Where{Parent: dir, Name: "f"})
	if again, fresh, _ := tab.Ref(Key{Name: "f"}, Identity{}, Where{Parent: dir, Name: "f"}); again != file || fresh {
		t.Fatalf("Ref of a known key = %v, fresh %v", again, fresh)
	}

	tab.Forget(dir.ID, 1)
	if tab.Get(dir.ID) != dir {
		t.Error("a directory with a live child was freed")
	}
	tab.Forget(file.ID, 1)
	if len(freed) != 0 {
		t.Errorf("freed %v while the file was looked up twice and forgotten once", freed)
	}
	tab.Forget(file.ID, 1)
	if got := len(freed); got != 2 {
		t.Errorf("freed %v, want the file and then its directory", freed)
	}
	if tab.Len() != 0 {
		t.Errorf("Len() = %d, want 0", tab.Len())
	}
}

func TestTableNeverReusesAnID(t *testing.T) {
	tab := NewTable(func(*Node) {})
	root := tab.Get(RootID)
	seen := map[uint64]bool{}
	for range 100 {
		n, _, _ := tab.Ref(Key{Name: "x"}, Identity{}, Where{Parent: root, Name: "x"})
		if seen[n.ID] {
			t.Fatalf("id %#x was given twice", n.ID)
		}
		seen[n.ID] = true
		tab.Forget(n.ID, 1)
		if tab.Get(n.ID) != nil {
			t.Fatal("a forgotten node is still found")
		}
	}
}

func TestTableMove(t *testing.T) {
	tab := NewTable(func(*Node) {})
	root := tab.Get(RootID)
	a, _, _ := tab.Ref(Key{Name: "a"}, Identity{}, Where{Parent: root, Name: "a"})
	b, _, _ := tab.Ref(Key{Name: "b"}, Identity{}, Where{Parent: root, Name: "b"})
	f, _, _ := tab.Ref(Key{Name: "f"}, Identity{}, Where{Parent: a, Name: "f"})
	tab.Forget(a.ID, 1)
	tab.Move(f, Where{Parent: b, Name: "g"})
	if tab.Get(a.ID) != nil {
		t.Error("the old parent lives on although nobody knows it")
	}
	if w := f.Where(); w.Parent != b || w.Name != "g" {
		t.Errorf("Where() = %v", w)
	}
}

// TestTableRefusesCycles: two directories that were swapped beside what the
// table knows must not become each other's parent.
func TestTableRefusesCycles(t *testing.T) {
	tab := NewTable(func(*Node) {})
	root := tab.Get(RootID)
	dir := Identity{Type: policy.TypeDir}
	a, _, _ := tab.Ref(Key{Name: "a"}, dir, Where{Parent: root, Name: "a"})
	b, _, _ := tab.Ref(Key{Name: "b"}, dir, Where{Parent: a, Name: "b"})
	if n, _, err := tab.Ref(Key{Name: "a"}, dir, Where{Parent: b, Name: "a"}); !errors.Is(err, ErrCycle) {
		t.Errorf("Ref of a below b below a = %v, %v, want ErrCycle", n, err)
	}
	if w := a.Where(); w.Parent != root {
		t.Error("a refused Ref has moved the node")
	}
	tab.Move(a, Where{Parent: b, Name: "a"})
	if w := a.Where(); !w.Lost {
		t.Errorf("after a Move that can't be: %+v, want it to be lost", w)
	}
	if _, _, err := tab.Ref(Key{Name: "a"}, dir, Where{Parent: root, Name: "a"}); err != nil || a.Where().Lost {
		t.Errorf("a lost node is not found again: %v", err)
	}
	tab.Forget(a.ID, 2)
	tab.Forget(b.ID, 1)
	if tab.Len() != 0 {
		t.Errorf("Len() = %d, want 0", tab.Len())
	}
}
