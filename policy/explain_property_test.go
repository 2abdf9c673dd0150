package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// samplePaths are paths of the view of explainInput at which something decides,
// and beside them.
var samplePaths = []string{
	"/", "/x", "/x.exe", "/x.exe/y", "/in", "/in/x", "/in/sub/x", "/dark", "/dark/x", "/dark/deep", "/dark/deep/x", "/dark/deep/x/y",
	"/gallery", "/gallery/x", "/shy/a.key", "/shy/a", "/shy/secret", "/shy/secret/x", "/only/x", "/only/x.txt", "/only/x/y",
	"/media", "/media/x", "/media/d/x.exe", "/drop", "/drop/x", "/a", "/a/x", "/a/b", "/a/b/deep", "/a/b/deep/x",
	"/move/x", "/move/blind", "/move/blind/x", "/print/x", "/print/x.pdf",
	"/sites", "/sites/x", "/sites/a.org", "/sites/a.org/x", "/sites/a.org/settings.php", "/sites/a.org/local.settings.php",
	"/sites/a.org/drushrc.php", "/sites/a.org/files", "/sites/a.org/files/x", "/sites/a.org/files/.htaccess",
	"/sites/a.org/modules/m/x.drush.inc", "/sites/a.org/other/x", "/sites/b.org/x", "/sites/b.org/settings.php", "/sites/c.org/x",
	"/.ssh", "/.ssh/x", "/shared/x", "/users", "/users/x", "/pool", "/pool/media", "/pool/media/x", "/nowhere/at/all",
}

var sampleTypes = []FileType{TypeNone, TypeFile, TypeDir, TypeSymlink}

// TestExplainIsCheck: where every directory above may be looked up, explain says
// what the file system's own question says; else it says why not. Directories
// that can be merged with the view's own are taken to be there.
func TestExplainIsCheck(t *testing.T) {
	s := compile(t, explainInput())
	for _, v := range s.Views() {
		for _, p := range samplePaths {
			if p == "/" {
				continue // no directory holds it
			}
			var above Verdict
			place := v.Root()
			for _, name := range split(path.Dir(p)) {
				if above = place.Check(OpLookup, Target{Name: name, Type: TypeDir}); !above.Allowed() {
					break
				}
				place = place.Child(name)
			}
			for _, op := range Ops() {
				for _, kind := range sampleTypes {
					asked := kind
					if kind == TypeNone {
						asked = assumed(op)
					}
					want := above
					switch {
					case op.Never(), ops[op].closes:
						want = place.Check(op, Target{})
					case above.Allowed() && op == OpReaddir:
						if want = place.Check(OpLookup, Target{Name: path.Base(p), Type: TypeDir}); want.Allowed() {
							want = v.At(p).Check(op, Target{})
						}
					case above.Allowed():
						want = place.Check(op, Target{Name: path.Base(p), Type: asked})
					}
					list, err := inquiries(op.String(), kind)
					if err != nil || len(list) == 0 || list[0].op != op {
						// A verb of the same name, which is about one type only.
						list = []inquiry{{op: op, kind: asked}}
					}
					if len(list) > 1 {
						continue // both halves: see TestExplainHalves
					}
					list[0].path, list[0].real = p, true
					if got := v.rules().answer(list); say(got.Verdict) != say(want) {
						t.Errorf("%s: %s %s (type %d) = %s, want %s", v.Account(), op, p, kind, say(got.Verdict), say(want))
					}
				}
			}
		}
	}
}

// TestExplainHalves: a bare verb is allowed if and only if each half of it is.
func TestExplainHalves(t *testing.T) {
	s := compile(t, explainInput())
	for verb, halves := range map[string][]string{
		"delete": {"delete_files", "delete_dirs"},
		"rename": {"rename_files", "rename_dirs"},
		"*": {
			"list", "download", "upload", "overwrite", "delete_files", "delete_dirs", "rename_files",
			"rename_dirs", "create_dirs", "create_symlinks", "chmod", "chown", "chtimes", "copy",
		},
	} {
		for _, v := range s.Views() {
			for _, p := range samplePaths {
				want := true
				for _, half := range halves {
					want = want && explain(t, v, half+" "+p).Allowed()
				}
				if got := explain(t, v, verb+" "+p).Allowed(); got != want {
					t.Errorf("%s: %s %s = %v, want %v", v.Account(), verb, p, got, want)
				}
			}
		}
	}
}

// numbered gives every entry of in a place of its own.
func numbered(in Input) Input {
	line := 0
	next := func() Pos { line++; return at(line) }
	settings := func(s *Settings) {
		s.HomeDir.At = next()
		for i := range s.Permissions {
			s.Permissions[i].Path.At = next()
		}
		for i := range s.FilePatterns {
			s.FilePatterns[i].At = next()
		}
		for i := range s.VirtualFolders {
			s.VirtualFolders[i].At = next()
		}
	}
	for i := range in.Accounts {
		settings(&in.Accounts[i].Settings)
	}
	for i := range in.Groups {
		settings(&in.Groups[i].Settings)
	}
	for i := range in.Sites {
		in.Sites[i].At = next()
	}
	return in
}

// entryChange is what a test does to the one entry that lies at a place.
type entryChange struct {
	permission func(*Permission)
	pattern    func(*FilePatterns)
	mount      func(*Mounting)
	remove     bool
}

// changed returns in with the entry that lies at at changed, and whether there is
// one.
func (c entryChange) changed(in Input, at Pos) (Input, bool) {
	found := false
	settings := func(s *Settings) {
		list := s.Permissions[:0:0]
		for _, p := range s.Permissions {
			if p.Path.At == at {
				found = true
				if c.remove {
					continue
				}
				c.permission(&p)
			}
			list = append(list, p)
		}
		s.Permissions = list
		patterns := s.FilePatterns[:0:0]
		for _, p := range s.FilePatterns {
			if p.At == at {
				found = true
				if c.remove {
					continue
				}
				c.pattern(&p)
			}
			patterns = append(patterns, p)
		}
		s.FilePatterns = patterns
		mounts := s.VirtualFolders[:0:0]
		for _, m := range s.VirtualFolders {
			if m.At == at {
				found = true
				if c.remove {
					continue
				}
				c.mount(&m)
			}
			mounts = append(mounts, m)
		}
		s.VirtualFolders = mounts
	}
	for i := range in.Accounts {
		settings(&in.Accounts[i].Settings)
	}
	for i := range in.Groups {
		settings(&in.Groups[i].Settings)
	}
	return in, found
}

// verbsAndOps returns every name that a Question may have as its verb.
func verbsAndOps() []string {
	list := VerbNames()
	for _, op := range Ops() {
		if name := op.String(); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// TestExplainNamesWhatDecides: without the named entry the verdict or the rule is
// another one; with the entry opened wide a refusal by it is none any more, and
// with a permission emptied nothing is allowed by it.
func TestExplainNamesWhatDecides(t *testing.T) {
	wide := entryChange{
		permission: func(p *Permission) { p.Verbs = words("*") },
		pattern:    func(p *FilePatterns) { p.Denied, p.Allowed = nil, words("*") },
		mount:      func(m *Mounting) { m.ReadOnly, m.HasPerms, m.Permissions = Setting[bool]{}, false, nil },
	}
	empty := entryChange{
		permission: func(p *Permission) { p.Verbs = nil },
		pattern:    func(*FilePatterns) {},
		mount:      func(*Mounting) {},
	}
	base := compile(t, numbered(explainInput()))
	sets := map[string]*Set{}
	variant := func(name string, c entryChange, at Pos) (*Set, bool) {
		in, found := c.changed(numbered(explainInput()), at)
		key := fmt.Sprint(name, at)
		if sets[key] == nil {
			sets[key] = compile(t, in)
		}
		return sets[key], found
	}
	decided := 0
	for _, v := range base.Views() {
		for _, p := range samplePaths {
			for _, verb := range verbsAndOps() {
				q := Question{Verb: verb, Path: p}
				e, err := v.Explain(q)
				if err != nil || e.Rule == nil {
					continue
				}
				s, found := variant("remove", entryChange{remove: true}, e.Rule.At)
				if !found {
					continue // default, a preset, a site
				}
				decided++
				without, _ := view(t, s, v.Account()).Explain(q)
				if without.Reason == e.Reason && without.Rule != nil && *without.Rule == *e.Rule {
					t.Errorf("%s: %s %s = %s by %v, also without it", v.Account(), verb, p, e.Reason, *e.Rule)
				}
				switch e.Reason {
				case ReasonNoPermission, ReasonPattern, ReasonHidden, ReasonMountReadOnly:
					s, _ := variant("wide", wide, e.Rule.At)
					x, _ := view(t, s, v.Account()).Explain(q)
					if x.Reason == e.Reason && x.Rule != nil && *x.Rule == *e.Rule {
						t.Errorf("%s: %s %s = %s by %v, also if that allows all", v.Account(), verb, p, e.Reason, *e.Rule)
					}
				case ReasonNone:
					op, isOp := ParseOp(verb)
					if isOp && ops[op].closes || isOp && ops[op].needs == VerbAny {
						continue
					}
					s, _ := variant("empty", empty, e.Rule.At)
					if x, _ := view(t, s, v.Account()).Explain(q); x.Allowed() {
						t.Errorf("%s: %s %s is allowed by %v, also if that allows nothing", v.Account(), verb, p, *e.Rule)
					}
				}
			}
		}
	}
	if decided < 500 {
		t.Errorf("%d answers were decided by an entry, want more", decided)
	}
}

// TestWouldAllowHelps: an edit of the account's permissions that explain proposes,
// written into the input, allows it (with the other edits it names).
func TestWouldAllowHelps(t *testing.T) {
	s := compile(t, numbered(explainInput()))
	tried := 0
	for _, v := range s.Views() {
		for _, p := range samplePaths {
			for _, verb := range VerbNames() {
				q := Question{Verb: verb, Path: p}
				e, err := v.Explain(q)
				if err != nil {
					t.Fatal(err)
				}
				if e.Allowed() != (e.WouldAllow == "") {
					t.Fatalf("%s: %s %s: allowed %v, would allow %q", v.Account(), verb, p, e.Allowed(), e.WouldAllow)
				}
				if !strings.Contains(e.WouldAllow, "permissions") || strings.Contains(e.WouldAllow, "\n") || strings.Contains(e.WouldAllow, "virtual_folders") {
					continue
				}
				tried++
				in := numbered(explainInput())
				i := slices.IndexFunc(in.Accounts, func(a Account) bool { return a.Name == v.Account() })
				a := &in.Accounts[i]
				key, verbs := readPermission(t, e.WouldAllow)
				a.Permissions = slices.DeleteFunc(a.Permissions, func(p Permission) bool { return p.Path.Value == key })
				a.Permissions = append(a.Permissions, Permission{Path: set(key), Verbs: words(verbs)})
				if x, _ := view(t, compile(t, in), v.Account()).Explain(q); !x.Allowed() {
					t.Errorf("%s: %s %s is refused (%s) also with %s", v.Account(), verb, p, x.Reason, e.WouldAllow)
				}
			}
		}
	}
	if tried < 50 {
		t.Errorf("%d edits were tried, want more", tried)
	}
}

// readPermission reads `… [accounts.NAME] (PLACE): "KEY" = ["verb", …]`, in which
// "permissions." may stand before the key.
func readPermission(t *testing.T, line string) (key, verbs string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " #")
	_, rest, _ := strings.Cut(line, "): ")
	key, list, ok := strings.Cut(strings.TrimPrefix(rest, "permissions."), " = [")
	if !ok {
		t.Fatalf("can't read %s", line)
	}
	key = strings.ReplaceAll(strings.Trim(key, `"`), `\\`, `\`)
	return key, strings.NewReplacer(`"`, "", ",", " ", "]", "").Replace(list)
}
