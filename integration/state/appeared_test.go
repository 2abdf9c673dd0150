package state

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAppeared(t *testing.T) {
	s := open(t, t.TempDir())
	before := time.Now().Truncate(time.Second)
	first, err := s.Appeared([]string{"a", "b"})
	if err != nil || len(first) != 2 || first["a"].Before(before) || first["a"].After(time.Now()) {
		t.Fatalf("Appeared = %v, %v", first, err)
	}
	s = reopen(t, s)
	again, err := s.Appeared([]string{"b", "c"})
	if err != nil || len(again) != 2 || !again["b"].Equal(first["b"]) {
		t.Errorf("Appeared after a restart = %v, %v, want b at %s", again, err, first["b"])
	}
	all, err := s.AllAppeared()
	if diff := cmp.Diff(map[string]time.Time{"a": first["a"], "b": first["b"], "c": again["c"]}, all); diff != "" || err != nil {
		t.Errorf("AllAppeared (-want +got), %v:\n%s", err, diff)
	}
}
