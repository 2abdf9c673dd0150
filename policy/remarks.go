package policy

import (
	"slices"
	"time"
)

// Remarks returns warnings about what is right but most likely not meant:
// groups that no account has, folders that nobody mounts, configured accounts
// without any place, and enabled accounts that have expired at now. Sorted by
// place.
func (s *Set) Remarks(now time.Time) []Problem {
	var rep report
	s.remarkUnused(&rep)
	for _, v := range s.list {
		if len(v.transientMounts()) == 0 && !v.Discovered() {
			rep.warnf(v.account.At, "account %q has no home, folder or site: its view is empty", v.Account())
		}
		e := v.Effective()
		if at := e.ExpiresAt; v.Enabled() && at.Set && !now.Before(at.Value) {
			rep.warnf(at.At, "account %q has expired, at %s by %s", v.Account(), at.Value.Format(time.RFC3339), e.expiresOrigin)
		}
	}
	return rep.problems()
}

func (s *Set) remarkUnused(rep *report) {
	groups, folders := make(map[string]bool), make(map[string]bool)
	mounted := func(set *Settings) {
		for i := range set.VirtualFolders {
			folders[set.VirtualFolders[i].Folder.Value] = true
		}
	}
	for _, v := range s.list {
		a := v.account
		groups[a.PrimaryGroup.Value] = true
		for _, name := range slices.Concat(a.SecondaryGroups, a.MembershipGroups) {
			groups[name.Value] = true
		}
		mounted(&a.Settings)
	}
	for _, g := range s.groups {
		mounted(&g.Settings)
		if !groups[g.Name] && !g.Referenced {
			rep.warnf(g.At, "group %q is not used: no account has it", g.Name)
		}
	}
	for _, f := range s.folders {
		if !folders[f.Name] && !f.Discovered {
			rep.warnf(f.At, "folder %q is not used: no account and no group mounts it", f.Name)
		}
	}
}
