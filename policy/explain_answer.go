package policy

import "path"

// finding is how one inquiry was answered, with the place that answered.
type finding struct {
	Verdict
	place  *Place
	dir    string // the path of place
	target Target // what was asked about there
	need   Verbs  // what it needs there; 0: to be seen
	how    use
	unreal bool // so because no real directory is taken to be at dir

	// Where a name on the way was refused: what was to be done at its end.
	endDir  string
	endNeed Verbs
}

// answer judges inquiries in turn: the first refusal is the answer, else what
// permitted the last.
func (r *rules) answer(list []inquiry) finding {
	var f finding
	for _, q := range list {
		if f = r.inquire(q); !f.Allowed() {
			return f
		}
	}
	return f
}

// inquire judges one operation.
func (r *rules) inquire(q inquiry) finding {
	switch {
	case ops[q.op].never || ops[q.op].closes:
		return finding{Verdict: r.root.Check(q.op, Target{}), place: r.root, dir: "/"}
	case q.op == OpReaddir:
		f, ok := r.walk(q.path, q.path, VerbList, q.real)
		if ok {
			f.Verdict, f.need, f.how = f.place.Check(OpReaddir, Target{}), VerbList, useObject
		}
		return f
	case q.op == OpRename && q.to != "":
		return r.inquireRename(q)
	}
	f := r.inquireName(q)
	if q.op == OpCopy && q.to != "" && f.Allowed() {
		return r.inquireName(inquiry{op: OpCreate, kind: q.kind, path: q.to, real: q.real})
	}
	return f
}

// inquireName judges an operation on the one name at q.path.
func (r *rules) inquireName(q inquiry) finding {
	if q.path == "/" {
		return r.inquireRoot(q.op)
	}
	dir, name := path.Split(q.path)
	dir = path.Clean(dir)
	need, how := wants(q.op, q.kind)
	f, ok := r.walk(dir, q.path, need, q.real)
	if !ok {
		return f
	}
	f.target, f.need, f.how = Target{Name: name, Type: q.kind}, need, how
	f.Verdict = f.place.Check(q.op, f.target)
	f.unmerge(q.real)
	return f
}

// inquireRoot judges an operation on the view's "/", which is nobody's to change
// and always there.
func (r *rules) inquireRoot(op Op) finding {
	f := finding{place: r.root, dir: "/", target: Target{Type: TypeDir}}
	f.need, f.how = wants(op, TypeDir)
	switch {
	case ops[op].needs == VerbAny:
	case op == OpChmod, op == OpChown, op == OpUtimes:
		f.Verdict = Verdict{Reason: ReasonSynthetic}
	default:
		f.Verdict = Verdict{Reason: ReasonMountPoint, Class: ClassBusy}
	}
	return f
}

// inquireRename judges a move.
func (r *rules) inquireRename(q inquiry) finding {
	if q.path == "/" || q.to == "/" {
		return r.inquireRoot(OpRename)
	}
	need := renameVerbs(q.kind)
	f, ok := r.walk(path.Dir(q.path), q.path, need, q.real)
	if !ok {
		return f
	}
	to, ok := r.walk(path.Dir(q.to), q.to, need, q.real)
	if !ok {
		return to
	}
	f.target, f.need, f.how = Target{Name: path.Base(q.path), Type: q.kind}, need, useObject
	to.target, to.need, to.how = Target{Name: path.Base(q.to), Type: q.kind}, need, useName
	f.Verdict = f.place.ask(f.target, need, useObject)
	if f.unmerge(q.real); !f.Allowed() {
		return f
	}
	to.Verdict = to.place.ask(to.target, need, useName)
	if to.unmerge(q.real); !to.Allowed() {
		return to
	}
	verdict := f.place.CheckRename(f.target, to.place, Target{Name: to.target.Name})
	// Which of the two ends it was that refused:
	end := &to
	if verdict.Reason == ReasonGainsDownload {
		end = &f
	}
	end.Verdict = verdict
	return *end
}

// walk goes down to the directory dir, asking for each name on the way as the
// kernel does. It reports false with the refusal where the way ends. need is
// what the operation on vpath, which lies at or in dir, needs there; real is an
// inquiry's.
func (r *rules) walk(dir, vpath string, need Verbs, real bool) (finding, bool) {
	f := finding{place: r.root, dir: "/"}
	for _, name := range split(dir) {
		at := finding{place: f.place, dir: f.dir, target: Target{Name: name, Type: TypeDir}, how: useLook}
		at.Verdict = at.place.Check(OpLookup, at.target)
		if at.unmerge(real); !at.Allowed() {
			at.endDir, at.endNeed = dir, need
			return at, false
		}
		f.place, f.dir = f.place.Child(name), join(f.dir, name)
	}
	return f, true
}

// unmerge turns f into what is so in a directory that only the view provides,
// where a real one could be merged but is not taken to be there: whatever the
// permissions, it holds nothing but what the view provides (product.md §5).
func (f *finding) unmerge(real bool) {
	p := f.place
	if real || !p.synthetic || p.mount == nil || !f.Allowed() || p.provides(f.target.Name) {
		return
	}
	f.unreal, f.Verdict = true, Verdict{Reason: ReasonSynthetic}
	if f.how == useLook {
		f.Verdict = Verdict{Reason: ReasonNoSuchPlace, Class: ClassHidden}
	}
}

// wants returns the verbs that an operation needs, and how it uses the name.
func wants(op Op, kind FileType) (Verbs, use) {
	row := &ops[op]
	switch {
	case op == OpRename:
		return renameVerbs(kind), useObject
	case row.needs == VerbAny:
		return 0, useLook
	case row.makes:
		return row.needs, useName
	}
	return row.needs | row.all, useObject
}

// named returns the entry that decided: the refusal's own, the mount in the way,
// or the permission that allowed it.
func (f *finding) named(v *View) *Rule {
	switch {
	case f.Rule != nil:
		return f.Rule
	case f.Reason == ReasonMountPoint:
		at := join(f.dir, f.target.Name)
		for _, m := range v.Mounts() {
			if under(m.Path, at) {
				rule := v.mountRule(m)
				return &rule
			}
		}
	case f.Allowed():
		if f.how == useLook && f.place.provides(f.target.Name) {
			if c := f.place.Child(f.target.Name); c.root {
				rule := v.mountRule(c.mount)
				return &rule
			}
		}
		rule := f.place.Rule()
		return &rule
	}
	return nil
}

// mountRule returns where a mount of v comes from: the entry of the account or
// the group, or the site.
func (v *View) mountRule(m *Mount) Rule {
	switch {
	case m.rule != nil:
		return *m.rule
	case m.Path == "/":
		return Rule{Origin: v.Effective().Origin("home_dir"), At: m.At, Path: m.Path}
	}
	return Rule{Origin: m.Name, At: m.At, Path: m.Path}
}
