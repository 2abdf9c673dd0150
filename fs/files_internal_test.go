package fs

import (
	"slices"
	"testing"
	"time"

	"grantfs/fs/memory"
)

// registered gives an open file a backing id as backingID does.
func registered(fs *files, node uint64, id int32) {
	f, _ := fs.opened(node, false)
	f.backing.Store(id)
}

// TestKeptBackings: an id is given back once, and never while its file is open.
func TestKeptBackings(t *testing.T) {
	var released []int32
	expect := func(when string, want ...int32) {
		t.Helper()
		if !slices.Equal(released, want) {
			t.Errorf("%s: gave back %v, want %v", when, released, want)
		}
		released = nil
	}
	var fs files
	m, err := memory.New()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := fs.init(m, func(id int32) { released = append(released, id) }); err != nil {
		t.Fatal(err)
	}
	ever := time.Now().Add(time.Hour)

	registered(&fs, 1, 11)
	registered(&fs, 2, 12)
	fs.closed(1)
	fs.expire(time.Now().Add(-time.Hour))
	expect("closed a moment ago")
	if f, _ := fs.opened(1, false); f.backing.Load() != 11 {
		t.Errorf("opened again with backing %d, want 11", f.backing.Load())
	}
	fs.expire(ever)
	expect("both are open")
	fs.closed(2)
	fs.closed(1)
	fs.expire(ever)
	expect("both were closed long ago", 12, 11)
	fs.drop(1)
	expect("forgotten after that")

	fs.opened(3, true)
	fs.closed(3)
	if len(fs.byNode) != 0 || fs.idle.Len() != 0 {
		t.Errorf("%d files are known and %d kept, of which none has a backing", len(fs.byNode), fs.idle.Len())
	}

	registered(&fs, 4, 14)
	fs.closed(4)
	fs.drop(4)
	expect("forgotten by the kernel", 14)

	for i := range uint64(keptBackings + 2) {
		registered(&fs, 100+i, int32(100+i))
		fs.closed(100 + i)
	}
	expect("more than are kept", 100, 101)
	if fs.idle.Len() != keptBackings || len(fs.byNode) != keptBackings {
		t.Errorf("%d files are kept of %d, want %d", fs.idle.Len(), len(fs.byNode), keptBackings)
	}
}

func TestHabits(t *testing.T) {
	var h habits
	h.note(7, habitStats)
	h.note(0, habitNames)
	for pid, want := range map[uint32]habit{7: habitStats, 0: habitUnknown, 8: habitUnknown, 7 + uint32(len(h)): habitUnknown} {
		if got := h.of(pid); got != want {
			t.Errorf("habit of %d is %d, want %d", pid, got, want)
		}
	}
	h.note(7+uint32(len(h)), habitNames)
	if got := h.of(7); got != habitUnknown {
		t.Errorf("habit of 7 is %d after another took its place", got)
	}
}
