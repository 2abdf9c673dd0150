package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Words of product.md §10.
const (
	methodKey      = "publickey"
	methodPassword = "password"
	methodKeyboard = "keyboard-interactive"
	methodCert     = "TLSCertificate"
	protocolSSH    = "SSH"
	protocolFTP    = "FTP"
)

// loginMethods and protocols are those of product.md §10.
var (
	loginMethods = []string{methodKey, methodPassword, methodKeyboard, methodCert}
	protocols    = []string{protocolSSH, protocolFTP}
)

// methodsOf are the login methods that each protocol has.
var methodsOf = map[string][]string{
	protocolSSH: {methodKey, methodPassword, methodKeyboard},
	protocolFTP: {methodPassword, methodCert},
}

// mfaDisabled is the word of web_client that takes second factors away.
const mfaDisabled = "mfa-disabled"

// checkContradictions reports settings that exclude each other after the merge,
// with the chain that made them (product.md §4, decision 4).
func checkContradictions(a *Account, e *Effective, rep *report) {
	def, limit := e.Scalars.DefaultSharesExpiration, e.Scalars.MaxSharesExpiration
	if def.Set && limit.Set && limit.Value > 0 && (def.Value == 0 || def.Value > limit.Value) {
		rep.each(a.Name, def.At, SeverityError, "default_shares_expiration of %s exceeds max_shares_expiration of %s (%s)",
			e.Origin("default_shares_expiration"), e.Origin("max_shares_expiration"), limit.At)
	}
	methods, prots := e.refusedLogins()
	if !checkAllDenied(a, "denied_login_methods", methods, loginMethods, rep) &&
		!checkAllDenied(a, "denied_protocols", prots, protocols, rep) {
		checkNoWayIn(a, methods, prots, rep)
	}
	checkSecondFactor(a, e, rep)
}

// refusedLogins returns the methods and protocols that nobody can use: those
// that are denied, and what an anonymous account has not.
func (e *Effective) refusedLogins() (methods, prots []From[string]) {
	anonymous := e.Scalars.Anonymous
	if !anonymous.Value {
		return e.DeniedLoginMethods, e.DeniedProtocols
	}
	by := From[string]{Origin: e.Origin("anonymous") + " (anonymous)", At: anonymous.At}
	for _, m := range loginMethods {
		if by.Value = m; m != methodPassword {
			methods = append(methods, by)
		}
	}
	by.Value = protocolSSH
	return append(slices.Clone(e.DeniedLoginMethods), methods...), append(slices.Clone(e.DeniedProtocols), by)
}

// checkAllDenied reports an account that nothing is left to.
func checkAllDenied(a *Account, what string, denied []From[string], all []string, rep *report) bool {
	if len(denied) == 0 {
		return false
	}
	var chain []string
	var last Pos
	for _, value := range all {
		i := slices.IndexFunc(denied, func(f From[string]) bool { return f.Value == value })
		if i < 0 {
			return false
		}
		chain = append(chain, value+" by "+denied[i].Origin)
		last = denied[i].At
	}
	rep.each(a.Name, last, SeverityError, "%s leaves nothing: %s", what, strings.Join(chain, ", "))
	return true
}

// checkNoWayIn reports an account that has protocols and methods left, but no
// protocol with a method of its own.
func checkNoWayIn(a *Account, methods, prots []From[string], rep *report) {
	if len(methods) == 0 || len(prots) == 0 {
		return
	}
	refused := func(list []From[string], value string) *From[string] {
		if i := slices.IndexFunc(list, func(f From[string]) bool { return f.Value == value }); i >= 0 {
			return &list[i]
		}
		return nil
	}
	var chain []string
	var last Pos
	for _, p := range protocols {
		if by := refused(prots, p); by != nil {
			chain = append(chain, p+" by "+by.Origin)
			continue
		}
		for _, m := range methodsOf[p] {
			by := refused(methods, m)
			if by == nil {
				return
			}
			chain = append(chain, m+" by "+by.Origin)
			last = by.At
		}
	}
	rep.each(a.Name, last, SeverityError, "denied_login_methods and denied_protocols leave no way to log in: %s", strings.Join(chain, ", "))
}

// checkSecondFactor reports second factors that are required and can't be had.
func checkSecondFactor(a *Account, e *Effective, rep *report) {
	need := e.TwoFactorProtocols
	if len(need) == 0 {
		return
	}
	for _, w := range e.WebClient {
		if w.Value == mfaDisabled {
			rep.each(a.Name, need[0].At, SeverityError, "two_factor_protocols of %s requires a second factor, which web_client of %s denies with %q (%s)",
				need[0].Origin, w.Origin, mfaDisabled, w.At)
		}
	}
	denier := func(value string) *From[string] {
		if i := slices.IndexFunc(e.DeniedProtocols, func(f From[string]) bool { return f.Value == value }); i >= 0 {
			return &e.DeniedProtocols[i]
		}
		return nil
	}
	// Where another protocol still asks for a second factor the entry has its
	// effect; where none does, somebody believes in one that nobody gives.
	severity := SeverityError
	if slices.ContainsFunc(need, func(n From[string]) bool { return denier(n.Value) == nil }) {
		severity = SeverityWarning
	}
	for _, n := range need {
		if by := denier(n.Value); by != nil {
			rep.each(a.Name, n.At, severity, "two_factor_protocols of %s asks for %s, which %s denies (%s)", n.Origin, n.Value, by.Origin, by.At)
		}
		if anonymous := e.Scalars.Anonymous; anonymous.Value && n.Value == protocolFTP {
			rep.each(a.Name, n.At, SeverityError, "two_factor_protocols of %s asks for %s, and an anonymous account has no second factor (%s, %s)",
				n.Origin, n.Value, e.Origin("anonymous"), anonymous.At)
		}
	}
}

// checkAddresses reports an account that may come from nowhere, and allowed
// networks that lie in denied ones: deny beats allow.
func checkAddresses(a *Account, e *Effective, rep *report) {
	denier := func(p netip.Prefix) *From[netip.Prefix] {
		for i := range e.DeniedIP {
			if covers(e.DeniedIP[i].Value, p) {
				return &e.DeniedIP[i]
			}
		}
		return nil
	}
	allowed, what := e.AllowedIP, "allowed_ip"
	if len(allowed) == 0 {
		if len(e.DeniedIP) == 0 {
			return
		}
		what = "denied_ip"
		for _, all := range everywhere {
			allowed = append(allowed, From[netip.Prefix]{Value: all, Origin: OriginDefault})
		}
	}
	var chain []string
	for _, n := range allowed {
		if by := denier(n.Value); by != nil {
			chain = append(chain, fmt.Sprintf("%s by %s (denied_ip at %s)", n.Value, by.Origin, by.At))
		}
	}
	if len(chain) == len(allowed) { // then that each is denied goes without saying
		rep.each(a.Name, e.DeniedIP[0].At, SeverityError, "%s leaves no address to log in from: %s", what, strings.Join(chain, ", "))
		return
	}
	for _, n := range allowed {
		if by := denier(n.Value); by == nil {
			rep.used("allowed_ip", n.At)
		} else {
			rep.idle(a.Name, "allowed_ip", n.At, "%s of %s is not used: %s, which %s denies, contains it (%s)", plain(n.Value), n.Origin, plain(by.Value), by.Origin, by.At)
		}
	}
}

// everywhere is every address there is.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// checkSources warns about entries for source networks of which every network
// lies in those of earlier entries: the first one that matches applies.
func checkSources[T any](a *Account, what string, list []From[T], sources func(T) []Setting[netip.Prefix], rep *report) {
	for i, l := range list {
		var by *From[T]
		for _, p := range sources(l.Value) {
			by = nil
			for j := range list[:i] {
				if slices.ContainsFunc(sources(list[j].Value), func(q Setting[netip.Prefix]) bool { return covers(q.Value, p.Value) }) {
					by = &list[j]
					break
				}
			}
			if by == nil {
				break
			}
		}
		if by == nil {
			rep.used(what, l.At)
			continue
		}
		rep.idle(a.Name, what, l.At, "the entry of %s is not used: one of %s before it has all of its networks (%s)", l.Origin, by.Origin, by.At)
	}
}
