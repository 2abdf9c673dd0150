package policy

import (
	"cmp"
	"slices"
	"strings"
)

// Change is what a new policy changes for one account (product.md §13, "plan").
// Every list is sorted, and empty where nothing of its kind changes.
type Change struct {
	Account string
	Gained  bool // the account is new
	Lost    bool // the account is gone
	Mounts  []MountChange
	Verbs   []VerbChange
	Limits  []LimitChange
}

// MountChange is a path of the view at which a mount appears, disappears or
// becomes another one.
type MountChange struct {
	Path string // in the view
	// Old and New are what lies at Path: the mount there or the part of the one
	// above it; nil for what only the view provides, if anything.
	Old, New *Backing
	// Rights are those in the old and the new backing, at Path and wherever they
	// differ from those above. They are rights to other things, and neither
	// gained nor lost. Empty where Old or New is nil: Verbs of the Change has them.
	Rights []RightsChange
}

// Backing is a directory behind a path of a view.
type Backing struct {
	Mount  string // "home", "folder:media", "site:o1/shop.example.org"
	Source string // the backing directory of the path itself
	Root   bool   // the mount begins there
}

// RightsChange is what may be done in one directory, or with the names in it that
// a file pattern singles out, before and after another backing came there.
type RightsChange struct {
	Path     string // components may be globs
	Names    bool   // as of a VerbChange
	Old, New Verbs
}

// VerbChange is a difference of rights in one directory, or on the names in it
// that a file pattern singles out.
type VerbChange struct {
	Path   string // components may be globs
	Names  bool   // Path's last component is a name or glob in the directory, not the directory
	Gained Verbs
	Lost   Verbs
}

// LimitChange is a setting whose value differs: of the account, or of what one of
// its mounts is subject to.
type LimitChange struct {
	Path string // of the mount, "" for the account's own
	Key  string // as in the configuration
	Old  any    // what encoding/json shows as the configuration writes it; nil for none
	New  any
}

// empty reports whether c says nothing.
func (c *Change) empty() bool {
	return !c.Gained && !c.Lost && len(c.Mounts)+len(c.Verbs)+len(c.Limits) == 0
}

// Plan returns the difference in access between two policies, sorted by account:
// who may get at what, and within which limits. How it is written makes no
// difference: neither the order of tables nor entries that change nothing. What
// Plan(a, b) says is gained, Plan(b, a) says is lost.
func Plan(before, after *Set) []Change {
	var list []Change
	names := make(map[string]bool, len(before.list))
	for _, s := range []*Set{before, after} {
		for _, v := range s.list {
			names[v.Account()] = true
		}
	}
	for name := range names {
		was, will := before.transient(name), after.transient(name)
		c := Change{Account: name, Gained: was == nil, Lost: will == nil}
		c.Mounts = mountChanges(was, will)
		c.Verbs, c.Limits = verbChanges(was, will, c.Mounts)
		if !c.Gained && !c.Lost {
			c.Limits = append(c.Limits, limitChanges(was, will)...)
		}
		slices.SortFunc(c.Limits, func(a, b LimitChange) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Key, b.Key))
		})
		if !c.empty() {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Account, b.Account) })
	return list
}

// transient returns the view of an account in a copy that keeps what is built
// only as long as it is looked at, nil for no such account.
func (s *Set) transient(account string) *View {
	v := s.views[account]
	if v == nil {
		return nil
	}
	return &View{set: s, account: v.account}
}

// mountChanges compares the mounts of two views, of which one may be nil.
func mountChanges(before, after *View) []MountChange {
	var paths []string
	for _, v := range []*View{before, after} {
		if v != nil {
			for _, m := range v.Mounts() {
				paths = append(paths, m.Path)
			}
		}
	}
	slices.Sort(paths)
	var list []MountChange
	for _, p := range slices.Compact(paths) {
		c := MountChange{Path: p, Old: before.backing(p), New: after.backing(p)}
		if c.Old == nil || c.New == nil || *c.Old != *c.New {
			list = append(list, c)
		}
	}
	return list
}

// backing returns what lies at vpath, nil for nothing but what the view provides.
// v may be nil.
func (v *View) backing(vpath string) *Backing {
	if v == nil {
		return nil
	}
	at := v.backed(vpath)
	if at.Mount == nil {
		return nil
	}
	return &Backing{at.Name, at.sourceOf(vpath), at.root}
}

// sourceOf returns the backing directory of vpath, which lies in m.
func (m *Mount) sourceOf(vpath string) string {
	return join(m.Source, relative(vpath, m.Path))
}
