package policy

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
)

// plainRules answers questions about a view with a home in the obvious way: by
// walking paths as strings and comparing each with every entry.
type plainRules struct {
	grants   map[string]Verbs
	patterns map[string]Pattern
}

// nearest returns the entry that decides about dir: of the nearest directory
// that has any, the exact one, else the glob with the most literal characters.
func nearest[E any](entries map[string]E, dir string) (E, bool) {
	for {
		if e, ok := entries[dir]; ok && !isGlob(dir) {
			return e, true
		}
		best, key := -1, ""
		for k := range entries {
			if isGlob(k) && stands(k, dir) && count(k) > best {
				best, key = count(k), k
			}
		}
		if best >= 0 {
			return entries[key], true
		}
		if dir == "/" {
			var none E
			return none, false
		}
		dir = path.Dir(dir)
	}
}

// stands reports whether a key stands for the directory dir.
func stands(key, dir string) bool {
	if len(split(key)) != len(split(dir)) {
		return false
	}
	ok, _ := path.Match(key, dir)
	return ok
}

// verbs returns what may be done with the names in dir.
func (r plainRules) verbs(dir string) Verbs {
	if v, ok := nearest(r.grants, dir); ok {
		return v
	}
	return VerbAll // of the home
}

// denies reports whether the patterns deny the name, and whether they hide it.
func (r plainRules) denies(dir, name string) (denied, hidden bool) {
	p, ok := nearest(r.patterns, dir)
	if !ok {
		return false, false
	}
	matches := func(glob string) bool {
		ok, _ := path.Match(strings.ToLower(glob), strings.ToLower(name))
		return ok
	}
	denied = slices.ContainsFunc(p.Denied, matches) || (len(p.Allowed) > 0 && !slices.ContainsFunc(p.Allowed, matches))
	return denied, denied && p.Hide
}

// keys returns the paths of all entries.
func (r plainRules) keys() []string {
	var list []string
	for k := range r.grants {
		list = append(list, k)
	}
	for k := range r.patterns {
		list = append(list, k)
	}
	return list
}

// closed reports whether a denied directory closes dir: one above it is denied,
// and no entry lies at dir or between.
func (r plainRules) closed(dir string) bool {
	closed, here := false, "/"
	for _, name := range split(dir) {
		denied, _ := r.denies(here, name)
		closed = closed || denied
		here = path.Join(here, name)
		if closed && slices.ContainsFunc(r.keys(), func(k string) bool { return stands(k, here) }) {
			closed = false
		}
	}
	return closed
}

// leads reports whether an entry lies below dir.
func (r plainRules) leads(dir string) bool {
	n := len(split(dir))
	return slices.ContainsFunc(r.keys(), func(k string) bool {
		c := split(k)
		return len(c) > n && stands("/"+strings.Join(c[:n], "/"), dir)
	})
}

// allows answers what Check does about a file called name in dir.
func (r plainRules) allows(op Op, dir, name string) bool {
	denied, hidden := r.denies(dir, name)
	verbs := r.verbs(dir)
	switch op {
	case OpReaddir:
		return verbs&VerbList != 0 && (!r.closed(dir) || r.leads(dir))
	case OpLookup:
		return !r.closed(dir) && !hidden && verbs != 0
	}
	return !r.closed(dir) && !denied && verbs&ops[op].needs != 0
}

// randomRules returns a view and the same rules in the plain form. Of two globs
// that tie the seed is not used.
func randomRules(seed uint64) (*View, plainRules, bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	key := func() string {
		var names []string
		for range r.IntN(4) {
			names = append(names, pick("a", "b", "ab", "a*", "*", "?b", "[ab]"))
		}
		return "/" + strings.Join(names, "/")
	}
	globs := func() (list []Setting[string]) {
		for range r.IntN(3) {
			list = append(list, set(pick("a", "b", "*.x", "A*", "?", "*b", "ab")))
		}
		return list
	}
	plain := plainRules{grants: map[string]Verbs{}, patterns: map[string]Pattern{}}
	a := home(Account{Name: "alice"})
	for range r.IntN(5) {
		k := key()
		if _, twice := plain.grants[k]; twice {
			continue
		}
		var verbs []Setting[string]
		for range r.IntN(3) {
			verbs = append(verbs, set(pick("list", "download", "upload", "overwrite", "rename", "*")))
		}
		plain.grants[k] = parseVerbs(verbs)
		a.Permissions = append(a.Permissions, Permission{Path: set(k), Verbs: verbs})
	}
	for range r.IntN(4) {
		k := key()
		e := FilePatterns{Path: set(k), Allowed: globs(), Denied: globs(), DenyPolicy: set(pick("deny", "hide"))}
		if _, twice := plain.patterns[k]; twice || len(e.Allowed)+len(e.Denied) == 0 {
			continue
		}
		plain.patterns[k] = Pattern{Allowed: values(e.Allowed), Denied: values(e.Denied), Hide: e.DenyPolicy.Value == "hide"}
		a.FilePatterns = append(a.FilePatterns, e)
	}
	s, _ := Compile(Input{Accounts: []Account{a}})
	if s == nil {
		return nil, plainRules{}, false
	}
	v, _ := s.View("alice")
	return v, plain, true
}

// dirsToAsk are directories that random rules can be about, and some that they
// can't.
func dirsToAsk() []string {
	list := []string{"/"}
	for from := 0; from < len(list) && len(list) < 1+4+16+64; from++ {
		for _, name := range []string{"a", "b", "ab", "q"} {
			list = append(list, path.Join(list[from], name))
		}
	}
	return list
}

// compareRules asks a view and the plain form of its rules the same questions.
func compareRules(t *testing.T, seed uint64) {
	v, plain, ok := randomRules(seed)
	if !ok {
		return
	}
	for _, dir := range dirsToAsk() {
		p := v.At(dir)
		for _, name := range []string{"a", "b", "AB", "f.x", "q"} {
			for _, op := range []Op{OpLookup, OpOpenRead, OpOpenWrite, OpCreate, OpReaddir} {
				got := p.Check(op, Target{Name: name, Type: TypeFile})
				if want := plain.allows(op, dir, name); got.Allowed() != want {
					t.Errorf("seed %d: %s of %s in %s = %s, want allowed %v\npermissions %v\npatterns %v",
						seed, op, name, dir, say(got), want, plain.grants, fmt.Sprintf("%+v", plain.patterns))
					return
				}
			}
		}
	}
}

// FuzzRules compares the compiled form of permissions and patterns with the
// plain one.
func FuzzRules(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	f.Fuzz(compareRules)
}

// movesGain reports the first move that is allowed and makes something readable
// that was not: the file or directory itself, or any name below it.
func movesGain(v *View, plain plainRules) string {
	dirs := []string{"/", "/a", "/ab", "/q", "/a/b", "/b/a"}
	below := []string{"", "a", "b", "a/b", "ab/a", "q/a/b"}
	for _, from := range dirs {
		for _, to := range dirs {
			for _, name := range []string{"a", "q", "f.x"} {
				for _, other := range []string{"a", "b", "q"} {
					p, q, free := v.At(from), v.At(to), Target{Name: other}
					source, target := path.Join(from, name), path.Join(to, other)
					if p.CheckRename(Target{Name: name, Type: TypeFile}, q, free).Allowed() &&
						!plain.allows(OpOpenRead, from, name) && plain.allows(OpOpenRead, to, other) {
						return fmt.Sprintf("the file %s to %s", source, target)
					}
					if under(to, source) || !p.CheckRename(Target{Name: name, Type: TypeDir}, q, free).Allowed() {
						continue
					}
					for _, rel := range below {
						for _, file := range []string{"a", "b", "AB", "f.x"} {
							if !plain.allows(OpOpenRead, path.Join(source, rel), file) && plain.allows(OpOpenRead, path.Join(target, rel), file) {
								return fmt.Sprintf("the directory %s to %s: %s", source, target, path.Join(rel, file))
							}
						}
					}
				}
			}
		}
	}
	return ""
}

// No move gives download on existing content where there was none (product.md
// §5).
func TestMovesNeverGain(t *testing.T) {
	for seed := range uint64(150) {
		v, plain, ok := randomRules(seed)
		if !ok {
			continue
		}
		if gain := movesGain(v, plain); gain != "" {
			t.Fatalf("seed %d: moving %s gains download\npermissions %v\npatterns %+v", seed, gain, plain.grants, plain.patterns)
		}
	}
}
