package policy

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Reach is one way in which an account reaches a backing path (product.md §13,
// "who").
type Reach struct {
	Account string
	Path    string // the backing path that is reached
	Enabled bool   // false: the account can't be used at present
	VPath   string // where the view has it
	Mount   string // "home", "folder:media", "site:o1/shop.example.org"
	Verbs   Verbs  // what may be done with it
	Rule    Rule   // the permission entry that governs the directory that holds it
}

// Who returns every way in which accounts reach the absolute backing path, sorted
// by account and vpath. It is pure: kind says what is at the path; with TypeDir
// the verbs are those for what is in the directory, and so they are for the root
// of a mount. TypeNone is a file. The error wraps ErrQuestion: a bad path.
func (s *Set) Who(backing string, kind FileType) ([]Reach, error) {
	clean, err := CleanPath(backing)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(backing, "/") {
		kind = TypeDir
	}
	if kind == TypeNone {
		kind = TypeFile
	}
	var list []Reach
	for _, v := range s.list {
		for _, m := range v.transientMounts() {
			for _, vpath := range m.shows(clean) {
				if r, ok := s.transient(v.Account()).reach(m, vpath, kind); ok {
					r.Path = clean
					list = append(list, r)
				}
			}
		}
	}
	sortReaches(list)
	return slices.Compact(list), nil
}

// WhoBelow returns every way in which accounts reach the root of a mount, or the
// store of a site, that lies below the absolute backing path: who gets at a part
// of the path without reaching it. Sorted as by Who; the error wraps ErrQuestion.
func (s *Set) WhoBelow(backing string) ([]Reach, error) {
	clean, err := CleanPath(backing)
	if err != nil {
		return nil, err
	}
	var list []Reach
	for _, v := range s.list {
		var seen *View // built for an account that has anything there
		for _, m := range v.transientMounts() {
			for _, dir := range m.directories() {
				if dir.source == clean || !under(dir.source, clean) {
					continue
				}
				if seen == nil {
					seen = s.transient(v.Account())
				}
				if r, ok := seen.reach(m, dir.vpath, TypeDir); ok {
					r.Path = dir.source
					list = append(list, r)
				}
			}
		}
	}
	sortReaches(list)
	return slices.Compact(list), nil
}

func sortReaches(list []Reach) {
	slices.SortFunc(list, func(a, b Reach) int {
		return cmp.Or(strings.Compare(a.Account, b.Account), strings.Compare(a.VPath, b.VPath), strings.Compare(a.Path, b.Path))
	})
}

// shownDir is a backing directory and where a view has it.
type shownDir struct{ source, vpath string }

// directories returns the source of m and the stores of its site.
func (m *Mount) directories() []shownDir {
	list := []shownDir{{m.Source, m.Path}}
	for _, store := range m.Stores {
		if clean, err := cleanPath(store.Path); err == nil {
			list = append(list, shownDir{clean, join(m.Path, store.Name)})
		}
	}
	return list
}

// shows returns the paths of the view at which m would show a backing path, as
// far as nothing else lies there: below its source, or through a site's store.
func (m *Mount) shows(backing string) []string {
	var list []string
	if under(backing, m.Source) {
		list = append(list, join(m.Path, relative(backing, m.Source)))
	}
	for _, store := range m.Stores {
		if clean, err := cleanPath(store.Path); err == nil && under(backing, clean) {
			at := join(join(m.Path, store.Name), relative(backing, clean))
			if !slices.Contains(list, at) {
				list = append(list, at)
			}
		}
	}
	return list
}

// relative returns path, which is dir or lies below it, as it is called from
// there: "" for dir itself.
func relative(path, dir string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")
}

// reach judges what the account may do with what lies at vpath in m; false where
// the view has something else there, or does not let the account get there. What
// lies in the backing lies in a real directory.
func (v *View) reach(m *Mount, vpath string, kind FileType) (Reach, bool) {
	r := Reach{Account: v.Account(), Enabled: v.Enabled(), VPath: vpath, Mount: m.Name}
	rules := v.rules()
	if vpath == m.Path {
		kind = TypeDir
	}
	if kind == TypeDir {
		f, ok := rules.walk(vpath, vpath, 0, true)
		if !ok || !f.place.lies(m) {
			return r, false
		}
		r.Verbs, r.Rule = f.place.Ordinary(), f.place.Rule()
		return r, true
	}
	f, ok := rules.walk(path.Dir(vpath), vpath, 0, true)
	t := Target{Name: path.Base(vpath), Type: kind}
	if !ok || !f.place.lies(m) || f.place.provides(t.Name) || !f.place.Check(OpLookup, t).Allowed() {
		return r, false
	}
	r.Verbs, r.Rule = f.place.abilities(t), f.place.Rule()
	return r, true
}

// lies reports whether p is a directory of m. Two mounts of one view are never
// one Mount, but a view that is built twice has two of each.
func (p *Place) lies(m *Mount) bool { return p.mount != nil && p.mount.Path == m.Path }

// abilities returns the verbs of which each alone may be done to t by every
// rule: permissions, the mount's own, patterns and presets. Those of directories
// and links are answered for a directory or link of that name.
func (p *Place) abilities(t Target) Verbs {
	var verbs Verbs
	for _, s := range subjects {
		op, asked := s.op, t
		if s.only {
			asked.Type = s.kind
		}
		if op == OpReaddir {
			op = OpReadlink // list, asked about a name
		}
		if p.Check(op, asked).Allowed() {
			verbs |= s.verb
		}
	}
	return verbs
}
