package account

import (
	"iter"
	"slices"

	"grantfs/integration/userdb"
)

// UserByName returns the user record to serve for a name; none for an adopted account.
func (t *Table) UserByName(name string) (userdb.User, bool) { return served(t.Account(name)) }

// UserByUID returns the user record to serve for a uid; none for an adopted account.
func (t *Table) UserByUID(uid uint32) (userdb.User, bool) { return served(t.ByUID(uid)) }

// Users yields every user record to serve.
func (t *Table) Users() iter.Seq[userdb.User] {
	return func(yield func(userdb.User) bool) {
		for _, a := range t.all {
			if u, ok := served(a, true); ok && !yield(u) {
				return
			}
		}
	}
}

func served(a Account, ok bool) (userdb.User, bool) {
	if !ok || a.Adopted {
		return userdb.User{}, false
	}
	return userdb.User{Name: a.Name, UID: a.UID, GID: a.GID, Hash: a.Hash, Locked: a.Locked}, true
}

// GroupByName returns the group record to serve for a name.
func (t *Table) GroupByName(name string) (userdb.Group, bool) {
	return t.group(func(g userdb.Group) bool { return g.Name == name })
}

// GroupByGID returns the group record to serve for a gid.
func (t *Table) GroupByGID(gid uint32) (userdb.Group, bool) {
	return t.group(func(g userdb.Group) bool { return g.GID == gid })
}

func (t *Table) group(matches func(userdb.Group) bool) (userdb.Group, bool) {
	if i := slices.IndexFunc(t.groups, matches); i >= 0 {
		return t.groups[i], true
	}
	return userdb.Group{}, false
}

// Groups yields every group record to serve.
func (t *Table) Groups() iter.Seq[userdb.Group] { return slices.Values(t.groups) }

// Memberships yields who is in which group besides the primary one, adopted
// accounts included: sshd must match these groups for them too.
func (t *Table) Memberships(user, group string) iter.Seq[userdb.Membership] {
	return func(yield func(userdb.Membership) bool) {
		if user != "" {
			a, _ := t.Account(user)
			for _, g := range a.groups {
				if (group == "" || group == g) && !yield(userdb.Membership{User: user, Group: g}) {
					return
				}
			}
			return
		}
		for _, g := range t.groups {
			if group != "" && group != g.Name {
				continue
			}
			for _, u := range t.members[g.Name] {
				if !yield(userdb.Membership{User: u, Group: g.Name}) {
					return
				}
			}
		}
	}
}
