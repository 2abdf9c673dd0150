package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"grantfs/policy"
)

// Words that SFTPGo has too.
var (
	loginMethods = []string{"publickey", "password", "keyboard-interactive", "TLSCertificate"}
	protocols    = []string{"SSH", "FTP"}
	webClient    = []string{
		"publickey-change-disabled", "tls-cert-change-disabled", "write-disabled", "mfa-disabled",
		"password-change-disabled", "api-key-auth-change-disabled", "info-change-disabled", "shares-disabled",
		"password-reset-disabled", "shares-without-password-disabled", "shares-require-email-auth",
	}
)

// network reads an address or a network in CIDR form. IPv4 in IPv6 is turned
// into IPv4, as client addresses are (product.md §10).
func network(d *decoder, key string, n *node) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(n.text)
	if !strings.Contains(n.text, "/") {
		var a netip.Addr
		if a, err = netip.ParseAddr(n.text); err == nil && a.Zone() == "" {
			p = netip.PrefixFrom(a, a.BitLen())
		}
	}
	if err != nil || !p.IsValid() {
		d.errorf(n.at, `%s: %s is not an address or network such as "192.0.2.7" or "192.0.2.0/24"`, key, quote(n.text))
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if m := p.Masked(); m != p {
		d.warnf(n.at, "%s: %s names one address of a network; it is taken as %s", key, n.text, m)
		p = m
	}
	return p, true
}

// verb reads a permission (product.md §5).
func verb(d *decoder, key string, n *node) (string, bool) {
	if _, ok := policy.ParseVerb(n.text); !ok {
		d.errorf(n.at, "%s: unknown permission %s%s", key, quote(n.text), d.didYouMean(n.text, policy.VerbNames()))
		return "", false
	}
	return n.text, true
}

// permissions reads { "/path" = [verbs], … } in the order written.
func permissions(d *decoder, n *node, to *[]policy.Permission) {
	const key = "permissions"
	if n.kind != kindTable {
		d.wrongKind(key, n, `a table of paths such as { "/" = ["list"] }`)
		return
	}
	places := map[string]policy.Pos{}
	for _, e := range n.entries {
		name := &node{kind: kindString, at: e.at, text: e.key}
		p, ok := expandable(neverEmpty(absolute))(d, "permissions path", name)
		verbs := list(d, key, e.value, verb)
		if !ok || e.first != nil {
			continue
		}
		if first, twice := places[p]; twice {
			d.errorf(e.at, "permissions for %s are written twice; they are already at %s", quote(p), first)
			continue
		}
		places[p] = e.at
		*to = append(*to, policy.Permission{
			Path:  policy.Setting[string]{Value: p, At: e.at, Set: true},
			Verbs: verbs,
		})
	}
}

// weekday reads "monday" or "mon", in any case.
func weekday(d *decoder, key string, n *node) (time.Weekday, bool) {
	if n.kind != kindString {
		d.wrongKind(key, n, `the name of a day such as "monday"`)
		return 0, false
	}
	names := make([]string, 0, 7)
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := strings.ToLower(day.String())
		if word := strings.ToLower(n.text); word == name || word == name[:3] {
			return day, true
		}
		names = append(names, name)
	}
	d.errorf(n.at, "%s: %s is not a day of the week%s", key, quote(n.text), d.didYouMean(n.text, names))
	return 0, false
}

// clock reads "HH:MM" as minutes after midnight; a TOML time of day will do too.
func clock(d *decoder, key string, n *node) (int, bool) {
	if n.kind != kindString && n.kind != kindLocalTime {
		d.wrongKind(key, n, `a time of day such as "08:30"`)
		return 0, false
	}
	v, ok := parseClock(n)
	if !ok {
		d.errorf(n.at, `%s: %s is not a time of day from "00:00" to "23:59"`, key, quote(n.text))
	}
	return v, ok
}

func parseClock(n *node) (int, bool) {
	s := n.text
	if n.kind == kindLocalTime && len(s) > 5 {
		s = strings.TrimSuffix(s, ":00")
	}
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	return int(h*60 + m), err1 == nil && err2 == nil && h <= 23 && m <= 59
}

// timeZone reads an IANA name.
func timeZone(d *decoder, key string, n *node) (string, bool) {
	s, ok := text(d, key, n)
	if ok && d.zone(s) == nil {
		d.errorf(n.at, `%s: unknown time zone %s; write for example "Europe/Berlin"`, key, quote(s))
		return "", false
	}
	return s, ok
}

// passwordHash reads a crypt(3) hash. Messages never repeat it.
func passwordHash(d *decoder, key string, n *node) (string, bool) {
	if n.kind != kindString {
		d.wrongKind(key, n, kindString.String())
		return "", false
	}
	s := n.text
	if strings.Count(s, "$") < 2 || s[0] != '$' || strings.ContainsAny(s, ": ") || strings.IndexFunc(s, isControl) >= 0 {
		d.errorf(n.at, `%s is not a crypt(3) hash, which begins like "$6$" or "$y$"`, key)
		return "", false
	}
	return s, true
}

// listen reads "host:port"; the empty string is a value: off.
func listen(d *decoder, key string, n *node) (string, bool) {
	if n.kind != kindString {
		d.wrongKind(key, n, `an address such as "127.0.0.1:9477"`)
		return "", false
	}
	if n.text == "" {
		return "", true
	}
	host, port, err := net.SplitHostPort(n.text)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || strings.ContainsAny(host, " /") {
		d.errorf(n.at, `%s: %s is not an address such as "127.0.0.1:9477"; "" turns it off`, key, quote(n.text))
		return "", false
	}
	return n.text, true
}
