package policy

import (
	"cmp"
	"slices"
)

// Compile builds the policy of in. It returns every problem it finds, sorted by
// place; the Set is nil if one of them is an error. Pure: the result depends on
// in alone, and not on the order of its slices. The Set refers to what in holds:
// do not change it afterwards.
func Compile(in Input) (*Set, []Problem) {
	rep := &report{}
	point := in.Point
	if point != "" {
		clean, err := cleanPath(point)
		if err != nil {
			rep.errorf(Pos{}, "the mount point %v", err)
		}
		point = clean
	}
	s := &Set{
		views:    make(map[string]*View, len(in.Accounts)),
		groups:   make(map[string]*Group, len(in.Groups)),
		folders:  make(map[string]*Folder, len(in.Folders)),
		owned:    make(map[string][]*Site),
		instance: make(map[string][]*Site),
		unowned:  make(map[string][]*Site),
		point:    point,
		strict:   in.StrictConflicts,
	}
	var d doubts
	s.addFolders(in.Folders, &d, rep)
	s.addGroups(in.Groups, &d, rep)
	s.addAccounts(in.Accounts, &d, rep)
	sites := s.addSites(in.Sites, in.UnownedAll, rep)
	s.checkOverlaps(sites, rep)
	s.checkGroups(rep)
	for _, v := range s.list {
		s.checkView(v.account, &d, rep)
	}
	problems := rep.problems()
	if HasErrors(problems) {
		return nil, problems
	}
	return s, problems
}

// addFolders indexes the folders and judges each.
func (s *Set) addFolders(list []Folder, d *doubts, rep *report) {
	for _, f := range byPlace(list, func(f *Folder) (string, Pos) { return f.Name, f.At }) {
		if first := s.folders[f.Name]; first != nil {
			rep.errorf(f.At, "folder %q is defined twice, first at %s", f.Name, first.At)
			continue
		}
		s.folders[f.Name] = f
		before := len(rep.list)
		s.checkFolder(f, rep)
		d.noteFolder(f, before, rep)
	}
}

// addGroups indexes the groups and judges each.
func (s *Set) addGroups(list []Group, d *doubts, rep *report) {
	for _, g := range byPlace(list, func(g *Group) (string, Pos) { return g.Name, g.At }) {
		if first := s.groups[g.Name]; first != nil {
			rep.errorf(g.At, "group %q is defined twice, first at %s", g.Name, first.At)
			continue
		}
		s.groups[g.Name] = g
		before := len(rep.list)
		if g.Name == "" {
			rep.errorf(g.At, "a group needs a name")
		}
		s.checkSettings(&g.Settings, rep)
		if scope := g.QuotaScope; scope.Set && scope.Value != scopeMember && scope.Value != scopeGroup {
			rep.errorf(scope.At, `quota_scope is "member" or "group", not %q`, scope.Value)
		}
		d.note(&g.Settings, before, rep)
	}
}

// addAccounts makes a view of each account and judges what is the account's own.
func (s *Set) addAccounts(list []Account, d *doubts, rep *report) {
	uids := make(map[uint32]*Account)
	for _, a := range byPlace(list, func(a *Account) (string, Pos) { return a.Name, a.At }) {
		if first := s.views[a.Name]; first != nil {
			rep.errorf(a.At, "account %q is defined twice, first at %s", a.Name, first.account.At)
			continue
		}
		v := &View{set: s, account: a}
		s.views[a.Name] = v
		s.list = append(s.list, v)
		if why := AccountNameProblem(a.Name); why != "" {
			rep.errorf(a.At, "%q can't be an account's name: it %s", short(a.Name), why)
		}
		if a.UID.Set {
			if first := uids[a.UID.Value]; first != nil {
				rep.errorf(a.UID.At, "accounts %q and %q have one uid, %d (%s)", first.Name, a.Name, a.UID.Value, first.UID.At)
			} else {
				uids[a.UID.Value] = a
			}
			if a.UID.Value == 0 || a.UID.Value == 1<<32-1 {
				rep.errorf(a.UID.At, "account %q can't have uid %d", a.Name, a.UID.Value)
			}
		}
		before := len(rep.list)
		s.checkSettings(&a.Settings, rep)
		s.checkMembership(a, rep)
		d.note(&a.Settings, before, rep)
	}
}

// checkMembership judges the groups of an account.
func (s *Set) checkMembership(a *Account, rep *report) {
	seen := make(map[string]Pos, 1+len(a.SecondaryGroups)+len(a.MembershipGroups))
	check := func(name Setting[string]) {
		if first, ok := seen[name.Value]; ok {
			rep.errorf(name.At, "account %q has group %q twice, first at %s", a.Name, name.Value, first)
			return
		}
		seen[name.Value] = name.At
		if s.groups[name.Value] == nil {
			rep.errorf(name.At, "account %q: there is no group %q", a.Name, name.Value)
		}
	}
	if a.PrimaryGroup.Value != "" {
		check(a.PrimaryGroup)
	}
	for _, name := range a.SecondaryGroups {
		check(name)
	}
	for _, name := range a.MembershipGroups {
		check(name)
	}
}

// addSites indexes the sites by who sees them and judges each. It returns those
// that can be shown.
func (s *Set) addSites(list []Site, unownedAll bool, rep *report) []*Site {
	type key struct{ instance, uri string }
	seen := make(map[key]*Site, len(list))
	var good []*Site
	for _, written := range byPlace(list, func(x *Site) (string, Pos) { return x.URI, x.At }) {
		copied := *written // its source is cleaned
		site := &copied
		k := key{site.Instance, site.URI}
		if first := seen[k]; first != nil {
			rep.errorf(site.At, "site %q is defined twice, first at %s", site.URI, first.At)
			continue
		}
		seen[k] = site
		if !s.checkSite(site, rep) {
			continue
		}
		good = append(good, site)
		if site.OwnerAccount != "" {
			s.owned[site.OwnerAccount] = append(s.owned[site.OwnerAccount], site)
		}
		if site.Instance != "" {
			s.instance[site.Instance] = append(s.instance[site.Instance], site)
			if site.Unowned && site.OwnerAccount == "" && unownedAll {
				s.unowned[site.Instance] = append(s.unowned[site.Instance], site)
			}
		}
	}
	s.shown, s.sites = good, siteTree(good, nil)
	return good
}

// byPlace returns pointers to the elements of list, sorted by name and place, so
// that the order in which they were found never matters.
func byPlace[T any](list []T, of func(*T) (string, Pos)) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	slices.SortStableFunc(out, func(a, b *T) int {
		nameA, atA := of(a)
		nameB, atB := of(b)
		return cmp.Or(cmp.Compare(nameA, nameB), atA.compare(atB))
	})
	return out
}
