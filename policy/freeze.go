package policy

import "strings"

// Freeze returns the policy of s with some accounts and sites frozen, and no
// others: what is frozen is read-only, whatever the configuration says (product.md
// §13). Names are those of Freezable; what they name need not be there. A frozen
// account can change nothing in its view; a frozen site can be changed from no
// view, whichever mount leads there.
func (s *Set) Freeze(names []string) *Set {
	next := *s
	next.frozen = make(map[string]*Rule, len(names))
	for _, name := range names {
		next.frozen[name] = &Rule{Origin: "frozen:" + name, Path: "/"}
	}
	next.sites = siteTree(s.shown, next.frozen)
	next.adoptViews(s)
	return &next
}

// Freezable returns what name may mean to Freeze: "account:NAME" and
// "site:[INSTANCE/]URI", of which name is all or the part after the colon; a site
// may be named without its instance.
func (s *Set) Freezable(name string) []string {
	var list []string
	if v, ok := s.views[strings.TrimPrefix(name, "account:")]; ok {
		list = append(list, "account:"+v.Account())
	}
	uri := strings.TrimPrefix(name, "site:")
	for _, site := range s.shown {
		if full := site.name(); site.URI == uri || full == "site:"+uri {
			list = append(list, full)
		}
	}
	return list
}

// frozenBy returns by what the directory is frozen, nil for nothing.
func (p *Place) frozenBy() *Rule {
	if p.rules.frozen != nil {
		return p.rules.frozen
	}
	if p.spot.frozen != nil {
		return p.spot.frozen.frozen
	}
	return nil
}

// frozenName is frozenBy for t in p: the root of a frozen site is frozen too.
func (p *Place) frozenName(t Target) *Rule {
	if by := p.frozenBy(); by != nil {
		return by
	}
	if n := p.spot.node.child(t.Name); n != nil && n.frozen != nil {
		return n.frozen
	}
	if p.provides(t.Name) {
		return p.Child(t.Name).frozenBy()
	}
	return nil
}
