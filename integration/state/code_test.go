package state

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestUseCode: of many who show the same code at once one is right, also after a
// restart.
func TestUseCode(t *testing.T) {
	s := open(t, t.TempDir())
	check := func(secret []byte, last int64) (int64, bool) { return 7, string(secret) == "secret" && last < 7 }
	if ok, err := s.UseCode("a", check); ok || err != nil {
		t.Errorf("UseCode without a second factor = %v, %v", ok, err)
	}
	if err := s.SetCode("a", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	var right atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			ok, err := s.UseCode("a", check)
			if err != nil {
				t.Error(err)
			}
			if ok {
				right.Add(1)
			}
		})
	}
	all.Wait()
	if right.Load() != 1 {
		t.Errorf("a code was right %d times, want once", right.Load())
	}
	s = reopen(t, s)
	if ok, err := s.UseCode("a", check); ok || err != nil {
		t.Errorf("UseCode after a restart = %v, %v", ok, err)
	}
	for _, want := range []bool{true, false} {
		if has, err := s.HasCode("a"); has != want || err != nil {
			t.Errorf("HasCode = %v, %v, want %v", has, err, want)
		}
		if err := s.RemoveCode("a"); err != nil {
			t.Fatal(err)
		}
	}
}
