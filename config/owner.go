package config

import (
	"strconv"
	"strings"

	"grantfs/policy"
)

// inherit is the owner that means "the source root's".
const inherit = "inherit"

// owner reads "user:group". A number stands for the id where no name is written
// so, as with chown(1).
func owner(d *decoder, key string, n *node) (string, *policy.IDs) {
	if n.kind != kindString {
		d.wrongKind(key, n, `"user:group"`)
		return "", nil
	}
	user, group, ok := strings.Cut(n.text, ":")
	if !ok || user == "" || group == "" || strings.Contains(group, ":") {
		d.errorf(n.at, `%s must be "user:group", not %s`, key, quote(n.text))
		return "", nil
	}
	ids, ok := policy.IDs{}, true
	if ids.UID, ok = d.id(user, func(name string) (uint32, bool) {
		uid, _, ok := d.users.User(name)
		return uid, ok
	}); !ok {
		d.errorf(n.at, "%s: no user %s in the passwd file", key, quote(user))
		return "", nil
	}
	if ids.GID, ok = d.id(group, d.users.Group); !ok {
		d.errorf(n.at, "%s: no group %s in the group file", key, quote(group))
		return "", nil
	}
	return n.text, &ids
}

func (d *decoder) id(name string, lookup func(string) (uint32, bool)) (uint32, bool) {
	if id, ok := lookup(name); ok {
		return id, true
	}
	id, err := strconv.ParseUint(name, 10, 32)
	return uint32(id), err == nil && id <= maxID
}

// noUsers knows nobody.
type noUsers struct{}

func (noUsers) User(string) (uid, gid uint32, ok bool) { return 0, 0, false }
func (noUsers) Group(string) (gid uint32, ok bool)     { return 0, false }
