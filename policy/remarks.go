package policy

import (
	"slices"
	"time"
)

// Remarks returns warnings about what is right but most likely not meant:
// groups that no account has, folders that nobody mounts, settings that have no
// effect, configured accounts without any place, and enabled accounts that have
// expired at now. Sorted by place.
func (s *Set) Remarks(now time.Time) []Problem {
	var rep report
	s.remarkUnused(&rep)
	for _, g := range s.groups {
		remarkIdle(&g.Settings, &rep)
	}
	for _, v := range s.list {
		if len(v.transientMounts()) == 0 && !v.Discovered() {
			rep.warnf(v.account.At, "account %q has no home, folder or site: its view is empty", v.Account())
		}
		remarkIdle(&v.account.Settings, &rep)
		e := v.Effective()
		if at := e.ExpiresAt; v.Enabled() && at.Set && !now.Before(at.Value) {
			rep.warnf(at.At, "account %q has expired, at %s by %s", v.Account(), at.Value.Format(time.RFC3339), e.expiresOrigin)
		}
	}
	return rep.problems()
}

// remarkIdle warns about settings that are kept, and that the stock servers can't be
// told of.
func remarkIdle(set *Settings, rep *report) {
	if start := set.StartDirectory; start.Set && start.Value != "" && start.Value != "/" {
		rep.warnf(start.At, "start_directory has no effect: sessions begin at the top of the view, whatever the server")
	}
	if name := set.TLSUsername; name.Set && name.Value == "CommonName" {
		rep.warnf(name.At, "tls_username has no effect: vsftpd tells nobody whose a client's certificate is")
	}
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
