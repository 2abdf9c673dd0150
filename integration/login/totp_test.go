package login

import (
	"testing"
	"time"
)

// TestCheckCode begins with the test values of RFC 6238, appendix B, cut to six digits.
func TestCheckCode(t *testing.T) {
	secret := []byte("12345678901234567890")
	tests := []struct {
		name string
		now  int64
		code string
		last int64
		step int64 // 0 for a wrong code
	}{
		{"RFC", 59, "287082", 0, 1},
		{"RFC", 1111111109, "081804", 0, 37037036},
		{"RFC", 1111111111, "050471", 0, 37037037},
		{"RFC", 1234567890, "005924", 0, 41152263},
		{"RFC", 2000000000, "279037", 0, 66666666},
		{"RFC", 20000000000, "353130", 0, 666666666},
		{"a step late", 1111111111, "081804", 0, 37037036},
		{"a step early", 1111111109 - 29, "081804", 0, 37037036},
		{"two steps late", 1111111109 + 60, "081804", 0, 0},
		{"used before", 1111111109, "081804", 37037036, 0},
		{"a later one was used", 1111111109, "081804", 37037037, 0},
		{"an earlier one was used", 1111111109, "081804", 37037035, 37037036},
		{"wrong", 59, "287083", 0, 0},
		{"short", 59, "28708", 0, 0},
		{"long", 59, "2870820", 0, 0},
		{"empty", 59, "", 0, 0},
	}
	for _, tt := range tests {
		step, ok := CheckCode(secret, tt.code, time.Unix(tt.now, 0), tt.last)
		if step != tt.step || ok != (tt.step != 0) {
			t.Errorf("%s: CheckCode(%q at %d, last %d) = %d, %v, want %d", tt.name, tt.code, tt.now, tt.last, step, ok, tt.step)
		}
	}
}

func TestCodeURL(t *testing.T) {
	const want = "otpauth://totp/grantfs:o1.foo?issuer=grantfs&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if got := CodeURL("o1.foo", []byte("12345678901234567890")); got != want {
		t.Errorf("CodeURL = %s, want %s", got, want)
	}
}

// TestWrongCodes: ten wrong codes close the door, for ten minutes, for that
// account alone.
func TestWrongCodes(t *testing.T) {
	var w wrongCodes
	now := time.Unix(1_000_000, 0)
	for range maxWrongCodes {
		if w.many("alice", now) {
			t.Fatal("closed too early")
		}
		w.add("alice", now)
		now = now.Add(time.Second)
	}
	if !w.many("alice", now) || w.many("bob", now) {
		t.Errorf("after %d wrong codes: alice %v, bob %v", maxWrongCodes, w.many("alice", now), w.many("bob", now))
	}
	if now = now.Add(wrongWindow); w.many("alice", now) {
		t.Error("still closed after the window")
	}
}
