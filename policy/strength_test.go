package policy

import "testing"

func TestStrength(t *testing.T) {
	for _, tt := range []struct {
		password string
		least    float64
		most     float64
	}{
		{"", 0, 0},
		{"a", 4, 5},
		{"aaaaaaaaaaaaaaaaaaaaaaaa", 9, 10},
		{"abcdefghijklmnopqrstuvwxyz", 9, 10},
		{"AbCdEfGhIjKlMnOpQrStUvWx", 11, 12},
		{"987654321", 6, 7},
		{"secret", 28, 29},
		{"tr0ub4dor&3", 54, 60},
		{"correct horse battery staple", 120, 140},
		{"QJ5XW3ZKUE2VNT7RMA4CDHB6GL", 130, 140},
		{"日本語", 4, 5},
	} {
		if got := Strength(tt.password); got < tt.least || got > tt.most {
			t.Errorf("Strength(%q) = %.1f, want %.0f to %.0f", tt.password, got, tt.least, tt.most)
		}
	}
}
