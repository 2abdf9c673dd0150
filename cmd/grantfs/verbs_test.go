package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the verbs print into testdata/verbs")

// TestVerbs runs testdata/verbs/*.txtar: each holds a configuration and, under the
// command line and its exit code, what the command prints.
func TestVerbs(t *testing.T) {
	top, err := filepath.Abs("testdata/verbs")
	if err != nil {
		t.Fatal(err)
	}
	archives, err := filepath.Glob(top + "/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("archives: %v, %v", archives, err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { verbs(t, name) })
	}
}

func verbs(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // places are printed, and aligned: they must not vary
	for i := range archive.Files {
		f := &archive.Files[i]
		line, ok := strings.CutPrefix(f.Name, "grantfs ")
		if !ok {
			writeConfig(t, f.Name, string(f.Data))
			continue
		}
		line, _, _ = strings.Cut(line, " => ")
		args := strings.Fields(line)
		if !strings.Contains(line, "--config") {
			args = append(args, "--config", "grantfs.toml")
		}
		stdout, stderr, code := grantfs(t, args...)
		if strings.Contains(line, "--json") && stdout != "" && !json.Valid([]byte(stdout)) {
			t.Errorf("%s prints no JSON", f.Name)
		}
		got := stdout + stderr
		title := fmt.Sprintf("grantfs %s => %d", line, code)
		if *update {
			f.Name, f.Data = title, []byte(got)
			continue
		}
		if title != f.Name {
			t.Errorf("%s, want => as in %s", title, f.Name)
		}
		if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func writeConfig(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestWouldAllow: the line that explain proposes, written into the file, does
// allow it.
func TestWouldAllow(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "grantfs.toml")
	const config = `
[accounts."o.x"]
home_dir = "/srv/homes/x"
permissions = { "/" = ["list"] }
`
	writeConfig(t, file, config)
	ask := []string{"explain", "--config", file, "--json", "o.x", "rename", `/a "b"[c]/x`, "/y"}
	stdout, _, code := grantfs(t, ask...)
	var x explanationJSON
	if err := json.Unmarshal([]byte(stdout), &x); err != nil || code != exitFailure {
		t.Fatalf("explain = %d, %v\n%s", code, err, stdout)
	}
	// The entries belong into the inline table that the account has; that for "/"
	// takes the place of the one there.
	entries := []string{}
	for line := range strings.Lines(x.WouldAllow) {
		_, entry, ok := strings.Cut(strings.TrimSpace(line), `in the permissions of [accounts."o.x"] (`+file+":4): ")
		if !ok {
			t.Fatalf("explain says %s", line)
		}
		entry, _, _ = strings.Cut(entry, " # instead of")
		entries = append(entries, entry)
	}
	writeConfig(t, file, strings.Replace(config, `"/" = ["list"]`, strings.Join(entries, ", "), 1))
	if stdout, stderr, code := grantfs(t, ask...); code != exitOK {
		t.Errorf("explain with %s = %d\n%s%s", x.WouldAllow, code, stdout, stderr)
	}
}
