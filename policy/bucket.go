package policy

import (
	"slices"
	"strings"
)

// Bucket is something that objects are charged to, with the limits that hold
// for it as seen from one mount (product.md §9): two mounts of one folder may
// limit its one counter differently.
type Bucket struct {
	Name   string // "account:alice", "folder:media/alice", "site:o1/shop.example.org", "group:agency", "instance:o1"
	Size   Limit  // bytes
	Files  Limit  // regular files
	Inodes Limit  // everything
}

// Limited reports whether b has any limit at all.
func (b Bucket) Limited() bool { return !b.Size.Unlimited || !b.Files.Unlimited || !b.Inodes.Unlimited }

// BucketsOf returns what objects in m are charged to and which limits apply, in
// a fixed order, each bucket once: they follow the object, whoever writes it.
// It is computed at each call.
func (v *View) BucketsOf(m *Mount) []Bucket { return v.bucketsOf(m, v.Effective()) }

// OwnBuckets returns what the account is charged to as an owner: its own bucket and
// its group's.
func (v *View) OwnBuckets() []Bucket { return ownerBuckets(v.Effective()) }

// Buckets returns the names of BucketsOf.
func (v *View) Buckets(m *Mount) []string { return v.buckets(m, v.Effective()) }

// buckets is Buckets for a caller that has the view's settings already.
func (v *View) buckets(m *Mount, eff *Effective) []string {
	var names []string
	for _, b := range v.bucketsOf(m, eff) {
		names = append(names, b.Name)
	}
	return names
}

// bucketsOf is BucketsOf for a caller that has the view's settings already.
func (v *View) bucketsOf(m *Mount, eff *Effective) []Bucket {
	switch mountKind(m) {
	case BranchHome:
		return append(ownerBuckets(eff), instanceBucket(v.account.Instance)...)
	case BranchSite:
		return v.siteBuckets(m)
	}
	return v.folderBuckets(m, eff)
}

// unbounded returns the bucket called name without any limit.
func unbounded(name string) Bucket {
	none := Limit{Unlimited: true}
	return Bucket{Name: name, Size: none, Files: none, Inodes: none}
}

// limitOf returns a limit of an account, a group or a site: what is not set
// limits nothing.
func limitOf(s Setting[Limit]) Limit {
	if !s.Set {
		return Limit{Unlimited: true}
	}
	return s.Value
}

// ownerBuckets returns those of an account as the owner of something.
func ownerBuckets(eff *Effective) []Bucket {
	own := &eff.Scalars
	list := []Bucket{{"account:" + eff.account.Name, limitOf(own.QuotaSize), limitOf(own.QuotaFiles), limitOf(own.QuotaInodes)}}
	if g := eff.GroupQuota; g != nil {
		list = append(list, Bucket{"group:" + g.Group, limitOf(g.Size), limitOf(g.Files), limitOf(g.Inodes)})
	}
	return list
}

func instanceBucket(name string) []Bucket {
	if name == "" {
		return nil
	}
	return []Bucket{unbounded("instance:" + name)}
}

// siteBuckets returns those of a site: its owner's, its own, its instance's. A
// main account is charged for its home only, and a site without an owner that
// all clients of its instance share is charged to itself only.
func (v *View) siteBuckets(m *Mount) []Bucket {
	i := slices.IndexFunc(v.Sites(), func(s *Site) bool { return s.Source == m.Source && m.Path == join(sitesPath, s.URI) })
	if i < 0 {
		return []Bucket{unbounded(m.Name)}
	}
	site := v.Sites()[i]
	var list []Bucket
	if owner, ok := v.set.View(site.OwnerAccount); ok && !owner.Main() {
		list = ownerBuckets(owner.Effective())
	}
	own := unbounded(m.Name)
	own.Size, own.Files = limitOf(site.QuotaSize), limitOf(site.QuotaFiles)
	list = append(list, own)
	if slices.Contains(v.set.unowned[site.Instance], site) {
		return list
	}
	return append(list, instanceBucket(site.Instance)...)
}

// folderBuckets returns those of a folder: its own, with what this mount limits
// it to, and for a mount of quota -1 the account's too. What was discovered
// belongs to its instance.
func (v *View) folderBuckets(m *Mount, eff *Effective) []Bucket {
	i := slices.IndexFunc(eff.VirtualFolders, func(f Virtual) bool { return f.Path == m.Path })
	if i < 0 {
		return []Bucket{unbounded(m.Name)}
	}
	f := eff.VirtualFolders[i]
	size, files := f.Entry.QuotaSize.Value, f.Entry.QuotaFiles.Value
	own := unbounded(m.Name + v.expansion(f))
	if size > 0 {
		own.Size = Limit{N: size}
	}
	if files > 0 {
		own.Files = Limit{N: files}
	}
	if size == -1 || files == -1 {
		return append(append(ownerBuckets(eff), instanceBucket(v.account.Instance)...), own)
	}
	list := []Bucket{own}
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
