package policy

import (
	"fmt"
	"testing"
)

// hot are the questions whose speed matters: every kind of place, allowed.
func hot(t testing.TB) []struct {
	name string
	p    *Place
	op   Op
	t    Target
} {
	a := home(Account{Name: "alice"})
	a.Permissions = permissions("/in list upload", "/a/*/c list download")
	b := home(Account{Name: "bob"})
	b.FilePatterns = patterns("/ -*.exe -*.com -secret* -*.b?t")
	in := host()
	in.Accounts = append(in.Accounts, a, b)
	s := compile(t, in)
	file := func(name string) Target { return Target{Name: name, Type: TypeFile} }
	alice, bob, foo := view(t, s, "alice"), view(t, s, "bob"), view(t, s, "o1.foo")
	return []struct {
		name string
		p    *Place
		op   Op
		t    Target
	}{
		{"root", alice.Root(), OpOpenRead, file("report.pdf")},
		{"plain", alice.At("/docs/2026"), OpOpenRead, file("report.pdf")},
		{"pattern", bob.At("/docs/2026"), OpOpenRead, file("a rather long report.pdf")},
		{"site top", foo.At("/sites/foo.test"), OpOpenRead, file("settings.php")},
		{"site modules", foo.At("/sites/foo.test/modules/views"), OpOpenRead, file("views.module")},
		{"site files", foo.At("/sites/foo.test/files"), OpCreate, file("photo.jpg")},
		{"list", foo.At("/sites/foo.test/files"), OpReaddir, Target{}},
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, q := range hot(b) {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v := q.p.Check(q.op, q.t); !v.Allowed() {
					b.Fatal(say(v))
				}
			}
		})
	}
}

func BenchmarkChild(b *testing.B) {
	for _, q := range hot(b) {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q.p.Child("views")
			}
		})
	}
}

// No question allocates, refused ones included, nor does a step down that was
// made before.
func TestNoAllocations(t *testing.T) {
	for _, q := range hot(t) {
		other := q.p.Child("other")
		for what, f := range map[string]func(){
			"Check":         func() { q.p.Check(q.op, q.t) },
			"Check refused": func() { q.p.Check(OpMknod, q.t); q.p.Check(OpUnlink, Target{Name: "x.EXE"}) },
			"Visible":       func() { q.p.Visible(q.t) },
			"Writable":      func() { q.p.Writable(q.t) },
			"CheckRename":   func() { q.p.CheckRename(q.t, q.p, Target{Name: "x"}) },
			"Child":         func() { q.p.Child("other"); other.Child("deeper") },
		} {
			f()
			if got := testing.AllocsPerRun(100, f); got != 0 {
				t.Errorf("%s: %s allocates %v times, want 0", q.name, what, got)
			}
		}
	}
}

// BenchmarkCompile compiles 100,000 accounts with 1,000 groups, each with 10
// mounts (architecture.md §4).
func BenchmarkCompile(b *testing.B) {
	in := large(100_000, 1_000, 10)
	b.ReportAllocs()
	for b.Loop() {
		if s, problems := Compile(in); s == nil {
			b.Fatal(problems[0])
		}
	}
}

func large(accounts, groups, mounts int) Input {
	var in Input
	for i := range groups {
		g := Group{Name: fmt.Sprintf("g%d", i)}
		g.HomeDir = set("/srv/homes/%username%")
		g.Permissions = permissions("/ list download", "/in upload", "/out/*/x list")
		for j := range mounts {
			name := fmt.Sprintf("f%d-%d", i, j)
			in.Folders = append(in.Folders, Folder{Name: name, Source: set("/srv/folders/" + name)})
			g.VirtualFolders = append(g.VirtualFolders, Mounting{Folder: set(name), Path: set("/mnt/" + name)})
		}
		in.Groups = append(in.Groups, g)
	}
	for i := range accounts {
		in.Accounts = append(in.Accounts, Account{Name: fmt.Sprintf("a%d", i), PrimaryGroup: set(fmt.Sprintf("g%d", i%groups))})
	}
	return in
}

// What lies below every entry shares one Place, and asking for names builds
// nothing new.
func TestPlacesAreShared(t *testing.T) {
	s := compile(t, host())
	foo := view(t, s, "o1.foo")
	for _, dir := range []string{"/sites/foo.test/modules/a", "/sites/foo.test/files/a", "/sites/foo.test/other"} {
		p := foo.At(dir)
		if got := p.Child("x").Child("y"); got != p {
			t.Errorf("%s: a directory below has a Place of its own", dir)
		}
	}
	top := foo.At("/sites/foo.test")
	if top.Child("other") != top.Child("another") {
		t.Error("two locked directories have two Places")
	}
	for i := range 10_000 {
		top.Child(fmt.Sprint("d", i))
	}
	if got := len(top.kids); got > 8 {
		t.Errorf("%d Places remembered for 10,000 names, want a handful", got)
	}
}
