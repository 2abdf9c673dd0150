package aegir

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"grantfs/config"
	"grantfs/policy"
)

// Merge adds what was discovered to in, the policy of the configuration files:
// an account for each main account and for each client that has a site, the
// sites, and the folders of the main accounts. An account that the files name
// too keeps what they set and gets the rest (product.md §3, §10, §11). Problems
// are warnings only. It is pure: in and s stay as they are, and the result
// depends on the arguments alone. A nil Snapshot adds nothing.
func (s *Snapshot) Merge(in policy.Input, cfg config.Aegir) (policy.Input, []policy.Problem) {
	if s == nil {
		return in, nil
	}
	m := merger{cfg: cfg, out: in, accounts: map[string]policy.Account{}, owns: map[string]bool{}}
	m.out.Sites = slices.Clone(in.Sites)
	m.out.Folders = slices.Clone(in.Folders)
	m.out.UnownedAll = cfg.Unowned.Value == "all"
	for _, site := range in.Sites {
		if site.OwnerAccount != "" {
			m.owns[site.OwnerAccount] = true
		}
	}
	refused := map[string]bool{}
	for _, inst := range s.Instances {
		m.instance(inst, refused)
	}
	m.configured(in.Accounts, s.Instances, refused)
	m.orphans(s.Instances)
	return m.out, m.problems
}

type merger struct {
	cfg      config.Aegir
	out      policy.Input
	accounts map[string]policy.Account // discovered, by name
	owns     map[string]bool           // accounts that own a site of the files
	problems []policy.Problem
}

func (m *merger) warn(at policy.Pos, format string, args ...any) {
	m.problems = append(m.problems, policy.Problem{
		At: at, Severity: policy.SeverityWarning, Text: fmt.Sprintf(format, args...),
	})
}

// instance adds the accounts, sites and folders of one instance, and to refused
// the logins that nobody may have.
func (m *merger) instance(inst Instance, refused map[string]bool) {
	m.main(inst)
	logins := map[string]string{}
	for _, o := range inst.owners() {
		if o.refused != "" {
			m.warn(o.at, "client %q of %s gets no account: %s", o.client, inst.Name, o.refused)
			refused[o.login] = true
			continue
		}
		// A site of the files attaches a client too.
		if o.attached || m.owns[o.login] {
			logins[o.client] = o.login
			m.accounts[o.login] = m.client(inst, o)
		}
	}
	for _, login := range logins {
		delete(refused, login) // the client called exactly so keeps it
	}
	for _, s := range inst.Sites {
		site := policy.Site{
			URI: s.URI, Instance: inst.Name, At: s.At, Source: s.Source,
			Unowned: s.Client == "", Enabled: s.Enabled, Preset: "aegir",
			Stores: slices.Clone(s.Stores),
		}
		if !s.Barred {
			site.OwnerAccount = logins[s.Client]
		}
		m.out.Sites = append(m.out.Sites, site)
	}
}

// main adds the main account of an instance and the folders that only it sees.
func (m *merger) main(inst Instance) {
	name := inst.Name + "." + mainLogin
	if !isLogin(name) {
		m.warn(inst.At, "instance %s gets no main account: %q can't be a login", inst.Dir, name)
		return
	}
	a := policy.Account{Name: name, Instance: inst.Name, Main: true, Discovered: true}
	a.At = inst.At
	a.PrimaryGroup = m.group(m.cfg.MainPrimaryGroup)
	for _, t := range inst.Trees {
		folder := inst.Name + "." + t.Name
		a.VirtualFolders = append(a.VirtualFolders, policy.Mounting{
			At:         inst.At,
			Folder:     set(folder, inst.At),
			Path:       set(t.Path, inst.At),
			ReadOnly:   policy.Setting[bool]{Value: t.ReadOnly, At: inst.At, Set: t.ReadOnly},
			Discovered: true,
		})
		if m.hasFolder(folder) {
			continue // the files define it
		}
		m.out.Folders = append(m.out.Folders, policy.Folder{
			Name: folder, At: inst.At,
			Source:     set(t.Source, inst.At),
			Owner:      set("inherit", inst.At),
			GroupWrite: set(true, inst.At),
			Discovered: true,
		})
	}
	m.accounts[name] = a
}

func (m *merger) client(inst Instance, o owner) policy.Account {
	a := policy.Account{Name: o.login, Instance: inst.Name, Client: o.client, Discovered: true}
	a.At = o.at
	a.PrimaryGroup = m.group(m.cfg.ClientPrimaryGroup)
	a.SecondaryGroups = slices.Clone(m.cfg.ClientSecondaryGroups)
	return a
}

// group returns the setting of a group, not set where it is empty.
func (m *merger) group(g policy.Setting[string]) policy.Setting[string] {
	if g.Value == "" {
		return policy.Setting[string]{}
	}
	return g
}

func (m *merger) hasFolder(name string) bool {
	return slices.ContainsFunc(m.out.Folders, func(f policy.Folder) bool { return f.Name == name })
}

// configured puts the accounts of the files and the discovered ones together.
func (m *merger) configured(accounts []policy.Account, instances []Instance, refused map[string]bool) {
	m.out.Accounts = nil
	for _, a := range accounts {
		found, ok := m.accounts[a.Name]
		switch inst, _, ours := instanceOf(a.Name, instances); {
		case ok:
			delete(m.accounts, a.Name)
			m.out.Accounts = append(m.out.Accounts, join(a, found))
		case !ours, m.owns[a.Name] && !refused[a.Name] && !isReserved(a.Name, inst):
			m.out.Accounts = append(m.out.Accounts, a)
		default:
			m.warn(a.At, "account %s grants nothing: no site of %s is attached to it", a.Name, inst.Name)
		}
	}
	names := make([]string, 0, len(m.accounts))
	for name := range m.accounts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		m.out.Accounts = append(m.out.Accounts, m.accounts[name])
	}
}

// orphans clears the owner of a site of the files whose owner is an account of
// an instance that does not exist (any more). To leave it would make the whole
// policy an error, and the old one, with the lost access, would stay in force.
func (m *merger) orphans(instances []Instance) {
	exists := map[string]bool{}
	for _, a := range m.out.Accounts {
		exists[a.Name] = true
	}
	for i := range m.out.Sites {
		site := &m.out.Sites[i]
		if _, _, ours := instanceOf(site.OwnerAccount, instances); ours && !exists[site.OwnerAccount] {
			m.warn(site.At, "site %s has no owner: there is no account %s", site.URI, site.OwnerAccount)
			site.OwnerAccount = ""
		}
	}
}

// join returns the account of the files with what was discovered about it, where
// they say nothing. Folders are joined path by path.
func join(a, found policy.Account) policy.Account {
	a.Instance, a.Client = found.Instance, found.Client
	a.Main, a.Discovered = found.Main, found.Discovered
	if !a.PrimaryGroup.Set {
		a.PrimaryGroup = found.PrimaryGroup
	}
	if len(a.SecondaryGroups) == 0 {
		a.SecondaryGroups = found.SecondaryGroups
	}
	own := len(a.VirtualFolders)
	folders := slices.Clone(a.VirtualFolders)
	for _, mount := range found.VirtualFolders {
		same := func(o policy.Mounting) bool { return strings.TrimSuffix(o.Path.Value, "/") == mount.Path.Value }
		if !slices.ContainsFunc(folders[:own], same) {
			folders = append(folders, mount)
		}
	}
	a.VirtualFolders = folders
	return a
}

// instanceOf returns the instance that an account name belongs to, and the rest
// of the name.
func instanceOf(account string, instances []Instance) (inst Instance, rest string, ok bool) {
	for _, i := range instances {
		// Of o1 and o1.x the longer name is meant: a client's part has no dot.
		r, found := strings.CutPrefix(account, i.Name+".")
		if found && (!ok || len(r) < len(rest)) {
			inst, rest, ok = i, r, true
		}
	}
	return inst, rest, ok
}

func isReserved(account string, inst Instance) bool {
	return reserved[strings.TrimPrefix(account, inst.Name+".")]
}

func set[T any](v T, at policy.Pos) policy.Setting[T] {
	return policy.Setting[T]{Value: v, At: at, Set: true}
}
