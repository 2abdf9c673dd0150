package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

// machine is the passwd and group file of the tests.
func machine(t testing.TB) *UserFiles {
	t.Helper()
	u, err := LoadUsers("testdata/passwd", "testdata/group")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// problemsOf returns the problems of one file called f.toml, a line each.
func problemsOf(t testing.TB, text string) []string {
	t.Helper()
	d := newDecoder(machine(t))
	d.decode("f.toml", []file{{name: "f.toml", data: []byte(text)}})
	return lines(d.problems)
}

func lines(ps []policy.Problem) []string {
	list := make([]string, len(ps))
	for i, p := range ps {
		list[i] = p.String()
	}
	return list
}

// writeFiles lays out files below a new directory and makes it the working one,
// so that places are relative to it.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func TestLoadReadsFilesInOrder(t *testing.T) {
	writeFiles(t, map[string]string{
		"main.toml":              "[mount]\npoint = \"/srv/v\"\n",
		"conf.d/20-b.toml":       "[accounts.bob]\n",
		"conf.d/10-a.toml":       "[accounts.alice]\n",
		"conf.d/.hidden.toml":    "nonsense",
		"conf.d/30-note.txt":     "nonsense",
		"conf.d/40-c.toml~":      "nonsense",
		"conf.d/deep/other.toml": "nonsense",
	})
	c, ps := Load("main.toml", nil)
	if len(ps) != 0 {
		t.Fatalf("Load problems = %q, want none", lines(ps))
	}
	if diff := cmp.Diff([]string{"main.toml", "conf.d/10-a.toml", "conf.d/20-b.toml"}, c.Files); diff != "" {
		t.Errorf("Files (-want +got):\n%s", diff)
	}
	if c.Path != "main.toml" || c.Policy.Point != "/srv/v" {
		t.Errorf("Path, Point = %q, %q, want main.toml, /srv/v", c.Path, c.Policy.Point)
	}
	var names []string
	for _, a := range c.Policy.Accounts {
		names = append(names, a.Name+" "+a.At.String())
	}
	if diff := cmp.Diff([]string{"alice conf.d/10-a.toml:1:1", "bob conf.d/20-b.toml:1:1"}, names); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestLoadReportsAllFiles(t *testing.T) {
	writeFiles(t, map[string]string{
		"main.toml": "strict_conflicts = true\n[accounts.alice]\nmax_session = 1\n[metrics]\nlisten = \"\"\n" +
			"[folders.f]\nsource = \"/nowhere/%username%\"\n[folders.g]\nsource = \"main.toml/\"\n[folders.h]\nsource = \"/etc/passwd\"\n",
		"conf.d/a.toml":        "[accounts.alice]\nuid = 0\n[metrics]\nlisten = 1\n",
		"conf.d/b.toml":        "[accounts.bob]\nuid = 5\nhome_dir = /home\nuid = 6\n",
		"conf.d/c.toml":        "strict_conflicts = false\n[accounts.alice.permissions]\n\"/\" = [\"lst\"]\n",
		"conf.d/d.toml/x.toml": "",
	})
	c, ps := Load("main.toml", nil)
	want := []string{
		`main.toml:3:1: error: unknown key "max_session" in [accounts.alice], did you mean "max_sessions"?`,
		`main.toml:7:10: warning: source "/nowhere" does not exist`,
		`main.toml:9:10: error: source "main.toml/" is relative; it must begin with /`,
		`main.toml:11:10: warning: source "/etc/passwd" is not a directory`,
		`conf.d/a.toml:1:1: error: [accounts.alice] is written twice; it is already at main.toml:2:1`,
		`conf.d/a.toml:2:7: error: uid must be from 1 to 4294967294, not 0`,
		`conf.d/a.toml:3:1: error: [metrics] is written twice; it is already at main.toml:4:1`,
		`conf.d/a.toml:4:10: error: listen must be an address such as "127.0.0.1:9477", not a whole number`,
		`conf.d/b.toml:3:12: error: not TOML: unexpected character U+002F '/' at start of value`,
		`conf.d/c.toml:1:1: error: strict_conflicts is written twice; it is already at main.toml:1:1`,
		`conf.d/c.toml:2:11: error: [accounts.alice] is written twice; it is already at main.toml:2:1`,
		`conf.d/c.toml:3:8: error: permissions: unknown permission "lst", did you mean "list"?`,
		`conf.d/d.toml: error: is not a regular file`,
	}
	if diff := cmp.Diff(want, lines(ps)); diff != "" {
		t.Errorf("Load problems (-want +got):\n%s", diff)
	}
	if !c.Incomplete {
		t.Errorf("Incomplete = false, want true: b.toml and d.toml could not be read")
	}
	if !c.Policy.StrictConflicts {
		t.Errorf("StrictConflicts = false, want the first file's true")
	}
}

func TestLoadMissingFile(t *testing.T) {
	t.Chdir(t.TempDir())
	c, ps := Load("none.toml", nil)
	if diff := cmp.Diff([]string{"none.toml: error: can't be read: no such file or directory"}, lines(ps)); diff != "" {
		t.Errorf("Load problems (-want +got):\n%s", diff)
	}
	if c == nil || !c.Incomplete {
		t.Errorf("Load of a missing file = %v, want an incomplete Config", c)
	}
}

func TestDefaults(t *testing.T) {
	d := newDecoder(nil)
	c := d.decode("f.toml", []file{{name: "f.toml"}})
	want := &Config{
		Path:  "f.toml",
		Files: []string{"f.toml"}, Texts: []Text{{Name: "f.toml"}},
		Mount: Mount{
			Point:        policy.Setting[string]{Value: "/srv/views"},
			State:        policy.Setting[string]{Value: "/var/lib/grantfs"},
			Control:      policy.Setting[string]{Value: "/run/grantfs/control.sock"},
			EntryTimeout: policy.Setting[time.Duration]{Value: time.Second},
			UIDRange:     policy.Setting[[2]uint32]{Value: [2]uint32{1900000000, 1900999999}},
			Users:        policy.Setting[string]{Value: "userdb"},
			MinFree:      policy.Setting[MinFree]{Value: MinFree{Percent: 5}},
		},
		Metrics: Metrics{Listen: policy.Setting[string]{Value: "127.0.0.1:9477"}},
		Audit:   Audit{File: policy.Setting[string]{Value: "/var/log/grantfs/audit.log"}, MaxSize: policy.Setting[policy.Limit]{Value: policy.Limit{N: 100_000_000}}},
		Aegir: Aegir{
			Unowned: policy.Setting[string]{Value: "none"},
			Reveal:  policy.Setting[string]{Value: "until-first-login"},
		},
		Policy: policy.Input{Point: "/srv/views"},
	}
	if diff := cmp.Diff(want, c); diff != "" || len(d.problems) != 0 {
		t.Errorf("empty file = %v (-want +got):\n%s", lines(d.problems), diff)
	}
}

// What is wrong is reported once: it is not passed on to be found again.
func TestEntriesWithErrorsAreLeftOut(t *testing.T) {
	d := newDecoder(nil)
	c := d.decode("f.toml", []file{{name: "f.toml", data: []byte(`
[groups.g]
virtual_folders = [{ folder = "f", path = "bad" }, { folder = "f", path = "/good" }, { path = "/nothing" }]
file_patterns = [{ path = "/", denied = ["a/b"] }, { path = "/", denied = ["*"] }]
[sites.a]
source = "bad"
[sites.b]
source = "/good"
[accounts.Bad]
[accounts.good]
`)}})
	if want := 5; d.errors != want {
		t.Errorf("errors = %q, want %d", lines(d.problems), want)
	}
	g := c.Policy.Groups[0]
	if len(g.VirtualFolders) != 1 || g.VirtualFolders[0].Path.Value != "/good" {
		t.Errorf("virtual_folders = %+v, want the good one", g.VirtualFolders)
	}
	if len(g.FilePatterns) != 1 || g.FilePatterns[0].Denied[0].Value != "*" {
		t.Errorf("file_patterns = %+v, want the good one", g.FilePatterns)
	}
	if len(c.Policy.Sites) != 1 || c.Policy.Sites[0].URI != "b" {
		t.Errorf("sites = %+v, want the good one", c.Policy.Sites)
	}
	if len(c.Policy.Accounts) != 1 || c.Policy.Accounts[0].Name != "good" {
		t.Errorf("accounts = %+v, want the good one", c.Policy.Accounts)
	}
}

// A syntax error may hide what comes after it: nothing is called missing then,
// but what was read is still looked at.
func TestSyntaxErrorHidesNothing(t *testing.T) {
	got := problemsOf(t, "[folders.f]\nowner = 5\n[sites.s]\nsource = \"x\n[accounts.a]\nnonsense = 1\n")
	want := []string{
		`f.toml:2:9: error: owner must be "user:group", not a whole number`,
		`f.toml:4:12: error: not TOML: basic strings cannot have new lines`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Editors of other systems put a byte order mark in front and CRLF at the end.
func TestForeignLineEnds(t *testing.T) {
	got := problemsOf(t, "\ufeff[metrics]\r\nlisten = 5\r\n")
	want := []string{`f.toml:2:10: error: listen must be an address such as "127.0.0.1:9477", not a whole number`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestSortProblems(t *testing.T) {
	at := func(file string, line, col int) policy.Problem {
		return policy.Problem{At: policy.Pos{File: file, Line: line, Col: col}}
	}
	c := &Config{Files: []string{"z.toml", "a.toml"}}
	got := []policy.Problem{at("", 0, 0), at("x.php", 3, 0), at("a.toml", 2, 1), at("a.toml", 1, 9), at("a.toml", 1, 2), at("z.toml", 5, 5)}
	want := []policy.Problem{at("z.toml", 5, 5), at("a.toml", 1, 2), at("a.toml", 1, 9), at("a.toml", 2, 1), at("", 0, 0), at("x.php", 3, 0)}
	c.SortProblems(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SortProblems (-want +got):\n%s", diff)
	}
}

// The example of the contract, word for word.
func TestContractExample(t *testing.T) {
	c, ps := Load("testdata/contract.toml", machine(t))
	for _, p := range ps {
		if p.Severity == policy.SeverityError || !strings.Contains(p.Text, "does not exist") {
			t.Errorf("problem: %s", p)
		}
	}
	if len(c.Policy.Accounts) != 2 || len(c.Policy.Groups) != 1 || len(c.Policy.Folders) != 1 || len(c.Policy.Sites) != 1 {
		t.Fatalf("contract.toml = %d accounts, %d groups, %d folders, %d sites, want 2, 1, 1, 1",
			len(c.Policy.Accounts), len(c.Policy.Groups), len(c.Policy.Folders), len(c.Policy.Sites))
	}
	at := func(line, col int) policy.Pos {
		return policy.Pos{File: "testdata/contract.toml", Line: line, Col: col}
	}
	g := c.Policy.Groups[0]
	if want := (policy.Setting[policy.Limit]{Value: policy.Limit{N: 10 << 30}, At: at(29, 14), Set: true}); g.QuotaSize != want {
		t.Errorf("quota_size = %+v, want %+v", g.QuotaSize, want)
	}
	var perms []string
	for _, p := range g.Permissions {
		perms = append(perms, p.Path.At.String()+" "+p.Path.Value)
	}
	if diff := cmp.Diff([]string{"testdata/contract.toml:31:17 /", "testdata/contract.toml:31:45 /sites"}, perms); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}
	if m := g.VirtualFolders[0]; m.At != at(32, 20) || m.Folder.Value != "media" || m.QuotaSize.Value != 5<<30 || !m.QuotaFiles.Set {
		t.Errorf("virtual_folders[0] = %+v", m)
	}
	if f := c.Policy.Folders[0]; f.Owner.Value != "inherit" || f.OwnerIDs != nil {
		t.Errorf("folder owner = %q %v, want inherit and no ids", f.Owner.Value, f.OwnerIDs)
	}
	if s := c.Policy.Sites[0]; s.URI != "shop.example.org" || s.OwnerAccount != "alice" || s.Preset != "none" || !s.Enabled {
		t.Errorf("site = %+v", s)
	}
}
