package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"grantfs/config"
	"grantfs/config/aegir"
	"grantfs/fs/backing"
	"grantfs/policy"
)

// resolver finds where the symlinks in sources lead, and remembers it. It is not
// safe for concurrent use.
type resolver struct {
	known  map[string]string
	stores map[string]string // by instance: what its attached store was then
}

// sources replaces the symlinks in sources by what they lead to, once, at load
// (product.md §3): the policy compares sources by their text to see which
// lies in which. A source whose links are not root's own stays as it is written;
// opening it fails then.
func (r *resolver) sources(in *policy.Input, found *aegir.Snapshot) {
	stores := map[string]string{}
	for _, inst := range found.Instances {
		stores[inst.Dir] = inst.Attached
	}
	before := r.known
	if !maps.Equal(stores, r.stores) {
		before = nil
	}
	r.known, r.stores = map[string]string{}, stores
	patience := config.NewPatience(config.SourcePatience)
	defer patience.Close()
	resolved := func(path string) string {
		if to, ok := before[path]; ok {
			r.known[path] = to
			return to
		}
		answer := make(chan string, 1)
		if !patience.Do(func() { answer <- resolved(path) }) {
			return path // it hangs: a link in it can't be followed before the next load
		}
		r.known[path] = <-answer
		return r.known[path]
	}
	resolveSetting := func(s *policy.Setting[string]) {
		if s.Set {
			s.Value = resolved(s.Value)
		}
	}
	in.Folders = slices.Clone(in.Folders)
	for i := range in.Folders {
		resolveSetting(&in.Folders[i].Source)
	}
	in.Accounts = slices.Clone(in.Accounts)
	for i := range in.Accounts {
		resolveSetting(&in.Accounts[i].HomeDir)
	}
	for i := range in.Groups {
		resolveSetting(&in.Groups[i].HomeDir)
	}
	in.Sites = slices.Clone(in.Sites)
	for i := range in.Sites {
		site := &in.Sites[i]
		site.Source = resolved(site.Source)
		site.Stores = slices.Clone(site.Stores)
		for j := range site.Stores {
			store := &site.Stores[j]
			store.Text, store.Path = cmp.Or(store.Text, store.Path), resolved(store.Path)
		}
	}
}

// forget has everything looked at again.
func (r *resolver) forget() { r.known = nil }

// resolved resolves what there is of path, up to the first component with a
// placeholder; what is missing behind it stays as it is written.
func resolved(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	literal, rest := path, ""
	if i := strings.IndexByte(path, '%'); i >= 0 {
		i = strings.LastIndexByte(path[:i], '/')
		literal, rest = path[:i], path[i:]
	}
	for literal != "" {
		r, err := backing.Resolve(literal)
		switch {
		case err == nil:
			return cmp.Or(strings.TrimSuffix(r, "/")+rest, "/")
		case !errors.Is(err, fs.ErrNotExist):
			return path
		}
		i := strings.LastIndexByte(literal, '/')
		literal, rest = literal[:i], literal[i:]+rest
	}
	return path
}

// sourcesPeriod is how often it is looked whether every source is there, besides
// at each load.
const sourcesPeriod = time.Minute

// lookAtSources keeps the metric of missing sources true until ctx ends, be
// they entered or not.
func (d *daemon) lookAtSources(ctx context.Context) error {
	period := time.NewTicker(sourcesPeriod)
	defer period.Stop()
	for {
		d.fs.CheckSources()
		select {
		case <-ctx.Done():
			return nil
		case <-period.C:
		case <-d.loaded:
		}
	}
}
