package fs

import (
	"strings"
	"testing"
)

func TestLanded(t *testing.T) {
	page := strings.Repeat("x", pageSize)
	for _, tt := range []struct {
		name, there, b string
		end            int64
		want           int
	}{
		{"nothing", "", "abc", 7, 0},
		{"all", "abc", "abc", 7, 3},
		{"all, and others'", "abcde", "abc", 7, 3},
		{"a part at the end of the file", "ab", "abc", 7, 2},
		{"others'", "xyz", "abc", 7, 0},
		{"others' with the same beginning", "abx", "abc", 7, 0},
		{"a part up to a page, and others'", "abx", "abc", pageSize - 2, 2},
		{"whole pages, and others'", page + "y", page + "abc", 0, pageSize},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := landed([]byte(tt.there), []byte(tt.b), tt.end); got != tt.want {
				t.Errorf("landed = %d, want %d", got, tt.want)
			}
		})
	}
}
