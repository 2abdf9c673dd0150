package sftpgo

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
)

// lists writes the settings that are lists.
func (im *importer) lists(b *block, f *filters) {
	im.networks(b, "filters.allowed_ip", "allowed_ip", f.AllowedIP)
	im.networks(b, "filters.denied_ip", "denied_ip", f.DeniedIP)
	if len(f.AllowedIP) > 0 && len(f.DeniedIP) > 0 {
		im.changed(b, "filters.allowed_ip", "in SFTPGo an address that is allowed and denied is allowed; here deny beats allow")
	}
	im.methods(b, f.DeniedLoginMethods)
	im.protocols(b, "filters.denied_protocols", "denied_protocols", f.DeniedProtocols)
	im.protocols(b, "filters.two_factor_protocols", "two_factor_protocols", f.TwoFactorProtocols)
	for _, option := range f.WebClient {
		if !slices.Contains(webClient, option) {
			im.lost(b, "filters.web_client", "%q is unknown, and there is no web client", option)
		}
	}
	b.addStrings("filters.web_client", "web_client", filter(f.WebClient, func(o string) bool { return slices.Contains(webClient, o) }), false)
	im.accessTimes(b, f.AccessTime)
	im.bandwidths(b, f.BandwidthLimits)
	im.transferLimits(b, f.DataTransferLimits)
	im.patterns(b, f.FilePatterns)
}

// webClient are the options that the configuration knows too.
var webClient = []string{
	"publickey-change-disabled", "tls-cert-change-disabled", "write-disabled", "mfa-disabled",
	"password-change-disabled", "api-key-auth-change-disabled", "info-change-disabled", "shares-disabled",
	"password-reset-disabled", "shares-without-password-disabled", "shares-require-email-auth",
}

// filter returns the elements of list that keep keeps, each once.
func filter(list []string, keep func(string) bool) []string {
	var out []string
	for _, s := range list {
		if keep(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// networks writes a list of addresses. SFTPGo refuses every login while there is
// one that it can't read.
func (im *importer) networks(b *block, key, ours string, list []string) {
	good := filter(list, isNetwork)
	for _, s := range list {
		if !isNetwork(s) {
			im.unsafe(b, key, "%q is no network", s)
		}
	}
	b.addStrings(key, ours, good, true)
}

func isNetwork(s string) bool {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.IsValid()
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// methods writes denied_login_methods.
func (im *importer) methods(b *block, list []string) {
	const key = "filters.denied_login_methods"
	var ours []string
	for _, m := range list {
		switch m {
		case "publickey", "password", "keyboard-interactive", "TLSCertificate":
			ours = append(ours, m)
		case "password-over-SSH":
			ours = append(ours, "password")
			im.changed(b, key, "%s can't be denied by itself: password is denied, for FTP too", m)
		case "publickey+password", "publickey+keyboard-interactive", "TLSCertificate+password":
			im.lost(b, key, "%s: there are no logins in two steps", m)
		default:
			im.unsafe(b, key, "%q is unknown", m)
		}
	}
	b.addStrings(key, "denied_login_methods", filter(ours, func(string) bool { return true }), true)
}

// protocols writes a list of protocols.
func (im *importer) protocols(b *block, key, ours string, list []string) {
	for _, p := range list {
		if p != "SSH" && p != "FTP" {
			im.lost(b, key, "%q: only SSH and FTP are served", p)
		}
	}
	b.addStrings(key, ours, filter(list, func(p string) bool { return p == "SSH" || p == "FTP" }), true)
}

// accessTimes writes the windows in which an account may be used.
func (im *importer) accessTimes(b *block, list []accessTime) {
	const key = "filters.access_time"
	var lines []*line
	for _, a := range list {
		if a.DayOfWeek < 0 || a.DayOfWeek > 6 {
			im.unsafe(b, key, "there is no day %d", a.DayOfWeek)
			continue
		}
		lines = append(lines, &line{key: key, guard: true, text: fmt.Sprintf("{ weekday = %s, from = %s, to = %s }",
			quoteString(strings.ToLower(time.Weekday(a.DayOfWeek).String())), quoteString(a.From), quoteString(a.To))})
	}
	if len(lines) > 0 {
		im.changed(b, key, "taken as UTC; where SFTPGo's own configuration says tz = local, add zone to each window")
	}
	b.addTables("access_time", lines)
}

// bandwidths writes the limits per source; 0 is no limit in them.
func (im *importer) bandwidths(b *block, list []bandwidth) {
	const key = "filters.bandwidth_limits"
	var lines []*line
	for _, l := range list {
		sources, ok := im.sources(b, key, l.Sources)
		if !ok {
			continue
		}
		lines = append(lines, &line{key: key, text: fmt.Sprintf("{ sources = %s, upload_bandwidth = %s, download_bandwidth = %s }",
			sources, orUnlimited(limit(l.Upload, kilobyte)), orUnlimited(limit(l.Download, kilobyte)))})
	}
	b.addTables("bandwidth_limits", lines)
}

// transferLimits writes the limits of transferred bytes per source. With a total
// the other two count for nothing.
func (im *importer) transferLimits(b *block, list []dataTransfer) {
	const key = "filters.data_transfer_limits"
	var lines []*line
	for _, l := range list {
		sources, ok := im.sources(b, key, l.Sources)
		if !ok {
			continue
		}
		if l.Total > 0 {
			l.Upload, l.Download = 0, 0
		}
		lines = append(lines, &line{key: key, text: fmt.Sprintf("{ sources = %s, upload_data_transfer = %s, download_data_transfer = %s, total_data_transfer = %s }",
			sources, orUnlimited(limit(l.Upload, megabyte)), orUnlimited(limit(l.Download, megabyte)), orUnlimited(limit(l.Total, megabyte)))})
	}
	b.addTables("data_transfer_limits", lines)
}

func orUnlimited(v string) string {
	if v == "" {
		return quoteString(unlimited)
	}
	return v
}

// sources returns the networks of an entry; false if it has none.
func (im *importer) sources(b *block, key string, list []string) (string, bool) {
	good := filter(list, isNetwork)
	if len(good) < len(filter(list, func(string) bool { return true })) {
		im.lost(b, key, "%q has what is no network", list)
	}
	return quoteList(good), len(good) > 0
}

// patterns writes file_patterns.
func (im *importer) patterns(b *block, list []filePatterns) {
	var lines []*line
	for _, f := range list {
		key := "filters.file_patterns." + f.Path
		at, absolute := clean(f.Path)
		switch {
		case !absolute:
			im.unsafe(b, key, "its path is not absolute")
			continue
		case hasRole(at):
			im.unsafe(b, key, "it has %%role%%, and there are no roles")
			continue
		case len(f.Allowed)+len(f.Denied) == 0:
			continue
		}
		allowed, denied := im.globs(b, key, f)
		parts := []string{"path = " + quoteString(at)}
		if len(allowed) > 0 {
			parts = append(parts, "allowed = "+quoteList(allowed))
		}
		if len(denied) > 0 {
			parts = append(parts, "denied = "+quoteList(denied))
		}
		if len(parts) == 1 {
			continue // what was denied can't match any name
		}
		if f.DenyPolicy == 1 {
			parts = append(parts, `deny_policy = "hide"`)
		}
		lines = append(lines, &line{key: key, guard: true, text: "{ " + strings.Join(parts, ", ") + " }"})
	}
	b.addTables("file_patterns", lines)
}

// globs returns the patterns of an entry as they mean here what they meant in
// SFTPGo: there, what is allowed is allowed whatever is denied; where anything
// is allowed, all else is denied; and a pattern that is no glob denies
// everything.
func (im *importer) globs(b *block, key string, f filePatterns) (allowed, denied []string) {
	allowed = filter(f.Allowed, func(p string) bool { return isGlob(p) && p != "" && !strings.Contains(p, "/") })
	if len(allowed) < len(filter(f.Allowed, func(string) bool { return true })) {
		im.lost(b, key, "what is no glob of names, or holds a /, allows nothing")
	}
	if len(f.Allowed) > 0 && len(allowed) == 0 {
		return nil, []string{"*"}
	}
	for _, p := range f.Denied {
		switch {
		case !isGlob(p):
			im.changed(b, key, "%q is no glob: everything is denied that is not allowed", p)
			denied = append(denied, "*")
		case p == "" || strings.Contains(p, "/"):
			im.lost(b, key, "%q matches no name", p)
		default:
			denied = append(denied, p)
		}
	}
	denied = filter(denied, func(string) bool { return true })
	if len(allowed) == 0 || len(denied) == 0 {
		return allowed, denied
	}
	if slices.Contains(denied, "*") {
		im.changed(b, key, `denying "*" is left out: what is not allowed is denied anyway. A directory that is allowed does not open what is below it, as in SFTPGo: add an entry for it`)
		return allowed, nil
	}
	im.changed(b, key, "in SFTPGo a name that is allowed and denied is allowed; here deny beats allow")
	return allowed, denied
}

func isGlob(p string) bool {
	_, err := path.Match(p, "")
	return err == nil
}

// permissions writes the permissions of each path. An account's own for "/" are
// left out where SFTPGo overwrites them with its primary group's.
func (im *importer) permissions(b *block, all map[string][]string, ofGroup bool) {
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		name := "permissions." + key
		at, absolute := clean(key)
		known, unknown := verbs(all[key])
		switch {
		case !absolute:
			im.unsafe(b, name, "the path is not absolute")
			continue
		case hasRole(at):
			im.unsafe(b, name, "it has %%role%%, and there are no roles")
			continue
		case seen[at]:
			im.unsafe(b, name, "%s has permissions already", at)
			continue
		case !ofGroup && hasPlaceholder(at):
			im.changed(b, name, "placeholders in what a user has itself are literal text in SFTPGo; here they are replaced")
		}
		for _, v := range unknown {
			im.lost(b, name, "there is no permission %q", v)
		}
		seen[at] = true
		b.addGuard(name, "permissions."+quoteString(at)+" = "+quoteList(known))
	}
}
