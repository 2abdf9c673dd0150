package config

import (
	"time"

	"grantfs/policy"
)

var mountTable = &table[Mount]{name: "mount", keys: []key[Mount]{
	one("point", func(m *Mount) *policy.Setting[string] { return &m.Point }, neverEmpty(absolute)),
	one("state", func(m *Mount) *policy.Setting[string] { return &m.State }, neverEmpty(absolute)),
	one("control", func(m *Mount) *policy.Setting[string] { return &m.Control }, neverEmpty(socket)),
	one("entry_timeout", func(m *Mount) *policy.Setting[time.Duration] { return &m.EntryTimeout }, timeout),
	one("uid_range", func(m *Mount) *policy.Setting[[2]uint32] { return &m.UIDRange }, uidRange),
	one("users", func(m *Mount) *policy.Setting[string] { return &m.Users }, oneOf("userdb", "extrausers")),
	one("min_free", func(m *Mount) *policy.Setting[MinFree] { return &m.MinFree }, minFree),
}}

var metricsTable = &table[Metrics]{name: "metrics", keys: []key[Metrics]{
	one("listen", func(m *Metrics) *policy.Setting[string] { return &m.Listen }, listen),
	one("status_page", func(m *Metrics) *policy.Setting[bool] { return &m.StatusPage }, boolean),
	one("username", func(m *Metrics) *policy.Setting[string] { return &m.Username }, neverEmpty(text)),
	one("password_hash", func(m *Metrics) *policy.Setting[string] { return &m.PasswordHash }, sha512),
}, check: checkMetrics}

var auditTable = &table[Audit]{name: "audit", keys: []key[Audit]{
	one("file", func(a *Audit) *policy.Setting[string] { return &a.File }, absolute),
	one("max_size", func(a *Audit) *policy.Setting[policy.Limit] { return &a.MaxSize }, size),
}}

var aegirTable = &table[Aegir]{
	name: "aegir",
	keys: []key[Aegir]{
		many("instances", func(a *Aegir) *[]policy.Setting[string] { return &a.Instances }, neverEmpty(absolute)),
		one("unowned", func(a *Aegir) *policy.Setting[string] { return &a.Unowned }, oneOf("none", "all")),
		one("client_primary_group", func(a *Aegir) *policy.Setting[string] { return &a.ClientPrimaryGroup }, text),
		many("client_secondary_groups", func(a *Aegir) *[]policy.Setting[string] { return &a.ClientSecondaryGroups }, neverEmpty(text)),
		one("main_primary_group", func(a *Aegir) *policy.Setting[string] { return &a.MainPrimaryGroup }, text),
		one("require_client_link", func(a *Aegir) *policy.Setting[bool] { return &a.RequireClientLink }, boolean),
		one("reveal", func(a *Aegir) *policy.Setting[string] { return &a.Reveal }, oneOf("until-first-login", "always")),
	},
	check: func(d *decoder, _ string, _ *node, a *Aegir) {
		places := map[string]policy.Pos{}
		for _, i := range a.Instances {
			if first, twice := places[i.Value]; twice {
				d.errorf(i.At, "instance %s is written twice; it is already at %s", quote(i.Value), first)
				continue
			}
			places[i.Value] = i.At
		}
	},
}

var folderTable = &table[policy.Folder]{name: "folders", keys: []key[policy.Folder]{
	required(one("source", func(f *policy.Folder) *policy.Setting[string] { return &f.Source }, expandable(neverEmpty(absolute)))),
	{name: "owner", read: func(d *decoder, n *node, f *policy.Folder) {
		if n.kind == kindString && n.text == inherit {
			f.Owner = policy.Setting[string]{Value: inherit, At: n.at, Set: true}
		} else if s, ids := owner(d, "owner", n); ids != nil {
			f.Owner, f.OwnerIDs = policy.Setting[string]{Value: s, At: n.at, Set: true}, ids
		}
	}},
	one("group_write", func(f *policy.Folder) *policy.Setting[bool] { return &f.GroupWrite }, boolean),
	one("modes", func(f *policy.Folder) *policy.Setting[string] { return &f.Modes }, oneOf("policy", "client")),
	one("user_xattrs", func(f *policy.Folder) *policy.Setting[bool] { return &f.UserXattrs }, boolean),
	one("passthrough", func(f *policy.Folder) *policy.Setting[bool] { return &f.Passthrough }, boolean),
}}

// siteKeys is what is read into a policy.Site, whose fields mostly have no place
// of their own.
type siteKeys struct {
	policy.Site
	source, owner, preset policy.Setting[string]
	enabled               policy.Setting[bool]
}

var siteTable = &table[siteKeys]{name: "sites", keys: []key[siteKeys]{
	required(one("source", func(s *siteKeys) *policy.Setting[string] { return &s.source }, neverEmpty(absolute))),
	one("owner_account", func(s *siteKeys) *policy.Setting[string] { return &s.owner }, text),
	one("preset", func(s *siteKeys) *policy.Setting[string] { return &s.preset }, oneOf("none", "aegir")),
	one("enabled", func(s *siteKeys) *policy.Setting[bool] { return &s.enabled }, boolean),
	one("quota_size", func(s *siteKeys) *policy.Setting[policy.Limit] { return &s.QuotaSize }, size),
	one("quota_files", func(s *siteKeys) *policy.Setting[policy.Limit] { return &s.QuotaFiles }, count),
}}

// site returns the site that the keys of s describe.
func (s *siteKeys) site() policy.Site {
	s.Source, s.OwnerAccount = s.source.Value, s.owner.Value
	s.Preset = "none"
	if s.preset.Set {
		s.Preset = s.preset.Value
	}
	s.Enabled = !s.enabled.Set || s.enabled.Value
	return s.Site
}
