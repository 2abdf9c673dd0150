package policy

import (
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// naive answers what the compiled form answers, in the obvious way: it walks up
// from a directory and compares every key with every ancestor.
type naive struct {
	entries map[string]Verbs
}

func (n naive) verbs(dir string) Verbs {
	for {
		if v, ok := n.entries[dir]; ok && !isGlob(dir) {
			return v
		}
		best, found := -1, Verbs(0)
		for key, v := range n.entries {
			level := len(split(key)) == len(split(dir)) // path.Match lets "/*" match "/"
			if ok, _ := path.Match(key, dir); ok && level && isGlob(key) && count(key) > best {
				best, found = count(key), v
			}
		}
		if best >= 0 {
			return found
		}
		if dir == "/" {
			return VerbAll
		}
		dir = path.Dir(dir)
	}
}

// count is the number of characters of a key that stand for themselves.
func count(key string) int {
	n := 0
	for _, name := range split(key) {
		n += literals(name)
	}
	return n
}

// FuzzPlace compares the compiled form with the naive one: keys is a list of
// permission keys, one a line, of which the n-th grants its own set of verbs.
func FuzzPlace(f *testing.F) {
	f.Add("/a\n/a/b\n/a/*\n/*/b", "/a/b/c")
	f.Add("/a*/b\n/ab*/b\n/", "/abc/b")
	f.Add("/?/x\n/[a-c]\n/\\*", "/b/x/y")
	f.Add("/sites/*/files\n/sites/x/files", "/sites/y/files/z")
	f.Fuzz(func(t *testing.T, keys, dir string) {
		dir, err := cleanPath(dir)
		if err != nil || !utf8.ValidString(dir) { // those are compared by bytes
			return
		}
		a := home(Account{Name: "alice"})
		want := naive{entries: map[string]Verbs{}}
		for i, key := range strings.Split(keys, "\n") {
			v := Verbs(i*37+1) & VerbAll
			var names []Setting[string]
			for _, name := range verbNames {
				if name.verbs&(name.verbs-1) == 0 && v&name.verbs != 0 {
					names = append(names, set(name.name))
				}
			}
			a.Permissions = append(a.Permissions, Permission{Path: set(key), Verbs: names})
			if clean, err := cleanPath(key); err == nil {
				want.entries[clean] = v
			}
		}
		s, _ := Compile(Input{Accounts: []Account{a}})
		if s == nil {
			return // a bad path or glob, a tie, or one path twice
		}
		v, _ := s.View("alice")
		if got, want := v.At(dir).Verbs(), want.verbs(dir); got != want {
			t.Errorf("keys %q: verbs at %q = %s, want %s", keys, dir, got, want)
		}
		first := v.At(dir)
		if again := v.At(dir); again != first {
			t.Errorf("keys %q: two Places for %q", keys, dir)
		}
	})
}

// FuzzGlob compares the matcher with path.Match.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?[c-e]", "axxbxd")
	f.Add(`\*[^\]]*`, "*x")
	f.Add("é*[à-ü]", "éx\xff")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := compileGlob(pattern, false)
		if _, want := path.Match(pattern, ""); (err != nil) != (want != nil || !utf8.ValidString(pattern)) {
			t.Fatalf("compileGlob(%q): %v, want %v", pattern, err, want)
		}
		if err != nil || strings.Contains(name, "/") || !utf8.ValidString(name) {
			return
		}
		want, _ := path.Match(pattern, name)
		if got := g.match(name); got != want {
			t.Errorf("%q matches %q = %v, want %v", pattern, name, got, want)
		}
	})
}

// FuzzCompile compiles what may be nonsense: no panic, and a Set exactly where
// there is no error.
func FuzzCompile(f *testing.F) {
	f.Add("alice", "/srv/%username%", "/a/*", "*.exe", "/srv/views", "s.test")
	f.Add("..", "rel/%client%", "/[", "[", "/", "a/b")
	f.Fuzz(func(t *testing.T, name, source, key, glob, point, uri string) {
		a := Account{Name: name, PrimaryGroup: set("g"), SecondaryGroups: words("h")}
		g := Group{Name: "g"}
		g.HomeDir = set(source)
		g.Permissions = []Permission{{Path: set(key), Verbs: words("list")}, {Path: set("/*"), Verbs: words("*")}}
		g.FilePatterns = []FilePatterns{{Path: set(key), Denied: []Setting[string]{set(glob)}, DenyPolicy: set("hide")}}
		h := Group{Name: "h"}
		h.VirtualFolders = []Mounting{{Folder: set("f"), Path: set(key), Subpath: set(source)}}
		in := Input{
			Accounts: []Account{a}, Groups: []Group{g, h}, Point: point,
			Folders: []Folder{{Name: "f", Source: set(source)}},
			Sites:   []Site{{URI: uri, Source: source, OwnerAccount: name, Preset: "aegir", Stores: []Store{{Name: "files", Path: key}}}},
		}
		s, problems := Compile(in)
		if (s == nil) != HasErrors(problems) {
			t.Fatalf("Set %v with problems %v", s != nil, problems)
		}
		if s == nil {
			return
		}
		v, _ := s.View(name)
		p := v.At(key)
		what := Target{Name: glob, Type: TypeFile}
		for _, op := range Ops() {
			p.Check(op, what)
		}
		p.CheckRename(what, v.Root(), Target{Name: uri})
		p.Visible(what)
		p.Provided()
	})
}

// Adding a denial never grants: with a pattern or a narrower permission more,
// nothing that was refused is allowed.
func TestDenyNeverGrants(t *testing.T) {
	base := home(Account{Name: "alice"})
	base.Permissions = permissions("/ *", "/a list download upload", "/a/b list")
	base.FilePatterns = patterns("/a -x*")
	questions := []string{}
	for _, dir := range []string{"", "/a", "/a/b", "/a/b/c", "/q", "/q/x"} {
		for _, op := range []string{"lookup", "open-read", "create", "open-write", "unlink", "mkdir", "rename"} {
			for _, name := range []string{"x1", "y", "y.key"} {
				questions = append(questions, op+" "+dir+"/"+name)
			}
		}
	}
	before := view(t, compile(t, Input{Accounts: []Account{base}}), "alice")
	for _, change := range []func(*Account){
		func(a *Account) { a.FilePatterns = patterns("/a -x* -*.key") },
		func(a *Account) { a.FilePatterns = patterns("/a hide -x* -y") },
		func(a *Account) { a.FilePatterns = patterns("/a -x*", "/q -y") },
		func(a *Account) { a.Permissions = permissions("/ *", "/a list", "/a/b list") },
		func(a *Account) { a.Permissions = permissions("/ list", "/a list download upload", "/a/b list") },
	} {
		a := base
		change(&a)
		after := view(t, compile(t, Input{Accounts: []Account{a}}), "alice")
		for _, q := range questions {
			if !decide(t, before, q).Allowed() && decide(t, after, q).Allowed() {
				t.Errorf("%s was refused and is allowed after a denial more", q)
			}
		}
	}
}

// Places are built by whoever comes first; all see the same ones.
func TestConcurrentDescent(t *testing.T) {
	s := compile(t, host())
	paths := []string{"/sites/foo.test/modules/a", "/static/d10/web/sites/foo.test/files", "/static/x/y", "/users", "/fx/d/e"}
	var wg sync.WaitGroup
	seen := make([][]*Place, 8)
	for i := range seen {
		wg.Go(func() {
			v, _ := s.View("o1.ftp")
			for range 50 {
				for _, p := range paths {
					place := v.At(p)
					place.Provided()
					seen[i] = append(seen[i], place)
				}
			}
		})
	}
	wg.Wait()
	for i := range seen {
		if !slices.Equal(seen[i], seen[0]) {
			t.Errorf("goroutine %d saw other Places", i)
		}
	}
}
