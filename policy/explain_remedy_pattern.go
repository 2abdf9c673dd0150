package policy

import "slices"

// shutAt returns the denied directory that closes dir, which is closed: the
// directory that holds it, its name, and the entry that denies it.
func (v *View) shutAt(dir string) (above, name string, by *pattern) {
	p, at := v.Root(), "/"
	for _, n := range split(dir) {
		c := p.Child(n)
		if c.access != accessOpen && p.access == accessOpen {
			above, name, by = at, n, p.pattern
		}
		p, at = c, join(at, n)
	}
	return above, name, by
}

// patternOf returns the entry that was compiled to p.
func (v *View) patternOf(p *pattern) Pattern {
	for _, e := range v.Effective().FilePatterns {
		if e.Rule == *p.rule {
			return e
		}
	}
	return Pattern{Rule: *p.rule, Hide: p.hide}
}

// without returns p, changed as little as possible to permit name.
func (p Pattern) without(name string) Pattern {
	folded := foldName(name)
	matches := func(text string) bool {
		g, err := compileGlob(text, true)
		return err == nil && g.match(folded)
	}
	out := Pattern{Rule: p.Rule, Hide: p.Hide}
	for _, text := range p.Denied {
		if !matches(text) {
			out.Denied = append(out.Denied, text)
		}
	}
	out.Allowed = slices.Clone(p.Allowed)
	if len(out.Allowed) > 0 && !slices.ContainsFunc(out.Allowed, matches) {
		out.Allowed = append(out.Allowed, literalKey(name))
	}
	if len(out.Allowed)+len(out.Denied) == 0 {
		out.Allowed = []string{"*"}
	}
	return out
}

func written(list []string) []Setting[string] {
	var out []Setting[string]
	for _, s := range list {
		out = append(out, Setting[string]{Value: s, Set: true})
	}
	return out
}
