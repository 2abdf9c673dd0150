package policy

import "fmt"

// checkQuotas warns about quotas that are larger than one that holds for all of
// the same content: they can never be used up (product.md §9, every bucket
// above an object is enforced).
func (s *Set) checkQuotas(a *Account, e *Effective, rep *report) {
	checkGroupQuota(a, e, rep)
	if files, inodes := e.Scalars.QuotaFiles, e.Scalars.QuotaInodes; exceeds(files, inodes) {
		rep.each(a.Name, files.At, SeverityWarning, "quota_files of %s, %d, exceeds quota_inodes of %s, %d, which counts files too (%s)",
			e.Origin("quota_files"), files.Value.N, e.Origin("quota_inodes"), inodes.Value.N, inodes.At)
	}
	if !a.Main { // a main account is not charged for its sites
		for _, site := range s.owned[a.Name] {
			checkSiteQuota(a, e, site, rep)
		}
	}
	checkMountQuotas(a, e, rep)
}

// checkGroupQuota compares an account's own quota with the one that its primary
// group shares out.
func checkGroupQuota(a *Account, e *Effective, rep *report) {
	g := e.GroupQuota
	if g == nil {
		return
	}
	for _, q := range []struct {
		key        string
		own, group Setting[Limit]
	}{
		{"quota_size", e.Scalars.QuotaSize, g.Size},
		{"quota_files", e.Scalars.QuotaFiles, g.Files},
		{"quota_inodes", e.Scalars.QuotaInodes, g.Inodes},
	} {
		if exceeds(q.own, q.group) {
			rep.warnf(q.own.At, "account %q: %s of %s exceeds %s that group %q shares among its members (%s)",
				a.Name, q.key, amount(q.key, q.own.Value.N), amount(q.key, q.group.Value.N), g.Group, q.group.At)
		}
	}
}

// checkSiteQuota compares a site's quota with its owner's.
func checkSiteQuota(a *Account, e *Effective, site *Site, rep *report) {
	for _, q := range []struct {
		key         string
		site, owner Setting[Limit]
	}{
		{"quota_size", site.QuotaSize, e.Scalars.QuotaSize},
		{"quota_files", site.QuotaFiles, e.Scalars.QuotaFiles},
	} {
		if exceeds(q.site, q.owner) {
			rep.warnf(q.site.At, "site %q: %s of %s exceeds %s of its owner %q (%s, %s)",
				site.URI, q.key, amount(q.key, q.site.Value.N), amount(q.key, q.owner.Value.N), a.Name, e.Origin(q.key), q.owner.At)
		}
	}
}

// checkMountQuotas compares the quota of each virtual folder with those of the
// same view whose folder holds it, or is the same.
func checkMountQuotas(a *Account, e *Effective, rep *report) {
	for i := range e.VirtualFolders {
		v := &e.VirtualFolders[i]
		if v.Entry.QuotaSize.Value <= 0 && v.Entry.QuotaFiles.Value <= 0 {
			continue
		}
		for j := range e.VirtualFolders {
			w := &e.VirtualFolders[j]
			if i == j || v.Source == "" || w.Source == "" || !under(v.Source, w.Source) {
				continue
			}
			for _, q := range []struct {
				key        string
				own, above Setting[int64]
			}{
				{"quota_size", v.Entry.QuotaSize, w.Entry.QuotaSize},
				{"quota_files", v.Entry.QuotaFiles, w.Entry.QuotaFiles},
			} {
				if q.above.Value > 0 && q.own.Value > q.above.Value {
					rep.each(a.Name, q.own.At, SeverityWarning, "virtual_folders: %s of %s at %s exceeds %s at %s, whose folder holds the same files (%s)",
						q.key, amount(q.key, q.own.Value), v.Path, amount(q.key, q.above.Value), w.Path, q.above.At)
				}
			}
		}
	}
}

// exceeds reports whether both are limits and a is the larger one.
func exceeds(a, b Setting[Limit]) bool {
	return a.Set && b.Set && !a.Value.Unlimited && !b.Value.Unlimited && a.Value.N > b.Value.N
}

// amount returns n for a message: bytes in the largest unit that says them
// exactly, or a number of things.
func amount(key string, n int64) string {
	if key == "quota_size" && n > 0 {
		for _, unit := range []struct {
			name string
			n    int64
		}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
			if n%unit.n == 0 {
				return fmt.Sprintf("%d%s", n/unit.n, unit.name)
			}
		}
	}
	return fmt.Sprint(n)
}
