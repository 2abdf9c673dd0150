package policy

// entry is a permission or pattern entry taken apart.
type entry struct {
	rule       *Rule
	components []*glob
	literals   int
	glob       bool
}

// newEntry returns the entry of a rule, nil where a glob of it is none: that was
// reported where it is written.
func newEntry(r *Rule) *entry {
	e := &entry{rule: r, glob: isGlob(r.Path)}
	for _, name := range split(r.Path) {
		g, err := compileGlob(name, false)
		if err != nil {
			return nil
		}
		e.components = append(e.components, g)
		e.literals += literals(name)
	}
	return e
}

// matches reports whether the entry's path stands for the directory dir.
func (e *entry) matches(dir []string) bool {
	return len(dir) == len(e.components) && e.matchesPart(dir)
}

// matchesPart is matches as far as both go.
func (e *entry) matchesPart(dir []string) bool {
	for i := range min(len(dir), len(e.components)) {
		if !e.components[i].match(dir[i]) {
			return false
		}
	}
	return true
}

// beats reports whether e decides about a directory that both stand for.
func (e *entry) beats(other *entry) bool {
	if e.glob != other.glob {
		return !e.glob
	}
	return e.literals > other.literals
}

// checkUses warns about entries that do nothing in any view: those whose path
// leads nowhere, those that a nearer one makes moot, and those of which the mount
// leaves nothing.
func (s *Set) checkUses(a *Account, e *Effective, mounts []*Mount, rep *report) {
	if rep == nil {
		return
	}
	whole := len(mounts) > 0 && mounts[0].Path == "/"
	var dirs [][]string // what the view provides where it has no home
	if !whole {
		dirs = provided(a, mounts)
	}
	for i := range e.Permissions {
		g := &e.Permissions[i]
		if m := takesAll(g, mounts); m != nil {
			rep.idle(a.Name, "permissions", g.At, "%s gives %s, of which %s leaves nothing: it allows %s (%s)", g.Path, g.Verbs, m.Name, m.allows, m.At)
		} else if whole {
			rep.used("permissions", g.At)
		}
	}
	if whole {
		for i := range e.FilePatterns {
			rep.used("file_patterns", e.FilePatterns[i].At)
		}
		rep.used("start_directory", e.Scalars.StartDirectory.At)
		return
	}
	checkReach(a, "permissions", e.Permissions, func(g *Grant) *Rule {
		if takesAll(g, mounts) != nil {
			return nil
		}
		return &g.Rule
	}, dirs, rep)
	checkReach(a, "file_patterns", e.FilePatterns, func(p *Pattern) *Rule { return &p.Rule }, dirs, rep)
	start := e.Scalars.StartDirectory
	if path, err := expandPath(start.Value, a); err == nil {
		checkReach(a, "start_directory", []Rule{{At: start.At, Path: path}}, func(r *Rule) *Rule { return r }, dirs, rep)
	}
}

// provided returns the directories that the view itself provides, apart from
// "/". Below a mount there may be anything.
func provided(a *Account, mounts []*Mount) [][]string {
	list := make([][]string, 0, len(mounts)+2)
	for _, m := range mounts {
		list = append(list, split(m.Path))
	}
	// Sites come and go: a rule about them waits for the next one.
	list = append(list, []string{sitesPath[1:]})
	if a.Main {
		list = append(list, []string{usersName})
	}
	return list
}

// checkReach notes which entries of list decide about some directory of a view
// without a home. dirs are its mounts and what else it provides; rule returns nil
// for an entry that need not be judged.
func checkReach[E any](a *Account, what string, list []E, rule func(*E) *Rule, dirs [][]string, rep *report) {
	known := true
	for i := range list {
		r := rule(&list[i])
		known = known && (r == nil || rep.isUsed(what, r.At))
	}
	if known {
		return
	}
	entries := make([]*entry, 0, len(list))
	for i := range list {
		if r := rule(&list[i]); r != nil {
			if e := newEntry(r); e != nil {
				entries = append(entries, e)
			}
		}
	}
	for _, e := range entries {
		switch by, leads := e.rival(entries, dirs); {
		case by == e:
			rep.used(what, e.rule.At)
		case leads:
			rep.idle(a.Name, what, e.rule.At, "%s is not used: %s decides about all that it could stand for (%s)", e.rule.Path, by.rule.Path, by.rule.At)
		default:
			rep.idle(a.Name, what, e.rule.At, "%s leads nowhere: there is no home, and no folder or site lies at, above or below it", e.rule.Path)
		}
	}
}

// rival returns e itself if it decides about some directory at, above or below
// one of dirs, else an entry that decides in its place; leads is false where the
// path of e leads to none of dirs.
func (e *entry) rival(entries []*entry, dirs [][]string) (by *entry, leads bool) {
	if len(e.components) == 0 {
		return e, true
	}
	for _, dir := range dirs {
		if !e.matchesPart(dir) {
			continue
		}
		if len(dir) < len(e.components) { // there may be anything
			return e, true
		}
		leads = true
		if by = decides(entries, e, dir[:len(e.components)]); by == e {
			break
		}
	}
	return by, leads
}

// decides returns the entry of list that decides about dir, which e stands for.
func decides(list []*entry, e *entry, dir []string) *entry {
	best := e
	for _, other := range list {
		if other.beats(best) && other.matches(dir) {
			best = other
		}
	}
	return best
}

// takesAll returns the mount of which the own permissions leave nothing of what
// g gives, wherever g could give it; nil if something is left.
func takesAll(g *Grant, mounts []*Mount) *Mount {
	if g.Verbs == 0 || g.At.IsZero() || isGlob(g.Path) {
		return nil
	}
	var at *Mount // the deepest one that g lies in
	for _, m := range mounts {
		switch {
		case under(g.Path, m.Path):
			at = m // they are sorted: a deeper one comes later
		case under(m.Path, g.Path) && m.allows&g.Verbs != 0:
			return nil
		}
	}
	if at == nil || at.allows&g.Verbs != 0 {
		return nil
	}
	return at
}
