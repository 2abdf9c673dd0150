package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// checkView judges what the merge made of an account (product.md §4, decision 4).
func (s *Set) checkView(a *Account, d *doubts, rep *report) {
	rep.doubt = d.about(s, a)
	defer func() { rep.doubt = false }()
	e := s.effective(a, rep)
	mounts := s.mounts(a, e, rep)
	checkTies(a, "permissions", e.Permissions, func(g *Grant) *Rule { return &g.Rule }, rep)
	checkTies(a, "file_patterns", e.FilePatterns, func(p *Pattern) *Rule { return &p.Rule }, rep)
	checkSources(a, "bandwidth_limits", e.BandwidthLimits, func(l BandwidthLimit) []Setting[netip.Prefix] { return l.Sources }, rep)
	checkSources(a, "data_transfer_limits", e.DataTransferLimits, func(l DataTransferLimit) []Setting[netip.Prefix] { return l.Sources }, rep)
	s.checkUses(a, e, mounts, rep)
	s.checkQuotas(a, e, rep)
	// Last: their errors cast no doubt on anything above.
	checkAddresses(a, e, rep)
	checkContradictions(a, e, rep)
}

// globKey is a key with globs, taken apart.
type globKey struct {
	rule       *Rule
	components []*glob
	literals   int
}

// checkTies reports globs of which none is the more literal one though both
// could match one directory (product.md §5).
func checkTies[E any](a *Account, what string, list []E, rule func(*E) *Rule, rep *report) {
	var keys []globKey
	for i := range list {
		r := rule(&list[i])
		if !isGlob(r.Path) {
			continue
		}
		k := globKey{rule: r}
		for _, name := range split(r.Path) {
			g, err := compileGlob(name, false)
			if err != nil {
				k.components = nil
				break
			}
			k.components = append(k.components, g)
			k.literals += literals(name)
		}
		if k.components != nil {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b globKey) int {
		return cmp.Or(
			cmp.Compare(len(a.components), len(b.components)),
			cmp.Compare(a.literals, b.literals),
			a.rule.At.compare(b.rule.At),
			strings.Compare(a.rule.Path, b.rule.Path),
		)
	})
	for i, k := range keys {
		for _, l := range keys[i+1:] {
			if len(l.components) != len(k.components) || l.literals != k.literals {
				break
			}
			if k.meets(l) {
				rep.each(a.Name, l.rule.At, SeverityError, "%s: %s and %s (%s) could both decide about one directory, and neither is more literal",
					what, l.rule.Path, k.rule.Path, k.rule.At)
			}
		}
	}
}

// meets reports whether one path could match both keys.
func (k globKey) meets(l globKey) bool {
	for i := range k.components {
		if !meet(k.components[i].runes, l.components[i].runes) {
			return false
		}
	}
	return true
}
