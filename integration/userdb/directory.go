package userdb

import "iter"

// Directory is what the service answers from. It is an immutable snapshot,
// safe for concurrent use, and answers from memory at once.
type Directory interface {
	UserByName(name string) (User, bool)
	UserByUID(uid uint32) (User, bool)
	Users() iter.Seq[User]

	GroupByName(name string) (Group, bool)
	GroupByGID(gid uint32) (Group, bool)
	Groups() iter.Seq[Group]

	// Memberships yields each pair of a user and a group of it: of one user, of
	// one group, or of both; "" stands for any. A user's primary group is not
	// among them.
	Memberships(user, group string) iter.Seq[Membership]
}

// User is one account as a Unix user. Its home is "/", which is its view after
// the chroot, and it has no shell.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Hash   string // crypt(3); empty for none, which no password opens
	Locked bool   // known, but can't log in: the hash is then not served
}

// Group is one Unix group.
type Group struct {
	Name string
	GID  uint32
}

// Membership says that a user is in a group.
type Membership struct{ User, Group string }
