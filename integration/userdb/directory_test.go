package userdb

import (
	"iter"
	"slices"
)

// fixed is a Directory of a few fixed entries.
type fixed struct {
	users   []User
	groups  []Group
	members []Membership
}

func (f fixed) UserByName(name string) (User, bool) {
	return find(f.users, func(u User) bool { return u.Name == name })
}

func (f fixed) UserByUID(uid uint32) (User, bool) {
	return find(f.users, func(u User) bool { return u.UID == uid })
}

func (f fixed) GroupByName(name string) (Group, bool) {
	return find(f.groups, func(g Group) bool { return g.Name == name })
}

func (f fixed) GroupByGID(gid uint32) (Group, bool) {
	return find(f.groups, func(g Group) bool { return g.GID == gid })
}

func (f fixed) Users() iter.Seq[User] { return slices.Values(f.users) }

func (f fixed) Groups() iter.Seq[Group] { return slices.Values(f.groups) }

func (f fixed) Memberships(user, group string) iter.Seq[Membership] {
	return func(yield func(Membership) bool) {
		for _, m := range f.members {
			if (user == "" || m.User == user) && (group == "" || m.Group == group) && !yield(m) {
				return
			}
		}
	}
}

func find[T any](all []T, matches func(T) bool) (T, bool) {
	if i := slices.IndexFunc(all, matches); i >= 0 {
		return all[i], true
	}
	var none T
	return none, false
}

// hash is crypt(3) of "secret".
const hash = "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."

// sample has one account of each kind.
var sample = fixed{
	users: []User{
		{Name: "o1.foo", UID: 1900000016, GID: 1900000000, Hash: hash},
		{Name: "o1.gone", UID: 1900000017, GID: 1900000000, Hash: hash, Locked: true},
		{Name: "o1.new", UID: 1900000018, GID: 1900000000},
	},
	groups: []Group{{"grantfs", 1900000000}, {"grantfs-2fa", 1900000001}, {"grantfs-nopassword", 1900000002}},
	members: []Membership{
		{"o1.foo", "grantfs-2fa"}, {"o1.foo", "grantfs-nopassword"}, {"o1.new", "grantfs-2fa"},
	},
}
