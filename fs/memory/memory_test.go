package memory_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/memory"
)

// made returns a new memory and a function that opens it again, as a successor
// would.
func made(t *testing.T) (*memory.Memory, func() (*memory.Memory, error)) {
	t.Helper()
	m, err := memory.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m, func() (*memory.Memory, error) {
		next, err := memory.Open(dup(t, m.FD()))
		if err == nil {
			t.Cleanup(func() { next.Close() })
		}
		return next, err
	}
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestSuccessorFindsChunks(t *testing.T) {
	m, again := made(t)
	for i := range 6 {
		mem, err := m.Grow(memory.Owner(1 + i%2))((1 + i) * 4096)
		if err != nil {
			t.Fatal(err)
		}
		mem[0], mem[len(mem)-1] = byte(i), 0xff
	}
	next, err := again()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		held := next.Held(memory.Owner(1 + i%2))
		if len(held) != 3 {
			t.Fatalf("owner %d holds %d chunks, want 3", 1+i%2, len(held))
		}
		if c := held[i/2]; len(c) != (1+i)*4096 || c[0] != byte(i) || c[len(c)-1] != 0xff {
			t.Errorf("chunk %d has %d bytes, from %d to %d", i, len(c), c[0], c[len(c)-1])
		}
	}
	if _, err := next.Grow(memory.Nodes)(100); err == nil {
		t.Error("Grow by a part of a page = nil")
	}
}

func TestDamage(t *testing.T) {
	for name, at := range map[string]int64{"magic": 0, "version": 8, "count": 16, "place of the chunk": 64 + 4} {
		t.Run(name, func(t *testing.T) {
			m, again := made(t)
			if _, err := m.Grow(memory.Nodes)(4096); err != nil {
				t.Fatal(err)
			}
			if _, err := unix.Pwrite(m.FD(), []byte{0xee, 0xee, 0xee}, at); err != nil {
				t.Fatal(err)
			}
			if _, err := again(); !errors.Is(err, memory.ErrLayout) {
				t.Errorf("Open = %v, want ErrLayout", err)
			}
		})
	}
}

func TestReset(t *testing.T) {
	m, _ := made(t)
	mem, err := m.Grow(memory.Nodes)(4096)
	if err != nil {
		t.Fatal(err)
	}
	mem[7] = 7
	empty, err := memory.Reset(dup(t, m.FD()))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if len(empty.Held(memory.Nodes)) != 0 || empty.Epoch() == 0 {
		t.Errorf("after Reset: %d chunks in epoch %d", len(empty.Held(memory.Nodes)), empty.Epoch())
	}
	if mem, err = empty.Grow(memory.Nodes)(4096); err != nil || mem[7] != 0 {
		t.Errorf("the first chunk after Reset: %v, byte %d", err, mem[7])
	}
}

type record struct{ a, b uint64 }

func TestSlots(t *testing.T) {
	m, again := made(t)
	table, err := memory.OpenSlots[record](m, memory.Handles, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint64]uint64{}
	var first uint64
	for i := range uint64(10000) { // several chunks
		number, _, err := table.Take(func(r *record) { *r = record{i, i * i} })
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := want[number]; twice || number == 0 {
			t.Fatalf("number %#x of record %d", number, i)
		}
		want[number] = i
		if i == 0 {
			first = number
		}
	}
	table.Give(first)
	delete(want, first)
	next, err := again()
	if err != nil {
		t.Fatal(err)
	}
	table, err = memory.OpenSlots[record](next, memory.Handles, 1)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for number, r := range table.Used() {
		if i, ok := want[number]; !ok || *r != (record{i, i * i}) {
			t.Fatalf("record %#x = %v, want %d", number, *r, i)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d records, want %d", n, len(want))
	}
	for range 10000 { // among them the place that was given back
		number, _, err := table.Take(func(*record) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := want[number]; twice || number == first {
			t.Fatalf("number %#x came back", number)
		}
	}
	if _, err := memory.OpenSlots[record](next, memory.Handles, 2); !errors.Is(err, memory.ErrLayout) {
		t.Errorf("OpenSlots of another version = %v, want ErrLayout", err)
	}
}

// TestSlotsOfAnotherEpoch holds that no number from before a Reset comes back.
func TestSlotsOfAnotherEpoch(t *testing.T) {
	m, _ := made(t)
	seen := map[uint64]bool{}
	take := func(m *memory.Memory) {
		table, err := memory.OpenSlots[record](m, memory.Handles, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			number, _, err := table.Take(func(*record) {})
			if err != nil {
				t.Fatal(err)
			}
			if seen[number] {
				t.Fatalf("number %#x came back", number)
			}
			seen[number] = true
		}
	}
	take(m)
	empty, err := memory.Reset(dup(t, m.FD()))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	take(empty)
}

func TestNames(t *testing.T) {
	m, again := made(t)
	names, held, err := memory.OpenNames(m, memory.Views)
	if err != nil || len(held) != 0 {
		t.Fatalf("a new list holds %q, %v", held, err)
	}
	var want []string
	for i := range 40000 { // several chunks
		name := fmt.Sprintf("/data/disk/o%d", i)
		if i%1000 == 0 {
			name = ""
		}
		want = append(want, name)
		if err := names.Append(name); err != nil {
			t.Fatal(err)
		}
	}
	next, err := again()
	if err != nil {
		t.Fatal(err)
	}
	names, held, err = memory.OpenNames(next, memory.Views)
	if err != nil || !slices.Equal(held, want) {
		t.Fatalf("the successor finds %d names, %v, want %d", len(held), err, len(want))
	}
	if err := names.Append("more"); err != nil {
		t.Fatal(err)
	}
	if _, held, _ = memory.OpenNames(next, memory.Views); len(held) != len(want)+1 || held[len(want)] != "more" {
		t.Errorf("%d names after one more, want %d", len(held), len(want)+1)
	}
}
