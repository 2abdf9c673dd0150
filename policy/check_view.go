package policy

import (
	"cmp"
	"slices"
	"strings"
)

// checkView judges what the merge made of an account (product.md §4, decision 4).
func (s *Set) checkView(a *Account, rep *report) {
	e := s.effective(a, rep)
	s.mounts(a, e, rep)
	checkTies(a, "permissions", e.Permissions, func(g *Grant) *Rule { return &g.Rule }, rep)
	checkTies(a, "file_patterns", e.FilePatterns, func(p *Pattern) *Rule { return &p.Rule }, rep)
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

// checkContradictions reports settings that exclude each other after the merge,
// with the chain that made them.
func checkContradictions(a *Account, e *Effective, rep *report) {
	def, limit := e.Scalars.DefaultSharesExpiration, e.Scalars.MaxSharesExpiration
	if def.Set && limit.Set && limit.Value > 0 && (def.Value == 0 || def.Value > limit.Value) {
		rep.each(a.Name, def.At, SeverityError, "default_shares_expiration of %s exceeds max_shares_expiration of %s (%s)",
			e.Origin("default_shares_expiration"), e.Origin("max_shares_expiration"), limit.At)
	}
	checkAllDenied(a, "denied_login_methods", e.DeniedLoginMethods, loginMethods, rep)
	checkAllDenied(a, "denied_protocols", e.DeniedProtocols, protocols, rep)
	for _, need := range e.TwoFactorProtocols {
		for _, no := range e.DeniedProtocols {
			if need.Value == no.Value {
				rep.each(a.Name, need.At, SeverityError, "two_factor_protocols of %s asks for %s, which %s denies (%s)", need.Origin, need.Value, no.Origin, no.At)
			}
		}
	}
}

// Words of product.md §10.
const (
	methodPassword = "password"
	methodKeyboard = "keyboard-interactive"
	protocolFTP    = "FTP"
)

// loginMethods and protocols are those of product.md §10.
var (
	loginMethods = []string{"publickey", methodPassword, methodKeyboard, "TLSCertificate"}
	protocols    = []string{"SSH", protocolFTP}
)

// checkAllDenied reports an account that nothing is left to.
func checkAllDenied(a *Account, what string, denied []From[string], all []string, rep *report) {
	var chain []string
	var last Pos
	for _, value := range all {
		i := slices.IndexFunc(denied, func(f From[string]) bool { return f.Value == value })
		if i < 0 {
			return
		}
		chain = append(chain, value+" by "+denied[i].Origin)
		last = denied[i].At
	}
	rep.each(a.Name, last, SeverityError, "%s leaves nothing: %s", what, strings.Join(chain, ", "))
}
