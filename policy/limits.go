package policy

import (
	"slices"
	"strings"
)

// BucketLimits are what limits a bucket, whichever mount its objects are seen
// through: the lowest of each limit.
type BucketLimits struct {
	Bucket
	Differ bool // one mount limits it to less than another
}

// BucketLimits returns every bucket of the Set's mounts, sorted by name. It builds
// the mounts of all views: it is for the loading of a policy, not for requests.
func (s *Set) BucketLimits() []BucketLimits {
	byName := make(map[string]BucketLimits)
	s.eachMount(func(_ *Mount, list []Bucket) {
		for _, b := range list {
			old, ok := byName[b.Name]
			if !ok {
				old.Bucket = b
			}
			lowest := Bucket{b.Name, lower(old.Size, b.Size), lower(old.Files, b.Files), lower(old.Inodes, b.Inodes)}
			byName[b.Name] = BucketLimits{lowest, old.Differ || old.Bucket != b}
		}
	})
	list := make([]BucketLimits, 0, len(byName))
	for _, b := range byName {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b BucketLimits) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func lower(a, b Limit) Limit {
	if a.Unlimited || !b.Unlimited && b.N < a.N {
		return b
	}
	return a
}
