package policy

import (
	"cmp"
	"slices"
)

// node is one position in a view's tree of rules: a path whose components are
// names or globs.
type node struct {
	id    uint32
	exact map[string]*node
	globs []globEdge

	literals int // characters of the path that stand for themselves
	grant    *Grant
	pattern  *pattern
	mount    *Mount
	provided bool // the view itself provides the directory: a mount point or a parent of one
	fixed    bool // provided, and never merged with a real directory

	credentials Credentials // what lies here on no disk

	opens   bool // an entry or a mount lies here: it opens a denied directory
	leads   bool // one lies below
	reaches bool // some verb is granted here or below, or a mount lies here or below

	// About everything at or below, for the rule about moves.
	granted bool // some entry grants download
	varied  bool // some entry does not, or there is a pattern or a mount
}

type globEdge struct {
	glob *glob
	to   *node
}

// edges reports whether anything lies below n.
func (n *node) edges() bool { return len(n.exact) > 0 || len(n.globs) > 0 }

// pattern is a compiled file-pattern entry.
type pattern struct {
	rule    *Rule
	hide    bool
	allowed []*glob
	denied  []*glob
	open    bool // denies nothing
}

// permits reports whether the entry allows the name: deny beats allow
// (product.md §4, decision 5).
func (p *pattern) permits(name string) bool {
	if p.open {
		return true
	}
	name = foldName(name)
	for _, g := range p.denied {
		if g.match(name) {
			return false
		}
	}
	for _, g := range p.allowed {
		if g.match(name) {
			return true
		}
	}
	return len(p.allowed) == 0
}

// compilePattern compiles an entry; bad globs were reported where they are
// written.
func compilePattern(e *Pattern) *pattern {
	compile := func(list []string) []*glob {
		out := make([]*glob, 0, len(list))
		for _, text := range list {
			if g, err := compileGlob(text, true); err == nil {
				out = append(out, g)
			}
		}
		return out
	}
	p := &pattern{rule: &e.Rule, hide: e.Hide, allowed: compile(e.Allowed), denied: compile(e.Denied)}
	p.open = len(p.denied) == 0 && (len(p.allowed) == 0 || slices.Contains(e.Allowed, "*"))
	return p
}

// tree builds the rules of one view.
type tree struct {
	root  *node
	count uint32
}

// at returns the node for path, in which only the components of a permission or
// pattern key may be globs.
func (t *tree) at(path string, globs bool) *node {
	n := t.root
	for _, name := range split(path) {
		n = t.step(n, name, globs && isGlob(name))
	}
	return n
}

func (t *tree) step(n *node, name string, asGlob bool) *node {
	if !asGlob {
		next := n.exact[name]
		if next == nil {
			if n.exact == nil {
				n.exact = make(map[string]*node)
			}
			next = t.newNode(n.literals + literals(name))
			n.exact[name] = next
		}
		return next
	}
	for _, e := range n.globs {
		if e.glob.text == name {
			return e.to
		}
	}
	g, err := compileGlob(name, false)
	if err != nil {
		return t.newNode(0) // reported where it is written; leads nowhere
	}
	next := t.newNode(n.literals + literals(name))
	n.globs = append(n.globs, globEdge{g, next})
	return next
}

func (t *tree) newNode(literals int) *node {
	t.count++
	return &node{id: t.count, literals: literals}
}

// provide marks path and everything above it as provided by the view.
func (t *tree) provide(path string) *node {
	n := t.root
	n.provided = true
	for _, name := range split(path) {
		n = t.step(n, name, false)
		n.provided = true
	}
	return n
}

// newTree builds the tree of a view's mounts and entries. ceiling is what is left
// of every permission.
func newTree(a *Account, e *Effective, mounts []*Mount, hasSites bool, ceiling Verbs) *node {
	t := &tree{root: &node{}}
	for i := range e.Permissions {
		g := &e.Permissions[i]
		t.at(g.Path, true).grant = g
	}
	for i := range e.FilePatterns {
		p := &e.FilePatterns[i]
		t.at(p.Path, true).pattern = compilePattern(p)
	}
	for _, m := range mounts {
		t.provide(m.Path).mount = m
	}
	if hasSites {
		t.provide(sitesPath).fixed = true
	}
	if a.Main {
		t.provideCredentials(usersName, CredentialsPasswords)
	}
	t.provideCredentials(keysName, CredentialsKeys)
	t.root.provided = true
	t.root.summarise(ceiling)
	return t.root
}

// summarise fills in what a node knows of everything below it.
func (n *node) summarise(ceiling Verbs) {
	if g := n.grant; g != nil {
		n.opens = !g.implied
		n.reaches = g.Verbs&ceiling != 0
		n.granted = g.Verbs&VerbDownload != 0
		n.varied = !n.granted
	}
	if n.pattern != nil || n.mount != nil {
		n.opens, n.varied = true, true
	}
	if n.mount != nil {
		n.reaches = true
	}
	below := func(c *node) {
		c.summarise(ceiling)
		n.leads = n.leads || c.opens || c.leads
		n.reaches = n.reaches || c.reaches
		n.granted = n.granted || c.granted
		n.varied = n.varied || c.varied
	}
	for _, c := range n.exact {
		below(c)
	}
	for _, e := range n.globs {
		below(e.to)
	}
	slices.SortFunc(n.globs, func(a, b globEdge) int { return cmp.Compare(a.glob.text, b.glob.text) })
}
