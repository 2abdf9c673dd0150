package limit

import "testing"

func TestCap(t *testing.T) {
	c := NewCap(32, 100)
	fill := func(account uint32) (n int) {
		for c.Room(account) {
			c.Take(account)
			n++
		}
		return n
	}
	for i, want := range []int{32, 18, 2, 2} { // from 50 on a sixteenth of 32
		if got := fill(uint32(i)); got != want {
			t.Errorf("account %d holds %d, want %d", i, got, want)
		}
	}
	for i := uint32(10); c.Held() < 100; i++ {
		if fill(i) == 0 {
			t.Fatalf("no room for account %d although %d of 100 are held", i, c.Held())
		}
	}
	if c.Room(1000) {
		t.Error("more than the total")
	}
	for range 32 {
		c.Give(0)
	}
	if got := fill(1000); got != 2 {
		t.Errorf("afterwards another holds %d, want 2", got)
	}
	if c.Refused() == 0 {
		t.Error("no refusal was counted")
	}
}
