package policy

import (
	"cmp"
	"slices"
	"strings"
)

// verbChanges compares the rights in two views, of which one may be nil, at
// every directory where an entry or a mount of either begins, and at names that
// stand for their globs. Where both views agree on every path there is no
// difference, however differently they are written.
//
// What lies in two different backings is noted in mounts instead.
func verbChanges(before, after *View, mounts []MountChange) ([]VerbChange, []LimitChange) {
	d := &differ{mounts: mounts}
	d.compare(top(before), top(after), "/", nil)
	slices.SortFunc(d.list, func(a, b VerbChange) int {
		names := func(c VerbChange) int {
			if c.Names {
				return 1
			}
			return 0
		}
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(names(a), names(b)))
	})
	return d.list, d.seen
}

// differ collects the differences of two views.
type differ struct {
	mounts []MountChange
	list   []VerbChange
	seen   []LimitChange // names that appear or disappear though nothing may be done to them
}

// top returns the "/" of a view, nil for none: that is how the comparison writes a
// directory that an account can't get to.
func top(v *View) *Place {
	if v == nil {
		return nil
	}
	return v.Root()
}

// compare looks at the directories p and q, which lie at one path, and at what
// either knows below. above is what was noted of the directory that holds them
// where they lie in two backings, else nil.
func (d *differ) compare(p, q *Place, at string, above *RightsChange) {
	had, has := p.inside(), q.inside()
	into := d.moved(p, q, at)
	switch {
	case into == nil:
		d.note(VerbChange{Path: at, Gained: has &^ had, Lost: had &^ has})
		above = nil
	case above == nil || at == into.Path || above.Old != had || above.New != has:
		above = &RightsChange{Path: at, Old: had, New: has}
		into.Rights = append(into.Rights, *above)
	}
	d.compareNames(p, q, at, into)

	var names []knownName
	for _, side := range []*Place{p, q} {
		if side != nil {
			names = append(append(names, side.known()...), side.presetNames()...)
		}
	}
	sortNames(&names)
	for _, n := range names {
		if pc, qc := p.reachable(n.sample), q.reachable(n.sample); pc != nil || qc != nil {
			d.compare(pc, qc, join(at, n.name), above)
		}
	}
}

// moved returns the change of a mount by which p and q lie in two backings; nil
// where they do not, and where there is one backing at most.
func (d *differ) moved(p, q *Place, at string) *MountChange {
	if p == nil || q == nil || p.mount == nil || q.mount == nil || p.mount.sourceOf(at) == q.mount.sourceOf(at) {
		return nil
	}
	begins := p.mount.Path // of the two one lies at or below the other
	if len(q.mount.Path) > len(begins) {
		begins = q.mount.Path
	}
	i := slices.IndexFunc(d.mounts, func(m MountChange) bool { return m.Path == begins })
	if i < 0 || d.mounts[i].Old == nil || d.mounts[i].New == nil {
		return nil // a real directory may lie there, where the view has one of its own
	}
	return &d.mounts[i]
}

// compareNames looks at names that file patterns of either directory single
// out, and at any other name: what changes for them as for the directory is not
// said again.
//
// into is where it is noted if they lie in two backings, else nil.
func (d *differ) compareNames(p, q *Place, at string, into *MountChange) {
	globs := append(p.singledOut(), q.singledOut()...)
	if len(globs) == 0 {
		return
	}
	globs = append(globs, "*")
	slices.Sort(globs)
	had, has := p.unpatterned(), q.unpatterned()
	for _, text := range slices.Compact(globs) {
		name := sampleOf(text)
		was, will := p.on(name), q.on(name)
		if into != nil {
			if was != had || will != has {
				into.Rights = append(into.Rights, RightsChange{Path: join(at, text), Names: true, Old: was, New: will})
			}
			continue
		}
		c := VerbChange{Path: join(at, text), Names: true, Gained: will &^ was, Lost: was &^ will}
		if c.Gained != has&^had || c.Lost != had&^has {
			d.note(c)
		}
		if seen, sees := p.sees(name), q.sees(name); was|will == 0 && p != nil && q != nil && seen != sees {
			d.seen = append(d.seen, LimitChange{Path: c.Path, Key: "visible", Old: seen, New: sees})
		}
	}
}

func (d *differ) note(c VerbChange) {
	if c.Gained|c.Lost != 0 {
		d.list = append(d.list, c)
	}
}

// inside is Ordinary; nothing where p is nil.
func (p *Place) inside() Verbs {
	if p == nil {
		return 0
	}
	return p.Ordinary()
}

// on returns what may be done to a file called name; nothing where p is nil.
func (p *Place) on(name string) Verbs {
	if p == nil {
		return 0
	}
	return p.abilities(Target{Name: name, Type: TypeFile})
}

// unpatterned returns what may be done to a file that no pattern singles out.
func (p *Place) unpatterned() Verbs {
	if p == nil || p.mount == nil || p.access != accessOpen {
		return 0
	}
	return p.Ordinary()
}

// sees reports whether a file called name may be looked at.
func (p *Place) sees(name string) bool {
	return p != nil && p.Check(OpLookup, Target{Name: name, Type: TypeFile}).Allowed()
}

// reachable returns the directory called name, nil where the account can't get to it.
func (p *Place) reachable(name string) *Place {
	if p == nil || !p.Check(OpLookup, Target{Name: name, Type: TypeDir}).Allowed() {
		return nil
	}
	return p.Child(name)
}

// singledOut returns the globs of the file patterns that govern p.
func (p *Place) singledOut() []string {
	if p == nil || p.pattern == nil {
		return nil
	}
	var list []string
	for _, g := range slices.Concat(p.pattern.denied, p.pattern.allowed) {
		list = append(list, g.text)
	}
	return list
}
