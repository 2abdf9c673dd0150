package config

import (
	"testing"
	"time"
)

func TestPatience(t *testing.T) {
	p := NewPatience(time.Nanosecond)
	defer p.Close()
	hang := make(chan struct{})
	defer close(hang)
	for range 3 {
		if p.Do(func() { <-hang }) {
			t.Error("what hangs is said to be done")
		}
		n := 0
		if !p.Do(func() { n++ }) || n != 1 {
			t.Errorf("what is left is done %d times after something hung", n)
		}
	}
}
