package policy

import (
	"slices"
	"strings"
)

// Charged is a directory tree of the host and what every object in it is charged
// to, through whichever view it is reached.
type Charged struct {
	Source  string // absolute
	Buckets []Bucket
	// Limited says that some mount limits what lies here, if only for those who
	// come through it: whatever anybody writes is to be counted at once.
	Limited bool
}

// Charged returns every distinct source of the Set's mounts and every store of
// its sites, sorted, with the buckets of all mounts of it (product.md §9): those
// of a folder that one account mounts with quota -1 are that account's also when
// another writes. What lies within another source by path belongs to the buckets
// of both, each once. Limits are those that hold from everywhere; what a mount
// limits its folder to is in BucketsOf of that mount. It builds the mounts of
// all views: it is for the loading of a policy, not for requests.
func (s *Set) Charged() []Charged {
	bySource := make(map[string]*chargedSource)
	s.eachMount(func(m *Mount, list []Bucket) {
		charge(bySource, m.Source, list)
		for path := range m.storePaths() {
			charge(bySource, path, list)
		}
	})
	list := make([]Charged, 0, len(bySource))
	for source, s := range bySource {
		c := Charged{Source: source, Buckets: make([]Bucket, 0, len(s.buckets)), Limited: s.limited}
		for _, b := range s.buckets {
			c.Buckets = append(c.Buckets, b)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Charged) int { return comparePaths(a.Source, b.Source) })
	var above []*Charged // the sources that hold the current one
	for i := range list {
		c := &list[i]
		for len(above) > 0 && !under(c.Source, above[len(above)-1].Source) {
			above = above[:len(above)-1]
		}
		if len(above) > 0 { // which has those above it already
			c.Buckets = append(c.Buckets, above[len(above)-1].Buckets...)
			c.Limited = c.Limited || above[len(above)-1].Limited
		}
		slices.SortFunc(c.Buckets, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
		c.Buckets = slices.CompactFunc(c.Buckets, func(a, b Bucket) bool { return a.Name == b.Name })
		above = append(above, c)
	}
	return list
}

// chargedSource is a source while its mounts are gone through.
type chargedSource struct {
	buckets map[string]Bucket // by name
	limited bool
}

// eachMount calls f with every mount of every view and what objects in it are
// charged to.
func (s *Set) eachMount(f func(m *Mount, list []Bucket)) {
	for _, v := range s.list {
		eff := v.Effective()
		for _, m := range v.mountsUnder(eff) {
			f(m, v.bucketsOf(m, eff))
		}
	}
}

// charge adds buckets to those of source. Those of folders have no limit there.
func charge(bySource map[string]*chargedSource, source string, list []Bucket) {
	s := bySource[source]
	if s == nil {
		s = &chargedSource{buckets: make(map[string]Bucket, len(list))}
		bySource[source] = s
	}
	for _, b := range list {
		s.limited = s.limited || b.Limited()
		if strings.HasPrefix(b.Name, "folder:") {
			b = unbounded(b.Name)
		}
		s.buckets[b.Name] = b
	}
}
