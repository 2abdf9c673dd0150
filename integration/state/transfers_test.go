package state

import "testing"

func TestTransfersAreKept(t *testing.T) {
	s := open(t, t.TempDir())
	if b, err := s.Transfers(); b != nil || err != nil {
		t.Errorf("Transfers of a new store = %q, %v", b, err)
	}
	for _, text := range []string{"first", "second"} {
		if err := s.SetTransfers([]byte(text)); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
		if b, err := s.Transfers(); string(b) != text || err != nil {
			t.Errorf("Transfers after a restart = %q, %v, want %q", b, err, text)
		}
	}
}
