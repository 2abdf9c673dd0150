package state

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAliases(t *testing.T) {
	s := open(t, t.TempDir())
	for _, step := range []struct{ keep, want map[string][]byte }{
		{nil, map[string][]byte{}},
		{map[string][]byte{"/a": []byte("one"), "/b": []byte("two")}, map[string][]byte{"/a": []byte("one"), "/b": []byte("two")}},
		{map[string][]byte{"/a": []byte("1"), "/b": nil, "/c": nil}, map[string][]byte{"/a": []byte("1")}},
	} {
		if err := s.KeepAliases(step.keep); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
		got, err := s.Aliases()
		if diff := cmp.Diff(step.want, got); diff != "" || err != nil {
			t.Errorf("after %q (-want +got), %v:\n%s", step.keep, err, diff)
		}
	}
}
