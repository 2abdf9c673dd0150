package main

import (
	"bytes"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func n(v int64) *int64 { return &v }

var quotasToPrint = quotaState{
	Buckets: []bucketState{
		{bucketUsage: bucketUsage{Bucket: "account:alice", UsedBytes: 9_000_000_000, UsedFiles: 12, LimitBytes: n(10 << 30), LimitFiles: n(0)}, Counted: true},
		{bucketUsage: bucketUsage{Bucket: "folder:media", UsedBytes: 700, UsedFiles: 3, LimitBytes: n(1000), ReservedBytes: 4096, DriftBytes: -5}, Differ: true, Counted: true},
		{bucketUsage: bucketUsage{Bucket: "instance:o1", UsedBytes: math.MaxInt64, UsedFiles: 1}},
		{
			bucketUsage: bucketUsage{Bucket: "site:o1/a-very-long-name.of-a.customer.example.org", UsedBytes: 1 << 20, LimitBytes: n(1 << 20)},
			UsedInodes:  998, LimitInodes: n(1000), Counted: true,
		},
		{bucketUsage: bucketUsage{Bucket: "account:bob", UsedBytes: 3 << 40, LimitBytes: n(1 << 40)}, Counted: true},
	},
	Transfers: []transferState{
		{Account: "alice", What: "total", Used: 500, Limit: 1000, Since: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{Account: "alice", Sources: []string{"10.0.0.0/8", "fd00::/8"}, What: "upload", Limit: 5, Since: time.Unix(0, 0)},
	},
}

// TestQuotaText compares what people see with testdata/quota/*; no line is wider
// than the terminal.
func TestQuotaText(t *testing.T) {
	for name, how := range map[string]quotaText{
		"pipe":     {},
		"long":     {long: true},
		"terminal": {terminal: true},
		"colour":   {terminal: true, colour: true},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			how.out = &out
			if err := how.print(quotasToPrint); err != nil {
				t.Fatal(err)
			}
			golden := "testdata/quota/" + name + ".txt"
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for line := range bytes.Lines(out.Bytes()) {
				if how.terminal && !how.colour && len([]rune(string(line))) > 81 {
					t.Errorf("%d columns: %s", len([]rune(string(line)))-1, line)
				}
			}
		})
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1535: "1.5 KiB", 102_400: "100 KiB", 1<<20 - 1: "1.0 MiB", -5 << 30: "-5.0 GiB",
		1000 << 20: "1000 MiB", math.MaxInt64: "8.0 EiB", math.MinInt64: "-8.0 EiB",
	} {
		if got := bytesText(n); got != want || len(got) > 9 {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestWarned: each level is named once on the way up, and again only after it was
// left for good.
func TestWarned(t *testing.T) {
	w := warned{}
	for i, step := range []struct {
		share float64
		want  bool
	}{
		{0.5, false},
		{0.8, true},
		{0.94, false},
		{0.95, true},
		{0.93, false},
		{0.96, false},
		{1.2, true},
		{0.99, false},
		{1, false},
		{0.94, false},
		{1, true},
		{0.76, false},
		{0.81, false},
		{0.70, false},
		{1, true},
		{0, false},
	} {
		if got := w.look("x", step.share); got != step.want {
			t.Errorf("step %d: share %v: warning %v, want %v", i, step.share, got, step.want)
		}
	}
	if len(w) != 0 {
		t.Errorf("what is calm is remembered: %v", w)
	}
}
