package main

import (
	"bytes"
	"os"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		of, done int
		took     time.Duration
		want     string
	}{
		{0, 3000, 2 * time.Second, "looked at: 3000, 1500/s, 2s"},
		{11, 3, 3 * time.Second, "looked at: 3 of 11, 1/s, 3s"},
		{0, 0, 0, "looked at: 0, 0/s, 0s"},
	}
	for _, tt := range tests {
		p := progress{what: "looked at", of: tt.of, began: began}
		p.step(tt.done)
		if got := p.line(began.Add(tt.took)); got != tt.want {
			t.Errorf("line = %q, want %q", got, tt.want)
		}
	}
}

// TestProgressElsewhere says nothing where nobody watches, and can be closed twice.
func TestProgressElsewhere(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := newProgress(w, "x", 1)
	p.step(1)
	p.clear()
	p.close()
	p.close()
	w.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil || out.Len() > 0 {
		t.Errorf("a pipe gets %q, %v", &out, err)
	}
}
