package policy

import "sync"

// rules is the compiled form of one view: its mounts and its Places, which are
// built when they are first asked for.
type rules struct {
	main   bool
	frozen *Rule // by which the account is frozen, nil if it is not
	sites  *siteNode
	mounts []*Mount // sorted by path
	root   *Place

	// ceiling is what the account's kind leaves of every permission, by the
	// setting lowered; VerbAll where it leaves them alone.
	ceiling Verbs
	lowered *Rule

	// aliases are, for each mount, the others of the view that show some of the
	// same backing.
	aliases map[*Mount][]*Mount

	mu sync.RWMutex // guards kids of every Place of the view
}

func newRules(s *Set, a *Account) *rules {
	e := s.effective(a, nil)
	r := &rules{main: a.Main, frozen: s.frozen["account:"+a.Name], sites: s.sites, mounts: s.mounts(a, e, nil), ceiling: e.ceiling()}
	if r.ceiling != VerbAll {
		r.lowered = &Rule{Origin: e.Origin("anonymous"), At: e.Scalars.Anonymous.At, Path: "/"}
	}
	r.aliases = overlapping(r.mounts)
	tree := newTree(a, e, r.mounts, s.hasSites(a), r.ceiling)
	above := &Place{rules: r, view: r.ceiling, top: true}
	r.root = above.descend(step{self: tree, permitted: true}, nil)
	r.root.top, r.root.fast = true, 0 // some names are kept free at the top
	return r
}

// verbsAnonymous is what an anonymous account may do at most (product.md §10).
const verbsAnonymous = VerbList | VerbDownload

// step is what decides about a child of a Place: which positions of the tree
// its name leads to, whether the patterns permit it, and where it lies relative
// to the protected sites. Names with equal steps share one Place.
//
// The positions that a name leads to through globs go beside it, not in it: the
// room for them then stays on the caller's stack.
type step struct {
	self      *node // by names alone: the position that mounts can be at
	permitted bool
	spot      spot
}

// key returns a string that equal steps from one Place share.
func (s *step) key(via []*node, buf []byte) []byte {
	id := func(n uint32) { buf = append(buf, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)) }
	flags := byte(s.spot.region) << 1
	if s.permitted {
		flags |= 1
	}
	buf = append(buf, flags)
	if s.spot.site != nil {
		id(s.spot.site.id)
	} else {
		id(0)
	}
	if s.spot.node != nil {
		id(s.spot.node.id)
	} else {
		id(0)
	}
	if s.spot.frozen != nil {
		id(s.spot.frozen.id)
	} else {
		id(0)
	}
	if s.self != nil {
		id(s.self.id)
	} else {
		id(0)
	}
	for _, n := range via {
		id(n.id)
	}
	return buf
}

// Child returns the rules of the directory called name in p, provided or not.
func (p *Place) Child(name string) *Place {
	if p.settled && (p.pattern == nil || p.access == accessShut || p.pattern.permits(name)) {
		if next := p.below.Load(); next != nil {
			return next
		}
	}
	var nodes [8]*node
	s, via := p.step(name, nodes[:0])
	var buf [64]byte
	key := s.key(via, buf[:0])

	p.rules.mu.RLock()
	c := p.kids[string(key)]
	p.rules.mu.RUnlock()
	if c != nil {
		return c
	}

	p.rules.mu.Lock()
	defer p.rules.mu.Unlock()
	if c := p.kids[string(key)]; c != nil {
		return c
	}
	c = p.descend(s, via)
	if p.kids == nil {
		p.kids = make(map[string]*Place)
	}
	p.kids[string(key)] = c
	if p.settled && (s.permitted || p.access == accessShut) {
		p.below.Store(c)
	}
	return c
}

// step finds what name leads to from p. via is room for the positions that it
// leads to through globs.
func (p *Place) step(name string, via []*node) (step, []*node) {
	s := step{spot: p.spot.child(name)}
	s.permitted = p.pattern == nil || p.pattern.permits(name)
	if p.self != nil {
		s.self = p.self.exact[name]
		for _, e := range p.self.globs {
			if e.glob.match(name) {
				via = append(via, e.to)
			}
		}
	}
	for _, n := range p.via {
		if c := n.exact[name]; c != nil {
			via = append(via, c)
		}
		for _, e := range n.globs {
			if e.glob.match(name) {
				via = append(via, e.to)
			}
		}
	}
	return s, via
}

// descend builds the Place that s leads to from p, or returns p itself where
// nothing differs.
func (p *Place) descend(s step, via []*node) *Place {
	c := &Place{
		rules:   p.rules,
		mount:   p.mount,
		spot:    s.spot,
		grant:   p.grant,
		view:    p.view,
		own:     p.own,
		pattern: p.pattern,
		shutBy:  p.shutBy,
	}
	c.enter(s.self)
	c.inherit(s.self, via)
	c.judgeAccess(p, s, via)
	if s.self != nil && s.self.edges() {
		c.self = s.self
	}
	for _, n := range via {
		if n.edges() {
			c.via = append(c.via, n)
		}
	}
	c.conclude()
	if c.same(p) {
		return p
	}
	return c
}

// enter moves c into the mount that begins at n, or out of every backing where
// only the view provides the directory.
func (c *Place) enter(n *node) {
	switch {
	case n == nil:
	case n.mount != nil:
		c.mount, c.root = n.mount, true
		c.own = n.mount.allows
		c.spot = c.rules.sites.locate(n.mount.Source)
	case n.provided:
		c.synthetic = true
		if n.fixed {
			c.mount = nil
		}
	}
	if n != nil {
		c.credentials = n.credentials
	}
	if c.mount == nil {
		c.synthetic = true
		c.own = VerbAll
		c.spot = spot{}
	}
}

// inherit takes the permission and the pattern entry that lie at c, if any: an
// exact key before a glob, of two globs the more literal one (product.md §5).
func (c *Place) inherit(self *node, via []*node) {
	var grant, weak *Grant
	var pat *pattern
	if self != nil {
		if g := self.grant; g != nil && g.implied {
			weak = g
		} else {
			grant = g
		}
		pat = self.pattern
	}
	grantLiterals, patternLiterals := -1, -1
	exactGrant, exactPattern := grant != nil, pat != nil
	for _, n := range via {
		if n.grant != nil && !exactGrant && n.literals > grantLiterals {
			grant, grantLiterals = n.grant, n.literals
		}
		if n.pattern != nil && !exactPattern && n.literals > patternLiterals {
			pat, patternLiterals = n.pattern, n.literals
		}
	}
	if grant == nil {
		grant = weak
	}
	if grant != nil {
		c.grant, c.view = grant, grant.Verbs&c.rules.ceiling
	}
	if pat != nil {
		c.pattern = pat
	}
}

// judgeAccess decides whether a denied directory closes c (product.md §6).
func (c *Place) judgeAccess(p *Place, s step, via []*node) {
	if s.permitted && p.access == accessOpen {
		return
	}
	opens, leads := entries(s.self, via)
	switch {
	case opens:
		c.access, c.shutBy = accessOpen, nil
		return
	case leads:
		c.access = accessWay
	default:
		c.access = accessShut
	}
	if p.access == accessOpen {
		c.shutBy = p.pattern
	}
}

// entries reports whether an entry or a mount lies where a name leads, and
// whether one lies below.
func entries(self *node, via []*node) (at, below bool) {
	if self != nil {
		at, below = self.opens, self.leads
	}
	for _, n := range via {
		at = at || n.opens
		below = below || n.leads
	}
	return at, below
}

// conclude computes what Check needs at once.
func (c *Place) conclude() {
	stable := c.spot.node == nil && c.spot.region != regionTop
	c.settled = c.self == nil && len(c.via) == 0 && stable
	c.verbs = c.view & c.own
	if c.access != accessOpen {
		return
	}
	plain := c.mount != nil && c.self == nil && c.spot == (spot{}) && (c.pattern == nil || c.pattern.open)
	if plain {
		c.fast = c.verbs
	}
	if c.rules.frozen != nil {
		c.fast &^= VerbsChange
	}
}

// same reports whether c, a child of p, has p's rules.
func (c *Place) same(p *Place) bool {
	return c.settled && p.settled && !c.root && !p.root && !p.top &&
		c.synthetic == p.synthetic && c.credentials == p.credentials && c.mount == p.mount && c.spot == p.spot &&
		c.grant == p.grant && c.pattern == p.pattern && c.access == p.access && c.shutBy == p.shutBy
}
