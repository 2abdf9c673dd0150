package config

import "grantfs/policy"

// rootTable is the top level of every file. Its keys, and the tables below
// accounts, groups, folders and sites, are written once in all files.
var rootTable = &table[Config]{name: "the top level", keys: []key[Config]{
	{name: "strict_conflicts", global: true, read: func(d *decoder, n *node, c *Config) {
		if d.once("strict_conflicts", "strict_conflicts", n.at) {
			if v, ok := boolean(d, "strict_conflicts", n); ok {
				c.Policy.StrictConflicts = v
			}
		}
	}},
	single(mountTable, func(c *Config) *Mount { return &c.Mount }),
	single(metricsTable, func(c *Config) *Metrics { return &c.Metrics }),
	single(aegirTable, func(c *Config) *Aegir { return &c.Aegir }),
	named(folderTable, plainNameProblem, func(d *decoder, c *Config, name string, n *node, f policy.Folder) {
		f.Name, f.At = name, n.at
		d.source(f.Source)
		c.Policy.Folders = append(c.Policy.Folders, f)
	}),
	named(groupTable, plainNameProblem, func(_ *decoder, c *Config, name string, n *node, g policy.Group) {
		g.Name, g.At = name, n.at
		c.Policy.Groups = append(c.Policy.Groups, g)
	}),
	named(accountTable, accountNameProblem, func(_ *decoder, c *Config, name string, n *node, a policy.Account) {
		a.Name, a.At = name, n.at
		c.Policy.Accounts = append(c.Policy.Accounts, a)
	}),
	named(siteTable, siteNameProblem, func(d *decoder, c *Config, name string, n *node, s siteKeys) {
		d.source(s.source)
		site := s.site()
		site.URI, site.At = name, n.at
		c.Policy.Sites = append(c.Policy.Sites, site)
	}),
}}

// allTables returns every table, those first that a misplaced key most likely
// belongs to.
func allTables() []keyTable {
	return []keyTable{
		rootTable, settingsTable, accountTable, groupTable, folderTable, siteTable, mountTable, metricsTable,
		aegirTable, mountingTable, patternsTable, bandwidthTable, transferTable, accessTimeTable,
	}
}

// single is a table that is there once: [mount].
func single[T any](t *table[T], field func(*Config) *T) key[Config] {
	return key[Config]{name: t.name, global: true, read: func(d *decoder, n *node, c *Config) {
		if n.kind != kindTable {
			d.wrongKind(t.name, n, kindTable.String())
			return
		}
		to := field(c)
		if !d.once(t.name, label(t.name), n.at) {
			to = new(T)
		}
		t.decode(d, label(t.name), n, to)
	}}
}

// named is a table of named tables: [accounts.NAME].
func named[T any](t *table[T], nameProblem func(string) string, put func(d *decoder, c *Config, name string, n *node, v T)) key[Config] {
	return key[Config]{name: t.name, global: true, read: func(d *decoder, n *node, c *Config) {
		if n.kind != kindTable {
			d.wrongKind(t.name, n, "a table of tables such as "+label(t.name, "NAME"))
			return
		}
		if n.origin == headed || n.origin == inline {
			d.once(t.name, label(t.name), n.at)
		}
		for _, e := range n.entries {
			if e.value.kind != kindTable {
				d.wrongKind(label(t.name, e.key), e.value, kindTable.String())
				continue
			}
			problem := nameProblem(e.key)
			if problem != "" {
				d.errorf(e.at, "%s: the name %s", label(t.name, e.key), problem)
			}
			first := d.once(t.name+"."+e.key, label(t.name, e.key), e.value.at)
			var v T
			t.decode(d, label(t.name, e.key), e.value, &v)
			if first && problem == "" {
				put(d, c, e.key, e.value, v)
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
