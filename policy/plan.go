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

// MountChange is a mount that appears or disappears. One whose source changes
// does both.
type MountChange struct {
	Path   string // in the view
	Name   string // "home", "folder:media", "site:o1/shop.example.org"
	Source string
	Gained bool // else lost
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
		c.Verbs, c.Limits = verbChanges(was, will)
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
	type key struct{ path, name, source string }
	mounts := func(v *View) map[key]bool {
		all := map[key]bool{}
		if v != nil {
			for _, m := range v.Mounts() {
				all[key{m.Path, m.Name, m.Source}] = true
			}
		}
		return all
	}
	var list []MountChange
	add := func(from, in map[key]bool, gained bool) {
		for k := range from {
			if !in[k] {
				list = append(list, MountChange{k.path, k.name, k.source, gained})
			}
		}
	}
	was, will := mounts(before), mounts(after)
	add(was, will, false)
	add(will, was, true)
	slices.SortFunc(list, func(a, b MountChange) int {
		side := func(c MountChange) int {
			if c.Gained {
				return 1
			}
			return 0
		}
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(side(a), side(b)), strings.Compare(a.Source, b.Source), strings.Compare(a.Name, b.Name))
	})
	return list
}
