package main

import (
	"bytes"
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
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

// TestAbout: what each name means.
func TestAbout(t *testing.T) {
	list := func(path, folder string) policy.Mounting {
		return policy.Mounting{Folder: policy.Setting[string]{Value: folder, Set: true}, Path: policy.Setting[string]{Value: path, Set: true}}
	}
	text := func(s string) policy.Setting[string] { return policy.Setting[string]{Value: s, Set: true} }
	set, problems := policy.Compile(policy.Input{
		Accounts: []policy.Account{
			{Name: "alice", Settings: policy.Settings{HomeDir: text("/srv/alice"), VirtualFolders: []policy.Mounting{list("/a", "own"), list("/b", "media")}}},
			{Name: "media", Settings: policy.Settings{HomeDir: text("/srv/m")}},
			{Name: "poor"},
		},
		Folders: []policy.Folder{{Name: "own", Source: text("/srv/own/%username%")}, {Name: "media", Source: text("/srv/media")}},
		Sites:   []policy.Site{{URI: "shop", Source: "/data/shop", OwnerAccount: "alice", Preset: "none"}},
	})
	if set == nil {
		t.Fatal(problems)
	}
	b := &buckets{set: set, limits: set.BucketLimits()}
	for name, want := range map[string][]string{
		"alice":         {"account:alice", "folder:media", "folder:own/alice", "site:shop"},
		"own":           {"folder:own/alice"},
		"media":         {"account:media", "folder:media"}, // an account and a folder
		"folder:media":  {"folder:media"},
		"shop":          {"site:shop"},
		"poor":          nil,
		"nobody":        nil,
		"folder:nobody": nil,
	} {
		limits, ok := b.about(name)
		var got []string
		for _, l := range limits {
			got = append(got, l.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("about %s (-want +got):\n%s", name, diff)
		}
		if known := want != nil || name == "poor"; ok != known {
			t.Errorf("about %s: known is %v", name, ok)
		}
	}
	if all, ok := b.about(""); !ok || len(all) != 5 {
		t.Errorf("about everything: %d, %v", len(all), ok)
	}
}
