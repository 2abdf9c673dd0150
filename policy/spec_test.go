package policy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"grantfs/config"
	"grantfs/config/aegir"
	"grantfs/policy"
)

// TestSpecification runs testdata/*.txtar: each is a configuration and a table of
// what follows from it, see testdata/README.
func TestSpecification(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	lines, said := 0, map[string]bool{}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			s := openSpec(t, name)
			for _, l := range s.decisions {
				lines++
				for _, word := range append(l.question, strings.Fields(l.want)...) {
					said[word] = true
				}
				if got := s.answer(l); got != l.want {
					t.Errorf("%s:%d: %s: got %s, want %s", name, l.number, strings.Join(l.question, " "), got, l.want)
				}
			}
		})
	}
	if lines < 150 {
		t.Errorf("%d decisions, want 150 at least", lines)
	}
	for what, words := range spoken() {
		for _, word := range words {
			if !said[word] {
				t.Errorf("no line has the %s %s", what, word)
			}
		}
	}
}

// spoken are the words that some line must have.
func spoken() map[string][]string {
	words := map[string][]string{"setting": policy.ScalarKeys()}
	for _, v := range policy.VerbNames() {
		if v != "*" {
			words["permission"] = append(words["permission"], v)
		}
	}
	for _, o := range policy.Ops() {
		switch o {
		case policy.OpRename, policy.OpLookup, policy.OpLink: // the others follow from the same table
			words["operation"] = append(words["operation"], o.String())
		}
	}
	for _, r := range policy.Reasons() {
		switch r {
		case policy.ReasonSymlink, policy.ReasonForeignUID, policy.ReasonForeignDevice, policy.ReasonOwnIDsOnly, policy.ReasonNoSession:
			continue // only the file system can tell
		}
		words["reason"] = append(words["reason"], r.String())
	}
	for _, e := range errnos {
		words["error"] = append(words["error"], e)
	}
	for _, r := range policy.AdmitReasons() {
		if r == policy.AdmitHookRefused || r == policy.AdmitHookFailed {
			continue // only a hook can tell
		}
		words["login reason"] = append(words["login reason"], r.String())
	}
	return words
}

// spec is one archive.
type spec struct {
	t         *testing.T
	set       *policy.Set
	decisions []decision
}

type decision struct {
	number   int // of the line
	question []string
	want     string
}

// openSpec unpacks an archive, loads its configuration as the program does, and
// compares its problems.
func openSpec(t *testing.T, name string) *spec {
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &spec{t: t}
	var wanted, frozen []string
	for _, f := range a.Files {
		text := strings.ReplaceAll(string(f.Data), "$DIR", dir)
		switch f.Name {
		case "decisions":
			s.read(name, text)
		case "frozen":
			frozen = strings.Fields(text)
		case "problems":
			wanted = strings.Split(strings.TrimSpace(text), "\n")
		default:
			file := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	c, problems := config.Load(filepath.Join(dir, "grantfs.toml"), nil)
	found, more := aegir.Discover(c.Aegir.Instances, aegir.Options{})
	in, merged := found.Merge(c.Policy, c.Aegir)
	set, compiled := policy.Compile(in)
	problems = append(append(append(problems, more...), merged...), compiled...)
	if s.set = set; frozen != nil {
		s.set = set.Freeze(frozen)
	}
	var all strings.Builder
	for _, p := range problems {
		all.WriteString(strings.ReplaceAll(p.String(), dir+"/", "") + "\n")
	}
	for _, w := range wanted {
		if w != "" && !strings.Contains(all.String(), w) {
			t.Errorf("%s: no problem has %q, there are:\n%s", name, w, all.String())
		}
	}
	if policy.HasErrors(problems) != (len(s.decisions) == 0) {
		t.Fatalf("%s: problems:\n%s", name, all.String())
	}
	return s
}

// read reads the table of decisions. The question ends before "allow", "deny",
// or "=".
func (s *spec) read(name, table string) {
	archive, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err)
	}
	number := strings.Count(string(archive[:strings.Index(string(archive), "-- decisions --")]), "\n") + 1
	for line := range strings.Lines(table) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		for i, word := range fields {
			if word == "allow" || word == "deny" || word == "=" {
				s.decisions = append(s.decisions, decision{number, fields[:i], strings.Join(fields[i:], " ")})
				break
			}
		}
	}
}
