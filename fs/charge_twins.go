package fs

import (
	"maps"
	"path"

	"grantfs/fs/quota"
	"grantfs/policy"
)

// A bind mount makes one directory out of two sources. What is in it is counted once
// (product.md §7), as in the first of them, and charged to what either is charged to.

// twins returns what is one directory with another source: its path to that of the
// first, which is the shortest, of those the lowest.
func (ss *sources) twins() map[string]string {
	ss.mu.RLock()
	defer ss.mu.RUnlock()
	firsts, twins := map[quota.ID]string{}, map[string]string{}
	pinned := func(yield func(path string, id quota.ID) bool) {
		for _, src := range ss.list[1:] {
			root := src.root.Load()
			if root == nil || src.missing.Load() || src.unwanted.Load() {
				continue
			}
			if !yield(src.path, quota.ID{Dev: root.Dev(), Ino: root.Ino()}) {
				return
			}
		}
	}
	for path, id := range pinned {
		first, ok := firsts[id]
		if !ok || len(path) < len(first) || len(path) == len(first) && path < first {
			firsts[id] = path
		}
	}
	for path, id := range pinned {
		if first := firsts[id]; first != path {
			twins[path] = first
		}
	}
	return twins
}

// first returns the path that what lies at a path is counted by. It ends: each step
// makes the path shorter, or lower.
func (p *plan) first(at string) string {
	if len(p.twins) == 0 {
		return at
	}
	for dir := at; dir != "/"; {
		if first, ok := p.twins[dir]; ok {
			at = path.Join(first, at[len(dir):])
			dir = at
			continue
		}
		dir = path.Dir(dir)
	}
	return at
}

// share has what lies in one directory of twins charged to what holds the other.
func (p *plan) share() {
	if len(p.twins) == 0 {
		return
	}
	all := make(map[string][]policy.Bucket, len(p.charged))
	for inner, buckets := range p.charged {
		for dir := inner; dir != "/"; {
			dir = path.Dir(dir)
			buckets = append(buckets[:len(buckets):len(buckets)], p.charged[dir]...)
			p.limited[inner] = p.limited[inner] || p.limited[dir]
		}
		all[inner] = buckets
	}
	p.charged = all
}

// pair has sources counted anew that have become one directory with others, or are
// no more, and forgets what the others hold by themselves.
func (s *Server) pair(last, next *plan) {
	if maps.Equal(last.twins, next.twins) {
		return
	}
	s.sources.mu.RLock()
	list := s.sources.list[1:len(s.sources.list):len(s.sources.list)]
	s.sources.mu.RUnlock()
	ch := &s.charges
	ch.counting.Lock()
	defer ch.counting.Unlock()
	for _, src := range list {
		before, now := last.first(src.path), next.first(src.path)
		if before == now {
			continue
		}
		ch.recounter.Remove(before)
		ch.recounter.Remove(now)
		if now == src.path {
			continue
		}
		bucket := quota.SourceBucket(src.path)
		own, err := ch.ledger.Set([]policy.Bucket{bucket})
		if err != nil {
			s.opt.Log.Error("forget what a source holds that is another's twin", "source", src.path, "error", err)
			continue
		}
		ch.ledger.Correct(own, bucket.Name, ch.recounter.Tree(src.path).Empty())
		s.opt.Log.Info("two sources are one directory, and counted once", "source", src.path, "as", now)
	}
}

// CountedAs returns the path that what is in a source is counted by: its own, or that
// of another source that is the same directory.
func (s *Server) CountedAs(source string) string { return s.charges.plan.Load().first(source) }
