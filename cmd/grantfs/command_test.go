package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestHelp: every verb says by itself how it is used.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		long, _, code := grantfs(t, "help", c.name)
		if code != exitOK {
			t.Errorf("help %s = %d", c.name, code)
		}
		if own, _, code := grantfs(t, c.name, "--help"); code != exitOK || own != long {
			t.Errorf("%s --help = %d\n%s\nwant\n%s", c.name, code, own, long)
		}
		for _, part := range []string{"usage: grantfs " + c.name, "  --config FILE", "Example:\n  grantfs " + c.name, "  64  "} {
			if !strings.Contains(long, part) {
				t.Errorf("help %s has no %q:\n%s", c.name, part, long)
			}
		}
		for _, code := range c.codes {
			if codeTexts[code] == "" || !strings.Contains(long, fmt.Sprintf("\n  %2d  ", code)) {
				t.Errorf("help %s does not tell code %d", c.name, code)
			}
		}
	}
}

// TestHelpLists: help has every command that is for people, once, in its group.
func TestHelpLists(t *testing.T) {
	text, _, _ := grantfs(t, "help")
	for _, c := range commands() {
		want := 1
		if c.hidden {
			want = 0
		}
		if n := strings.Count(text, "\n  "+c.name+" "); n != want {
			t.Errorf("help lists %s %d times, want %d", c.name, n, want)
		}
		if _, _, code := grantfs(t, c.name[:len(c.name)-1]+"x"); code != exitUsage {
			t.Errorf("%sx = %d", c.name[:len(c.name)-1], code)
		}
	}
	for _, title := range groupTitles {
		if !strings.Contains(text, "\n"+title+":\n  ") {
			t.Errorf("help has nothing about %q", title)
		}
	}
}

// TestCommandLine: what is before the verb, and what is no command line.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "g.toml")
	writeConfig(t, file, "nonsense = 1\n")
	for _, tt := range []struct {
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		{nil, exitUsage, "", "grantfs help COMMAND"},
		{[]string{"help"}, exitOK, "check      print every problem", ""},
		{[]string{"--help"}, exitOK, "grantfs help COMMAND", ""},
		{[]string{"help", "sevre"}, exitUsage, "", `no command "sevre", did you mean "serve"?`},
		{[]string{"help", "serve", "check"}, exitUsage, "", "usage: grantfs help"},
		{[]string{"--version"}, exitOK, "grantfs devel", ""},
		{[]string{"--nonsense"}, exitUsage, "", "nonsense"},
		{[]string{"--config", file, "check"}, exitConfig, "", "g.toml:1:1: error: unknown key"},
		{[]string{"--config", file}, exitUsage, "", "grantfs help COMMAND"},
		{[]string{"check", file, "--config", file}, exitUsage, "", "two configurations"},
		{[]string{"--config", file, "check", file}, exitUsage, "", "two configurations"},
		{[]string{"check", "--jsn"}, exitUsage, "", "jsn"},
	} {
		stdout, stderr, code := grantfs(t, tt.args...)
		if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
			t.Errorf("grantfs %q = %d\n%s%s\nwant %d with %q and %q", tt.args, code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
		}
		if (stdout == "") != (tt.stdout == "") || (stderr == "") != (tt.stderr == "") {
			t.Errorf("grantfs %q prints to the wrong place: %q, %q", tt.args, stdout, stderr)
		}
	}
}

// TestCheckJSON: with --json the problems are data.
func TestCheckJSON(t *testing.T) {
	file := filepath.Join(t.TempDir(), "g.toml")
	writeConfig(t, file, "[groups.g]\nnonsense = 1\nupload_bandwidth = 64\n")
	stdout, stderr, code := grantfs(t, "check", "--json", file)
	var got []problemJSON
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitConfig || stderr != "" {
		t.Fatalf("check --json = %d, %v\n%s%s", code, err, stdout, stderr)
	}
	want := []problemJSON{
		{file, 2, 1, "error", `unknown key "nonsense" in [groups.g]`},
		{file, 3, 20, "warning", `upload_bandwidth is 64 bytes per second; it is probably a number in KB/s: write "64KiB"`},
	}
	for _, w := range want {
		found := false
		for _, p := range got {
			found = found || p == w
		}
		if !found {
			t.Errorf("check --json = %v, want %v among it", got, w)
		}
	}
	writeConfig(t, file, "")
	if stdout, _, code := grantfs(t, "check", "--json", file); stdout != "[]\n" || code != exitOK {
		t.Errorf("check --json of nothing = %d, %q, want an empty list", code, stdout)
	}
}

func TestVersionJSON(t *testing.T) {
	stdout, _, code := grantfs(t, "version", "--json")
	var got versionJSON
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitOK || got.Version != buildVersion || got.Revision != buildRevision {
		t.Errorf("version --json = %d, %q, %v", code, stdout, err)
	}
}
