package policy

import (
	"slices"
	"strings"
)

// Buckets returns the names of what objects in m are charged to (product.md
// §9), in a fixed order: they follow the object, whoever writes it.
func (v *View) Buckets(m *Mount) []string { return v.buckets(m, v.Effective()) }

// buckets is Buckets for a caller that has the view's settings already.
func (v *View) buckets(m *Mount, eff *Effective) []string {
	switch mountKind(m) {
	case BranchHome:
		return append(v.set.ownerBuckets(v.account), instanceBucket(v.account.Instance)...)
	case BranchSite:
		return v.siteBuckets(m)
	}
	return v.folderBuckets(m, eff)
}

// ownerBuckets returns those of an account as the owner of something.
func (s *Set) ownerBuckets(a *Account) []string {
	list := []string{"account:" + a.Name}
	if g := s.groups[a.PrimaryGroup.Value]; g != nil && g.QuotaScope.Value == "group" {
		list = append(list, "group:"+g.Name)
	}
	return list
}

func instanceBucket(name string) []string {
	if name == "" {
		return nil
	}
	return []string{"instance:" + name}
}

// siteBuckets returns those of a site: its owner's, its own, its instance's. A
// site without an owner that all clients of its instance share is charged to
// itself only.
func (v *View) siteBuckets(m *Mount) []string {
	i := slices.IndexFunc(v.Sites(), func(s *Site) bool { return s.Source == m.Source && m.Path == join(sitesPath, s.URI) })
	if i < 0 {
		return []string{m.Name}
	}
	site := v.Sites()[i]
	var list []string
	if owner, ok := v.set.View(site.OwnerAccount); ok {
		list = v.set.ownerBuckets(owner.account)
	}
	list = append(list, m.Name)
	if slices.Contains(v.set.unowned[site.Instance], site) {
		return list
	}
	return append(list, instanceBucket(site.Instance)...)
}

// folderBuckets returns those of a folder: its own, and for a mount of quota -1
// the account's too. What was discovered belongs to its instance.
func (v *View) folderBuckets(m *Mount, eff *Effective) []string {
	i := slices.IndexFunc(eff.VirtualFolders, func(f Virtual) bool { return f.Path == m.Path })
	if i < 0 {
		return []string{m.Name}
	}
	f := eff.VirtualFolders[i]
	var list []string
	if f.Entry.QuotaSize.Value == -1 || f.Entry.QuotaFiles.Value == -1 {
		list = append(v.set.ownerBuckets(v.account), instanceBucket(v.account.Instance)...)
	}
	list = append(list, m.Name+v.expansion(f))
	if f.Folder.Discovered {
		list = append(list, instanceBucket(v.account.Instance)...)
	}
	return list
}

// expansion tells apart the counters of a folder that has a directory of its own
// for each account, client or instance; "" where it has one for all.
func (v *View) expansion(f Virtual) string {
	written := f.Folder.Source.Value + "/" + f.Entry.Subpath.Value
	var b strings.Builder
	for _, p := range []struct{ word, value string }{
		{"%instance%", v.account.Instance}, {"%client%", v.account.Client}, {"%username%", v.account.Name},
	} {
		if strings.Contains(written, p.word) {
			b.WriteString("/" + p.value)
		}
	}
	return b.String()
}
