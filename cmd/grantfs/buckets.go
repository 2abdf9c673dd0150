package main

import (
	"context"
	"strings"
	"sync"

	"grantfs/policy"
)

// buckets is what one policy says of all buckets. To put it together may take
// seconds where there are 100,000 accounts.
type buckets struct {
	set     *policy.Set
	limits  []policy.BucketLimits
	sources map[string][]string // by bucket
	all     []string            // sources
}

func newBuckets(set *policy.Set) *buckets {
	b := &buckets{set: set, limits: set.BucketLimits(), sources: map[string][]string{}}
	for _, c := range set.Charged() {
		b.all = append(b.all, c.Source)
		for _, bucket := range c.Buckets {
			b.sources[bucket.Name] = append(b.sources[bucket.Name], c.Source)
		}
	}
	return b
}

// about returns the buckets that name means: one bucket, all that objects in an
// account's view are charged to, or those of a folder or a site. "" means all.
// False: nothing has that name.
func (b *buckets) about(name string) ([]policy.BucketLimits, bool) {
	if name == "" {
		return b.limits, true
	}
	wanted := map[string]bool{name: true}
	view, known := b.set.View(name)
	if known {
		for _, m := range view.Mounts() {
			for _, bucket := range view.Buckets(m) {
				wanted[bucket] = true
			}
		}
	}
	var list []policy.BucketLimits
	for _, l := range b.limits {
		_, rest, _ := strings.Cut(l.Name, ":")
		if wanted[l.Name] || rest == name || strings.HasPrefix(l.Name, "folder:"+name+"/") ||
			strings.HasPrefix(l.Name, "site:") && strings.HasSuffix(l.Name, "/"+name) {
			list = append(list, l)
		}
	}
	return list, known || len(list) > 0
}

// latest is the buckets of the policy in force, or of one before for as long as
// they take to put together.
type latest struct {
	due chan struct{} // holds one value when there is another policy

	mu   sync.Mutex // guards what follows
	is   *buckets   // nil before the first
	next chan struct{}
}

func newLatest() *latest { return &latest{due: make(chan struct{}, 1), next: make(chan struct{})} }

// changed has them put together again.
func (l *latest) changed() {
	select {
	case l.due <- struct{}{}:
	default:
	}
}

// keep puts them together for what set returns, now and whenever that has changed,
// until ctx ends.
func (l *latest) keep(ctx context.Context, set func() *policy.Set) error {
	for {
		if b, _ := l.now(); b == nil || b.set != set() {
			b = newBuckets(set())
			l.mu.Lock()
			l.is = b
			close(l.next)
			l.next = make(chan struct{})
			l.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.due:
		}
	}
}

// now returns what there is, nil for nothing yet, and what is closed when there is
// another.
func (l *latest) now() (*buckets, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.is, l.next
}

// of waits for the buckets of a policy and returns them, or when ctx ends those of
// one before, nil for none.
func (l *latest) of(ctx context.Context, set *policy.Set) *buckets {
	for {
		b, next := l.now()
		if b != nil && b.set == set {
			return b
		}
		select {
		case <-next:
		case <-ctx.Done():
			return b
		}
	}
}
