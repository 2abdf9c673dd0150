package quota

import "testing"

// numbers is a tree that is read by hand.
type numbers struct {
	*testing.T
	*Tree
}

// read reads dir, where those files with several names are, and tells what that
// finds.
func (n numbers) read(dir ID, want Charge, in Charge, linked ...linkedName) {
	n.Helper()
	n.begin(dir)
	l := &listing{sum: sum{bytes: in.Bytes, files: int32(in.Files), inodes: int32(in.Inodes)}, linked: linked, touch: true}
	if !n.end(l) {
		n.Error("the reading says nothing")
	}
	if got := n.found(); got != want {
		n.Errorf("it finds %+v, want %+v", got, want)
	}
}

// An inode's number is used again as soon as nobody has it, by others before we
// have noted that it was ours, or by us before it was read that it was theirs.
func TestNumberOfLinkedFile(t *testing.T) {
	theirs, ours, number := ID{1, 2}, ID{1, 3}, ID{1, 9}
	linked := linkedName{number, 100, 2}
	counted := func(t *testing.T) numbers {
		n := numbers{t, NewTree(Charge{})}
		n.start()
		n.read(theirs, Charge{}, Charge{})
		n.read(ours, Charge{}, Charge{})
		n.next()
		return n
	}
	for name, cost := range map[string]Charge{"directory": {Inodes: 1}, "file": {7, 1, 1}} {
		t.Run("of a "+name+" that we make", func(t *testing.T) {
			n := counted(t)
			n.read(theirs, Charge{100, 1, 1}, Charge{}, linked)
			n.Note(ours, number, cost)
			n.read(theirs, Charge{-100, -1, -1}, Charge{})
			n.read(ours, Charge{}, cost)
		})
		t.Run("of a "+name+" that we removed", func(t *testing.T) {
			n := counted(t)
			n.Note(ours, number, cost)
			n.read(theirs, Charge{100, 1, 1}, Charge{}, linked)
			n.Note(ours, number, cost.Neg())
			n.read(ours, Charge{}, Charge{})
			n.read(theirs, Charge{}, Charge{}, linked)
		})
	}
	t.Run("of a file that we make while it is read", func(t *testing.T) {
		n := counted(t)
		n.begin(theirs)
		n.Note(ours, number, Charge{7, 1, 1})
		if n.end(&listing{linked: []linkedName{linked}, touch: true}) {
			t.Error("what may have vanished is taken to be there")
		}
	})
	t.Run("of a file with one name left", func(t *testing.T) {
		n := counted(t)
		n.read(theirs, Charge{100, 1, 1}, Charge{}, linked)
		n.Note(theirs, number, Charge{-100, -1, -1})
		n.read(theirs, Charge{}, Charge{})
	})
}
