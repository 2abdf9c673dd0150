package sftpgo

import (
	"fmt"
	"reflect"
	"slices"
)

// Result is what Import makes of a dump.
type Result struct {
	TOML   []byte // a configuration that loads and compiles without errors
	Report Report
}

// Import turns a JSON dump of SFTPGo ("dumpdata" of its REST API, a backup) into
// a configuration. The error says what is wrong with the dump as a whole: it is
// not JSON, or not one of SFTPGo. What can't be carried of its objects is in the
// Result's Report.
func Import(data []byte) (*Result, error) {
	d, err := readDump(data)
	if err != nil {
		return nil, err
	}
	users, err := readAll[user]("user", d.Users)
	if err != nil {
		return nil, err
	}
	groups, err := readAll[group]("group", d.Groups)
	if err != nil {
		return nil, err
	}
	folders, err := readAll[folder]("folder", d.Folders)
	if err != nil {
		return nil, err
	}
	im := &importer{
		found: map[Finding]bool{}, folders: map[string]*block{},
		groups: map[string]*group{}, groupBlocks: map[string]*block{},
	}
	im.top(d)
	im.allFolders(folders, groups, users, d)
	im.allGroups(groups, d)
	accounts := im.allUsers(users, d)
	for i := range groups {
		if g := &groups[i]; im.groups[g.Name] == g {
			im.group(im.groupBlocks[g.Name], g)
		}
	}
	for _, a := range accounts {
		im.account(a)
	}
	text, err := im.settle()
	if err != nil {
		return nil, err
	}
	return &Result{TOML: text, Report: im.report()}, nil
}

// importer holds what has been translated so far.
type importer struct {
	doc      document
	findings []Finding
	found    map[Finding]bool

	folders     map[string]*block // of folders; nil for one that is not carried
	groups      map[string]*group
	groupBlocks map[string]*block
}

// top reports what a dump has besides users, groups and folders.
func (im *importer) top(d *dump) {
	im.doc.title = []string{fmt.Sprintf("Imported from a dump of SFTPGo, version %d.", d.Version)}
	if d.Version > knownVersion {
		im.find(theDump, "version", EffectChanged, "version %d is newer than %d, which this import knows: it may say things in other words", d.Version, knownVersion)
	}
	for _, part := range []struct {
		key string
		n   int
		why string
	}{
		{"shares", len(d.Shares), "there is no temporary access yet"},
		{"ip_lists", len(d.IPLists), "lists for the whole server belong into the host's firewall"},
		{"admins", len(d.Admins), "there are no administrators but root"},
		{"api_keys", len(d.APIKeys), "there is no REST API"},
		{"roles", len(d.Roles), "there are no administrators to have them"},
		{"event_actions", len(d.EventActions), "there are no event actions"},
		{"event_rules", len(d.EventRules), "there are no event rules"},
		{"configs", len(d.Configs), "settings of SFTPGo itself"},
	} {
		if part.n > 0 {
			im.find(theDump, part.key, EffectLost, "%d not carried: %s", part.n, part.why)
		}
	}
}

// unknown reports the keys of an object that the import does not know.
func (im *importer) unknown(where string, raw []byte, t reflect.Type, inner ...string) {
	for _, key := range unknownKeys(raw, t, inner...) {
		im.find(where, key, EffectLost, "there is nothing like it")
	}
}

// newBlock adds a table to the document.
func (im *importer) newBlock(kind, name, where, description string) *block {
	b := &block{kind: kind, name: name, where: where}
	if description != "" {
		b.comments = []string{description}
	}
	im.doc.blocks = append(im.doc.blocks, b)
	return b
}

func (im *importer) report() Report {
	r := Report{Findings: im.findings}
	for _, b := range im.doc.blocks {
		if b.gone {
			continue
		}
		switch b.kind {
		case "folders":
			r.Folders++
		case "groups":
			r.Groups++
		case "accounts":
			r.Accounts++
			if b.disabled {
				r.Disabled++
			}
		}
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
	// One object's findings together: the dump's first, then in its order.
	order := map[string]int{theDump: -1}
	for _, f := range r.Findings {
		if _, ok := order[f.Where]; !ok {
			order[f.Where] = len(order)
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return order[a.Where] - order[b.Where] })
	return r
}
