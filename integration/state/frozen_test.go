package state

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is frozen stays so over a restart, since it was frozen first.
func TestFrozen(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, f := range []func() error{
		func() error { return s.Freeze("site:o1/a.test", first) },
		func() error { return s.Freeze("site:o1/a.test", first.Add(time.Hour)) },
		func() error { return s.Freeze("account:alice", first) },
		func() error { return s.Thaw("account:alice") },
		func() error { return s.Thaw("account:bob") },
		s.Close,
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := s.Frozen()
	if diff := cmp.Diff(map[string]time.Time{"site:o1/a.test": first}, got); diff != "" || err != nil {
		t.Errorf("Frozen() = %v (-want +got):\n%s", err, diff)
	}
}
