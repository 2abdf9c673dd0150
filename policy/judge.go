package policy

// use says how a name is used, which decides how a refusal is shown.
type use uint8

const (
	useLook   use = iota // it is looked up or looked at
	useObject            // something is done to what is there
	useName              // it is made, or becomes the name of something
)

// Check answers whether op may be done to t, which is in p. For OpReaddir it is
// about the directory p itself and t is ignored. OpRename asks whether t may be
// moved away at all; CheckRename has the whole question.
func (p *Place) Check(op Op, t Target) Verdict {
	row := &ops[op]
	if !row.xattr && p.fast&row.needs != 0 && p.fast&row.all == row.all {
		return Verdict{}
	}
	return p.check(op, row, t)
}

// check is Check without the short cut.
func (p *Place) check(op Op, row *opRow, t Target) Verdict {
	switch {
	case row.never:
		return Verdict{Reason: ReasonNever, Class: row.class}
	case row.closes:
		return Verdict{}
	case row.xattr && (p.mount == nil || !p.mount.UserXattrs):
		return Verdict{Reason: ReasonNever, Class: ClassUnsupported}
	case op == OpReaddir:
		return p.checkList()
	case op == OpRename:
		return p.ask(t, renameVerbs(t.Type), useObject)
	case row.needs == VerbAny:
		return p.ask(t, 0, useLook)
	case row.makes:
		return p.ask(t, row.needs, useName)
	}
	return p.ask(t, row.needs|row.all, useObject)
}

// ask judges one name: is it there at all, is it the view's own, do patterns
// and presets leave it, do the verbs suffice (all of need).
func (p *Place) ask(t Target, need Verbs, how use) Verdict {
	mount, narrow := p.own, p.mount
	if p.provides(t.Name) {
		switch {
		case how == useLook:
			return Verdict{}
		case need&verbsPlace != 0 || how == useName || need&(VerbDownload|VerbCopy) != 0:
			return Verdict{Reason: ReasonMountPoint, Class: ClassBusy}
		}
		c := p.Child(t.Name)
		if c.synthetic {
			return Verdict{Reason: ReasonSynthetic}
		}
		if need&^mount == 0 {
			narrow = c.mount
		}
		mount &= c.own
	} else if p.reserves(t.Name) {
		return Verdict{Reason: ReasonHidden, Class: hiddenClass(how)}
	}
	if p.credentials != CredentialsNone {
		return p.askCredentials(need, how)
	}
	if p.mount == nil {
		if how == useLook {
			return Verdict{Reason: ReasonNoSuchPlace, Class: ClassHidden}
		}
		return Verdict{Reason: ReasonSynthetic}
	}
	if v := p.askPatterns(t, how); !v.Allowed() {
		return v
	}
	removed, hidden, rule := p.spot.protects(t, p.rules.main)
	if hidden {
		return Verdict{Reason: ReasonHidden, Class: hiddenClass(how), Rule: rule}
	}
	if how == useLook {
		if p.verbs != 0 || p.reaches(t) {
			return Verdict{}
		}
		rule := p.rule()
		if p.grant != nil && p.grant.Verbs&p.own != 0 {
			rule = p.rules.lowered
		}
		return Verdict{Reason: ReasonNoPermission, Class: ClassHidden, Rule: rule}
	}
	switch {
	case need&^p.view != 0:
		return Verdict{Reason: ReasonNoPermission, Rule: p.lacking(need)}
	case need&^mount != 0:
		return Verdict{Reason: ReasonMountReadOnly, Rule: narrow.rule}
	case need&removed != 0:
		return Verdict{Reason: ReasonPreset, Rule: rule}
	}
	if need&VerbsChange != 0 {
		if by := p.frozenName(t); by != nil {
			return Verdict{Reason: ReasonFrozen, Rule: by}
		}
	}
	return Verdict{}
}

// askPatterns judges t by the file patterns alone.
func (p *Place) askPatterns(t Target, how use) Verdict {
	switch {
	case p.access != accessOpen:
		// A name on the way to an entry may be looked at, and nothing else.
		if how == useLook && p.opened(t) {
			return Verdict{}
		}
		return refuseName(p.shutBy, how, false)
	case p.pattern == nil || p.pattern.permits(t.Name):
		return Verdict{}
	case how == useLook && (!p.pattern.hide || p.opened(t)):
		return Verdict{}
	}
	return refuseName(p.pattern, how, p.pattern.hide && p.opened(t))
}

// refuseName returns the refusal of a name that by denies. A name that is seen
// nevertheless is refused, not hidden.
func refuseName(by *pattern, how use, seen bool) Verdict {
	switch {
	case !by.hide || seen:
		return Verdict{Reason: ReasonPattern, Rule: by.rule}
	default:
		return Verdict{Reason: ReasonHidden, Class: hiddenClass(how), Rule: by.rule}
	}
}

// hiddenClass is how a hidden name is refused: to make one is an error that does
// not tell whether it exists, anything else does not find it (product.md §5).
func hiddenClass(how use) Class {
	if how == useName {
		return ClassRefused
	}
	return ClassHidden
}

// opened reports whether t is, or could be, a directory at or below which an
// entry or a mount lies: that opens the way through a denied name.
func (p *Place) opened(t Target) bool {
	if t.Type == TypeFile || t.Type == TypeSymlink || (p.self == nil && len(p.via) == 0) {
		return false
	}
	var nodes [8]*node
	s, via := p.step(t.Name, nodes[:0])
	at, below := entries(s.self, via)
	return at || below
}

// reaches reports whether t is, or could be, a directory that leads to
// something that the account may do.
func (p *Place) reaches(t Target) bool {
	if t.Type == TypeFile || t.Type == TypeSymlink || (p.self == nil && len(p.via) == 0) {
		return false
	}
	if p.Child(t.Name).verbs != 0 {
		return true
	}
	var nodes [8]*node
	s, via := p.step(t.Name, nodes[:0])
	if s.self != nil && s.self.reaches {
		return true
	}
	for _, n := range via {
		if n.reaches {
			return true
		}
	}
	return false
}

// checkList answers OpReaddir.
func (p *Place) checkList() Verdict {
	switch {
	case p.access == accessShut:
		return refuseName(p.shutBy, useObject, false)
	case p.view&VerbList == 0:
		return Verdict{Reason: ReasonNoPermission, Rule: p.lacking(VerbList)}
	case p.own&VerbList == 0:
		return Verdict{Reason: ReasonMountReadOnly, Rule: p.mount.rule}
	}
	return Verdict{}
}

func (p *Place) rule() *Rule {
	if p.grant == nil {
		return nil
	}
	return &p.grant.Rule
}

// lacking returns the rule by which some verb of need is not the account's: the
// permission entry, or what lowers all entries.
func (p *Place) lacking(need Verbs) *Rule {
	if p.grant != nil && need&^p.grant.Verbs == 0 {
		return p.rules.lowered
	}
	return p.rule()
}

// Visible reports whether a listing of p shows t. For a name that the view
// itself provides it answers for what Provided has: the backing's is never shown.
func (p *Place) Visible(t Target) bool {
	if p.fast&VerbList != 0 {
		return true
	}
	if p.pattern != nil && p.access == accessOpen && p.pattern.hide && !p.pattern.permits(t.Name) {
		return false // also where it may be reached by name
	}
	v := p.ask(t, 0, useLook)
	return v.Allowed()
}

// Writable reports whether the account may change t, that is: whether it is
// shown as the account's own (product.md §8). A directory is writable if
// something may be made or removed in it, a file if it may be overwritten.
func (p *Place) Writable(t Target) bool {
	if t.Type == TypeDir {
		return p.Child(t.Name).Changeable()
	}
	return p.Check(OpOpenWrite, t).Allowed()
}

// Changeable reports whether names may be made, removed or moved in p, that is:
// whether the directory is shown as the account's own.
func (p *Place) Changeable() bool {
	const inside = VerbUpload | VerbDeleteFiles | VerbDeleteDirs | VerbRenameFiles | VerbRenameDirs | VerbCreateDirs
	if p.mount == nil || p.access != accessOpen || p.verbs&inside == 0 || p.frozenBy() != nil {
		return false
	}
	r := p.spot.region
	return r == regionNone || r == regionFree || r == regionStore
}
