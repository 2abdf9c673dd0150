package policy

import (
	"path"
	"strconv"
	"strings"
	"testing"
)

// at is a place in an imagined configuration.
func at(line int) Pos { return Pos{File: "t.toml", Line: line, Col: 1} }

func set[T any](v T) Setting[T] { return Setting[T]{Value: v, Set: true} }

func setAt[T any](line int, v T) Setting[T] { return Setting[T]{Value: v, At: at(line), Set: true} }

// words returns the fields of text as settings.
func words(text string) []Setting[string] {
	var list []Setting[string]
	for _, w := range strings.Fields(text) {
		list = append(list, set(w))
	}
	return list
}

// permissions returns an entry for each line "PATH verb verb".
func permissions(lines ...string) []Permission {
	var list []Permission
	for i, line := range lines {
		p, verbs, _ := strings.Cut(line, " ")
		list = append(list, Permission{Path: setAt(i+1, p), Verbs: words(verbs)})
	}
	return list
}

// patterns returns an entry for each line "PATH [hide] +allowed -denied".
func patterns(lines ...string) []FilePatterns {
	var list []FilePatterns
	for i, line := range lines {
		f := strings.Fields(line)
		e := FilePatterns{At: at(i + 1), Path: set(f[0])}
		for _, w := range f[1:] {
			switch {
			case w == "hide":
				e.DenyPolicy = set("hide")
			case w[0] == '+':
				e.Allowed = append(e.Allowed, set(w[1:]))
			case w[0] == '-':
				e.Denied = append(e.Denied, set(w[1:]))
			}
		}
		list = append(list, e)
	}
	return list
}

// folders returns a virtual folder for each line "NAME PATH [ro] [perms…]".
func folders(lines ...string) []Mounting {
	var list []Mounting
	for i, line := range lines {
		f := strings.Fields(line)
		m := Mounting{At: at(i + 1), Folder: set(f[0]), Path: set(f[1])}
		for _, w := range f[2:] {
			if w == "ro" {
				m.ReadOnly = set(true)
				continue
			}
			m.HasPerms = true
			m.Permissions = append(m.Permissions, set(w))
		}
		list = append(list, m)
	}
	return list
}

func folder(name, source string) Folder {
	return Folder{Name: name, At: at(90), Source: setAt(91, source)}
}

func compile(t testing.TB, in Input) *Set {
	t.Helper()
	s, problems := Compile(in)
	for _, p := range problems {
		if p.Severity == SeverityError {
			t.Error(p)
		}
	}
	if s == nil {
		t.FailNow()
	}
	return s
}

func view(t testing.TB, s *Set, account string) *View {
	t.Helper()
	v, ok := s.View(account)
	if !ok {
		t.Fatalf("View(%q): no such view", account)
	}
	return v
}

// target reads "/dir/name[:type[:octal]]"; the type is file unless given.
func target(text string) (dir string, t Target) {
	p, rest, typed := strings.Cut(text, ":")
	t = Target{Name: path.Base(p), Type: TypeFile}
	kind, perm, _ := strings.Cut(rest, ":")
	if typed {
		t.Type = map[string]FileType{"none": TypeNone, "file": TypeFile, "dir": TypeDir, "link": TypeSymlink}[kind]
	}
	if perm != "" {
		n, _ := strconv.ParseUint(perm, 8, 32)
		t.Perm = uint32(n)
	}
	return path.Dir(p), t
}

var classNames = map[Class]string{
	ClassRefused: "EACCES", ClassHidden: "ENOENT", ClassBusy: "EBUSY",
	ClassCross: "EXDEV", ClassNotOwner: "EPERM", ClassUnsupported: "EOPNOTSUPP",
}

// say names a verdict: "ok" or "reason ERRNO".
func say(v Verdict) string {
	if v.Allowed() {
		return "ok"
	}
	return v.Reason.String() + " " + classNames[v.Class]
}

// decide answers "op path", "rename path path" or "readdir path".
func decide(t testing.TB, v *View, question string) Verdict {
	t.Helper()
	f := strings.Fields(question)
	dir, what := target(f[1])
	if f[0] == "readdir" {
		return v.At(f[1]).Check(OpReaddir, Target{})
	}
	if f[0] == "move" {
		toDir, to := target(f[2])
		if !strings.Contains(f[2], ":") {
			to.Type = TypeNone
		}
		return v.At(dir).CheckRename(what, v.At(toDir), to)
	}
	for _, op := range Ops() {
		if op.String() == f[0] {
			return v.At(dir).Check(op, what)
		}
	}
	t.Fatalf("no operation %q", f[0])
	return Verdict{}
}

// decisions is a table of questions and answers, one a line:
// "op path [path] => answer".
func decisions(t *testing.T, v *View, table string) {
	t.Helper()
	for line := range strings.Lines(table) {
		question, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			continue
		}
		question, want = strings.TrimSpace(question), strings.TrimSpace(want)
		if got := say(decide(t, v, question)); got != want {
			t.Errorf("%s: %s = %s, want %s", v.Account(), question, got, want)
		}
	}
}

// replaceSite puts a site's path into a table.
func replaceSite(table, site string) string { return strings.ReplaceAll(table, "SITE", site) }
