package config

import (
	"slices"

	"grantfs/policy"
)

// rootTable is the top level of every file. Its keys, and the tables below
// accounts, groups, folders and sites, are written once in all files.
var rootTable = &table[Config]{name: "the top level", keys: []key[Config]{
	{name: "strict_conflicts", scope: inAll, read: func(d *decoder, n *node, c *Config) {
		if v, ok := boolean(d, "strict_conflicts", n); ok {
			c.Policy.StrictConflicts = v
		}
	}},
	single(mountTable, func(c *Config) *Mount { return &c.Mount }),
	single(metricsTable, func(c *Config) *Metrics { return &c.Metrics }),
	single(auditTable, func(c *Config) *Audit { return &c.Audit }),
	single(aegirTable, func(c *Config) *Aegir { return &c.Aegir }),
	named(folderTable, plainNameProblem, func(c *Config) *[]policy.Folder { return &c.Policy.Folders },
		func(d *decoder, name string, n *node, f *policy.Folder, refused bool) (policy.Folder, bool) {
			d.source(f.Source)
			f.Name, f.At, f.Refused = name, n.at, refused
			return *f, true
		}),
	named(groupTable, plainNameProblem, func(c *Config) *[]policy.Group { return &c.Policy.Groups },
		func(_ *decoder, name string, n *node, g *policy.Group, refused bool) (policy.Group, bool) {
			g.Name, g.At, g.Refused = name, n.at, refused
			return *g, true
		}),
	named(accountTable, policy.AccountNameProblem, func(c *Config) *[]policy.Account { return &c.Policy.Accounts },
		func(_ *decoder, name string, n *node, a *policy.Account, refused bool) (policy.Account, bool) {
			a.Name, a.At, a.Refused = name, n.at, refused
			return *a, true
		}),
	named(siteTable, siteNameProblem, func(c *Config) *[]policy.Site { return &c.Policy.Sites },
		func(d *decoder, name string, n *node, s *siteKeys, _ bool) (policy.Site, bool) {
			d.source(s.source)
			site := s.site()
			site.URI, site.At = name, n.at
			return site, s.source.Set // nothing names a site: without a source it is nothing
		}),
}}

// allTables returns every table, those first that a misplaced key most likely
// belongs to.
func allTables() []keyTable {
	return []keyTable{
		rootTable, settingsTable, accountTable, groupTable, folderTable, siteTable, mountTable, metricsTable, auditTable,
		aegirTable, mountingTable, patternsTable, bandwidthTable, transferTable, accessTimeTable,
	}
}

// single is a table that is there once: [mount].
func single[T any](t *table[T], field func(*Config) *T) key[Config] {
	return key[Config]{name: t.name, scope: inAll, read: func(d *decoder, n *node, c *Config) {
		if n.kind != kindTable {
			d.wrongKind(t.name, n, kindTable.String())
			return
		}
		t.decode(d, label(t.name), n, field(c))
	}}
}

// named is a table of named tables: [accounts.NAME]. Each is read into a T, of
// which finish makes the E that the Config holds, if it is one; refused says that
// a key of the table was refused.
func named[T, E any](t *table[T], nameProblem func(string) string, field func(*Config) *[]E, finish func(d *decoder, name string, n *node, v *T, refused bool) (E, bool)) key[Config] {
	return key[Config]{name: t.name, scope: inHeader, read: func(d *decoder, n *node, c *Config) {
		if n.kind != kindTable {
			d.wrongKind(t.name, n, "a table of tables such as "+label(t.name, "NAME"))
			return
		}
		to := field(c)
		*to = slices.Grow(*to, len(n.entries)) // accounts are many and large
		for _, e := range n.entries {
			if e.value.kind != kindTable {
				d.wrongKind(label(t.name, e.key), e.value, kindTable.String())
				continue
			}
			problem := nameProblem(e.key)
			if problem != "" {
				d.errorf(e.at, "%s: the name %s", label(t.name, e.key), problem)
			}
			first := e.first == nil && d.once(t.name+"."+e.key, label(t.name, e.key), e.value.at)
			var v T
			before := d.errors
			t.decode(d, label(t.name, e.key), e.value, &v)
			if !first || problem != "" {
				continue
			}
			if done, ok := finish(d, e.key, e.value, &v, d.errors > before); ok {
				*to = append(*to, done)
			}
		}
	}}
}

// source remembers a source that is to be looked up on disk.
func (d *decoder) source(s policy.Setting[string]) {
	if s.Set {
		d.sources = append(d.sources, s)
	}
}
