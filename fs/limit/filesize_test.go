package limit

import (
	"errors"
	"math"
	"testing"
)

func TestFileRoom(t *testing.T) {
	const top = math.MaxInt64
	for _, c := range []struct {
		name                  string
		limit, size, off, ask int64 // limit 0 is none
		want                  int64 // -1 is ErrTooLarge
	}{
		{"no limit", 0, 0, top - 5, top, top},
		{"below", 100, 0, 0, 50, 50},
		{"up to it", 100, 50, 50, 50, 50},
		{"shortened", 100, 50, 50, 51, 50},
		{"at it", 100, 100, 100, 1, -1},
		{"beyond it, sparse", 100, 0, 101, 1, -1},
		{"nothing, anywhere", 100, 0, 500, 0, 0},
		{"rewrites what is too large", 100, 200, 150, 50, 50},
		{"rewrites, no further", 100, 200, 150, 60, 50},
		{"grows what is too large", 100, 200, 200, 1, -1},
		{"one byte", 1, 0, 0, top, 1},
		{"largest limit", top, 0, top - 1, top, 1},
		{"largest offset", top, 0, top, 1, -1},
		{"largest file", 100, top, top - 10, 100, 10},
	} {
		got, err := FileRoom(limited(c.limit), c.size, c.off, c.ask)
		if errors.Is(err, ErrTooLarge) {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: %d (%v), want %d", c.name, got, err, c.want)
		}
	}
	if n, err := FileRoom(unlimited, 0, math.MaxInt64, 1); n != 1 || err != nil {
		t.Errorf("unlimited: %d, %v", n, err)
	}
}

func TestFileSize(t *testing.T) {
	const top = math.MaxInt64
	for _, c := range []struct {
		name            string
		limit, size, to int64
		ok              bool
	}{
		{"no limit", 0, 0, top, true},
		{"up to it", 100, 0, 100, true},
		{"beyond it", 100, 0, 101, false},
		{"shrinks, still too large", 100, 300, 200, true},
		{"stays too large", 100, 300, 300, true},
		{"grows what is too large", 100, 300, 301, false},
		{"largest", 100, 0, top, false},
		{"to nothing", 100, top, 0, true},
	} {
		if err := FileSize(limited(c.limit), c.size, c.to); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
