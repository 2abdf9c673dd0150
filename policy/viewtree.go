package policy

import (
	"path"
	"slices"
	"strings"
)

// BranchKind says what a part of a view is.
type BranchKind string

// The kinds.
const (
	BranchHome      BranchKind = "home"
	BranchSite      BranchKind = "site"
	BranchFolder    BranchKind = "folder"
	BranchSynthetic BranchKind = "synthetic" // only the view provides it
	BranchUsers     BranchKind = "users"     // the main account's directory of passwords
	BranchKeys      BranchKind = "keys"      // the account's own SSH keys
	BranchDirectory BranchKind = "directory" // in a backing, if it is there at all
)

// Branch is one directory of a view that policy knows of: provided by the view,
// or a place where rights change (product.md §13, "view").
type Branch struct {
	Path string // in the view; components may be globs
	Kind BranchKind
	// Origin and At say where a mount comes from; for other kinds what made
	// them known: "default" and no place for what follows from the rest.
	Origin string
	At     Pos

	Mount    string   // "home", "folder:media", "site:o1/shop.example.org"; "" for what is no mount
	Source   string   // the mount's backing directory, "" for what is no mount
	ReadOnly bool     // the mount's read_only
	Preset   string   // "aegir" where a site with that preset begins
	Buckets  []string // what objects in it are charged to (product.md §9)
	Verbs    Verbs    // what may be done with ordinary names in it
	Rule     Rule     // the permission entry that Verbs come from
	Pattern  *Pattern // the file patterns of names in it, nil for none
	Frozen   string   // "account:NAME" or "site:NAME" that is frozen and makes it read-only, "" for nothing
	Hidden   bool     // reached by name only
	Children []*Branch
}

// Tree returns the part of the view at and below the directory at vpath: what is
// there by policy, never what is on disk. The Verdict is a refusal where the
// account can't reach vpath. The error wraps ErrQuestion: a bad path.
func (v *View) Tree(vpath string) (*Branch, Verdict, error) {
	clean, err := CleanPath(vpath)
	if err != nil {
		return nil, Verdict{}, err
	}
	f, ok := v.rules().walk(clean, clean, 0, true)
	if !ok {
		return nil, f.Verdict, nil
	}
	g := &grower{view: v, eff: v.Effective()}
	return g.grow(f.place, clean, f.place.presetNames()...), Verdict{}, nil
}

// grower builds the Branches of one view.
type grower struct {
	view *View
	eff  *Effective
}

// grow returns the branch of p, which lies at at. more are names below it that are
// of interest besides those that p knows.
func (g *grower) grow(p *Place, at string, more ...knownName) *Branch {
	b := &Branch{Path: at, Kind: BranchDirectory, Origin: OriginDefault, Verbs: p.Ordinary(), Rule: p.Rule()}
	if b.Rule.Path == at {
		b.Origin, b.At = b.Rule.Origin, b.Rule.At
	}
	if p.pattern != nil {
		if i := slices.IndexFunc(g.eff.FilePatterns, func(e Pattern) bool { return e.Rule == *p.pattern.rule }); i >= 0 {
			b.Pattern = &g.eff.FilePatterns[i]
		}
	}
	if by := p.frozenBy(); by != nil {
		b.Frozen = strings.TrimPrefix(by.Origin, "frozen:")
	}
	if p.spot.region == regionTop {
		b.Preset = presetAegir
	}
	switch m := p.mount; {
	case p.credentials == CredentialsPasswords:
		b.Kind = BranchUsers
	case p.credentials == CredentialsKeys:
		b.Kind = BranchKeys
	case m == nil:
		b.Kind, b.Origin, b.At = BranchSynthetic, OriginDefault, Pos{}
	case p.root:
		rule := g.view.mountRule(m)
		b.Kind, b.Origin, b.At = mountKind(m), rule.Origin, rule.At
		b.Mount, b.Source, b.ReadOnly = m.Name, m.Source, m.ReadOnly
		b.Buckets = g.view.buckets(m, g.eff)
	default:
		b.Buckets = g.view.buckets(m, g.eff)
		if p.synthetic {
			b.Kind, b.Origin, b.At = BranchSynthetic, OriginDefault, Pos{}
			b.Verbs &= VerbList // unless a real directory is merged with it
		}
	}
	names := append(p.known(), more...)
	sortNames(&names)
	for _, c := range names {
		if !p.Check(OpLookup, Target{Name: c.sample, Type: TypeDir}).Allowed() {
			continue // it leads nowhere, or is closed
		}
		next := g.grow(p.Child(c.sample), join(at, c.name))
		if entry, ok := p.ProvidedName(c.name); ok {
			next.Hidden = !entry.Listed
		}
		b.Children = append(b.Children, next)
	}
	return b
}

func mountKind(m *Mount) BranchKind {
	switch {
	case m.Name == homeName:
		return BranchHome
	case strings.HasPrefix(m.Name, "site:"):
		return BranchSite
	}
	return BranchFolder
}

// homeName is the Name of the mount of a home.
const homeName = "home"

// Ordinary returns what the account may do with names in the directory that
// neither a pattern nor a preset singles out.
func (p *Place) Ordinary() Verbs {
	verbs := p.verbs
	switch {
	case p.access != accessOpen:
		verbs &= VerbList
		if p.access == accessShut {
			verbs = 0
		}
	case p.credentials != CredentialsNone:
		verbs &= verbsCredentials
	case p.mount == nil:
		verbs &= VerbList
	case p.spot.region != regionNone:
		removed, _ := p.spot.region.protects(Target{Type: TypeFile}, p.rules.main)
		verbs &^= removed
	}
	if p.frozenBy() != nil {
		verbs &^= VerbsChange
	}
	return verbs
}

// knownName is a name below a directory at which some entry or mount lies, or
// leads to one.
type knownName struct {
	name   string // as it is written; may be a glob
	sample string // a name that it stands for
}

// known returns the names below p that policy knows of, in no order.
func (p *Place) known() []knownName {
	var list []knownName
	add := func(n *node) {
		for name := range n.exact {
			list = append(list, knownName{name, name})
		}
		for _, e := range n.globs {
			list = append(list, knownName{e.glob.text, sampleOf(e.glob.text)})
		}
	}
	if p.self != nil {
		add(p.self)
	}
	for _, n := range p.via {
		add(n)
	}
	return list
}

// presetNames returns the directories of a site, whose top level p is, in which
// the preset leaves more than elsewhere.
func (p *Place) presetNames() []knownName {
	if p.spot.region != regionTop {
		return nil
	}
	var list []knownName
	for _, name := range []string{"files", "libraries", "modules", "private", "themes", "vendor"} {
		list = append(list, knownName{name, name})
	}
	return list
}

// sortNames sorts names and removes what is there twice.
func sortNames(list *[]knownName) {
	slices.SortFunc(*list, func(a, b knownName) int { return strings.Compare(a.name, b.name) })
	*list = slices.Compact(*list)
}

// sampleOf returns a name that a glob, or a name, stands for. What the glob
// leaves open is filled with text that no configuration names.
func sampleOf(glob string) string {
	var b strings.Builder
	for _, t := range tokenize(glob, false) {
		switch t.kind {
		case globLiteral:
			b.WriteRune(t.r)
		case globAny:
			b.WriteRune('~')
		case globStar:
			b.WriteString("~any~")
		case globClass:
			b.WriteRune(t.member())
		}
	}
	name := b.String()
	if ok, err := path.Match(glob, name); err != nil || !ok {
		return glob
	}
	return name
}

// member returns a character that the class t accepts.
func (t *globToken) member() rune {
	if !t.negated {
		return t.ranges[0][0]
	}
	for r := '~'; ; r-- {
		if t.accepts(r, false) || r == ' ' {
			return r
		}
	}
}
