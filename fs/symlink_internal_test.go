package fs

import "testing"

func TestLinkStays(t *testing.T) {
	for _, tt := range []struct {
		text  string
		depth int
		want  bool
	}{
		{"f", 0, true},
		{"a/b", 0, true},
		{"./f", 0, true},
		{"", 0, false},
		{"/etc/passwd", 5, false},
		{"..", 0, false},
		{"..", 1, true},
		{"../..", 1, false},
		{"a/..", 0, true},
		{"a/../..", 0, false},
		{"a/../../b", 1, true},
		{"../../x", 2, true},
		{"..//../x", 2, true},
		{"../../../x", 2, false},
		{"a/b/../../../x", 0, false},
		{"...", 0, true},
	} {
		if got := linkStays(tt.text, tt.depth); got != tt.want {
			t.Errorf("linkStays(%q, %d) = %v, want %v", tt.text, tt.depth, got, tt.want)
		}
	}
}
