package sftpgo

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/config"
	"grantfs/policy"
)

var update = flag.Bool("update", false, "write what the dump becomes to testdata")

// The dump of a real server, word for word.
func TestImportDump(t *testing.T) {
	data, err := os.ReadFile("testdata/dump.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Import(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"dump.toml": string(r.TOML), "dump.report": lines(r.Report)} {
		name = filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	want := Report{Accounts: 5, Disabled: 1, Groups: 4, Folders: 6}
	got := r.Report
	got.Findings = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Report (-want +got):\n%s", diff)
	}
	// The file as an admin would have it, with conf.d and the disk.
	path := filepath.Join(t.TempDir(), "grantfs.toml")
	if err := os.WriteFile(path, r.TOML, 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := config.Load(path, nil)
	_, compiled := policy.Compile(c.Policy)
	for _, p := range append(problems, compiled...) {
		if p.Severity == policy.SeverityError {
			t.Error(p)
		}
	}
}

// What the dump's accounts could do in SFTPGo they can do here, and no more.
func TestImportedRights(t *testing.T) {
	s := compiled(t, read(t, "testdata/dump.json"))
	for _, tt := range []struct {
		account, dir string
		op           policy.Op
		name         string
		want         bool
	}{
		{"alice", "/", policy.OpOpenRead, "x", true},
		{"alice", "/", policy.OpCreate, "x", false}, // her "*" on / is overwritten by the group's
		{"alice", "/sites", policy.OpCreate, "x.php", true},
		{"alice", "/incoming/alice", policy.OpCreate, "x", true},
		{"alice", "/incoming/bob", policy.OpCreate, "x", false},
		{"alice", "/print", policy.OpCreate, "x.pdf", true},
		{"alice", "/print", policy.OpCreate, "x.txt", false},
		{"alice", "/vdir", policy.OpOpenRead, "x", true},
		{"bob", "/pa", policy.OpUnlink, "x", true},
		{"bob", "/p/2", policy.OpUnlink, "x", false},
		{"carol", "/", policy.OpCreate, "x", true},
		{"dave", "/a/b/c", policy.OpCreate, "x", true},
	} {
		v, ok := s.View(tt.account)
		if !ok {
			t.Fatalf("no account %s", tt.account)
		}
		got := v.At(tt.dir).Check(tt.op, policy.Target{Name: tt.name, Type: policy.TypeFile}).Allowed()
		if got != tt.want {
			t.Errorf("%s: %s %s/%s = %t, want %t", tt.account, tt.op, tt.dir, tt.name, got, tt.want)
		}
	}
}

func TestImportErrors(t *testing.T) {
	for data, want := range map[string]string{
		``:                             "unexpected end",
		`[]`:                           "cannot unmarshal",
		`{}`:                           "neither users nor groups nor folders",
		`{"users": 5}`:                 "cannot unmarshal",
		`{"users": [{"status": "x"}]}`: "user 0",
		`{"groups": [{}, 7]}`:          "group 1",
	} {
		_, err := Import([]byte(data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Import(%s) = %v, want an error with %q", data, err, want)
		}
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// imports returns what a dump becomes.
func imports(t testing.TB, data []byte) *Result {
	t.Helper()
	r, err := Import(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func compiled(t testing.TB, data []byte) *policy.Set {
	t.Helper()
	c, problems := config.Parse("x.toml", imports(t, data).TOML, nil)
	s, more := policy.Compile(c.Policy)
	if s == nil {
		t.Fatalf("problems: %v %v", problems, more)
	}
	return s
}

func lines(r Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}
