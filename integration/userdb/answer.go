package userdb

import (
	"iter"
	"strings"
)

// MaxListed is how many users, groups or members one list may hold. glibc asks
// for a group's members several times at each login, so long lists would be
// paid for by everybody.
const MaxListed = 1024

// asker answers the calls of one connection.
type asker struct {
	dir  Directory // nil while there is none yet
	root bool      // the peer may see password hashes
}

// answer returns the replies to c: one, or with "more" any number.
func (a asker) answer(c call) []reply {
	switch c.Method {
	case methodInfo:
		return []reply{{Parameters: serviceInfo{
			Vendor:     "grantfs",
			Product:    "grantfs",
			Interfaces: []string{"io.systemd.UserDatabase", "org.varlink.service"},
		}}}
	case methodUser, methodGroup:
		var p recordParameters
		if bad := decode(c, &p); bad != nil {
			return bad
		}
		if bad := a.unable(p.Service); bad != nil {
			return bad
		}
		if c.Method == methodUser {
			return a.user(p, c.More)
		}
		return a.group(p, c.More)
	case methodMemberships:
		var p membershipParameters
		if bad := decode(c, &p); bad != nil {
			return bad
		}
		if bad := a.unable(p.Service); bad != nil {
			return bad
		}
		return a.memberships(p, c.More)
	}
	return []reply{{Error: errNoMethod, Parameters: map[string]string{"method": c.Method}}}
}

// unable refuses what is meant for another service or comes before there is a
// directory. A host that can't be answered yet must not be told "no such user".
func (a asker) unable(service string) []reply {
	switch {
	case service != Service && !strings.HasPrefix(service, Service+"."):
		return refuse(errBadService)
	case a.dir == nil:
		return refuse(errNoService)
	}
	return nil
}

func (a asker) user(p recordParameters, more bool) []reply {
	if p.UserName == "" && p.UID == nil {
		return list(a.dir.Users(), p.user, a.userRecord, more)
	}
	byName, byID := lookup[User]{}, lookup[User]{}
	if p.UserName != "" {
		byName.found, byName.ok = a.dir.UserByName(p.UserName)
		byName.asked = true
	}
	if p.UID != nil {
		byID.found, byID.ok = a.dir.UserByUID(*p.UID)
		byID.asked = true
	}
	return one(byName, byID, p.user, a.userRecord)
}

func (a asker) group(p recordParameters, more bool) []reply {
	if p.GroupName == "" && p.GID == nil {
		return list(a.dir.Groups(), p.group, a.groupRecord, more)
	}
	byName, byID := lookup[Group]{}, lookup[Group]{}
	if p.GroupName != "" {
		byName.found, byName.ok = a.dir.GroupByName(p.GroupName)
		byName.asked = true
	}
	if p.GID != nil {
		byID.found, byID.ok = a.dir.GroupByGID(*p.GID)
		byID.asked = true
	}
	return one(byName, byID, p.group, a.groupRecord)
}

func (a asker) memberships(p membershipParameters, more bool) []reply {
	single := p.UserName != "" && p.GroupName != ""
	if !more && !single {
		return refuse(errWantsMore)
	}
	var replies []reply
	for m := range a.dir.Memberships(p.UserName, p.GroupName) {
		// All groups of one user are always told: initgroups(3) needs them.
		if p.UserName == "" && len(replies) == MaxListed {
			// Another error would make nss-systemd deny that the group exists.
			return refuse(errNoRecord)
		}
		replies = append(replies, reply{Continues: true, Parameters: membership{UserName: m.User, GroupName: m.Group}})
		if single {
			break
		}
	}
	return closed(replies)
}

// userRecord is the record of u, without what the peer may not see.
func (a asker) userRecord(u User) record {
	r := userRecord{
		UserName:      u.Name,
		UID:           u.UID,
		GID:           u.GID,
		HomeDirectory: "/",
		Shell:         "/usr/sbin/nologin",
		Disposition:   disposition,
		Locked:        u.Locked,
		Service:       Service,
	}
	for m := range a.dir.Memberships(u.Name, "") {
		r.MemberOf = append(r.MemberOf, m.Group)
	}
	secret := u.Hash != "" && !u.Locked
	if secret && a.root {
		r.Privileged = &privileged{HashedPassword: []string{u.Hash}}
	}
	return record{Record: r, Incomplete: secret && !a.root}
}

func (a asker) groupRecord(g Group) record {
	return record{Record: groupRecord{GroupName: g.Name, GID: g.GID, Disposition: disposition, Service: Service}}
}

// lookup is the outcome of a search by one key.
type lookup[T comparable] struct {
	found     T
	ok, asked bool
}

// one answers a search by name, by id, or by both, which must then agree.
func one[T comparable](byName, byID lookup[T], matches func(T) bool, show func(T) record) []reply {
	hit := byName
	if !hit.ok {
		hit = byID
	}
	switch {
	case !hit.ok:
		return refuse(errNoRecord)
	case byName.asked && byID.asked && (byName.ok != byID.ok || byName.found != byID.found):
		return refuse(errConflicting)
	case !matches(hit.found):
		return refuse(errNonMatching)
	}
	return []reply{{Parameters: show(hit.found)}}
}

// list answers an enumeration, unless it is too long.
func list[T any](all iter.Seq[T], matches func(T) bool, show func(T) record, more bool) []reply {
	if !more {
		return refuse(errWantsMore)
	}
	var replies []reply
	for entry := range all {
		if !matches(entry) {
			continue
		}
		if len(replies) == MaxListed {
			return refuse(errNoList)
		}
		replies = append(replies, reply{Continues: true, Parameters: show(entry)})
	}
	return closed(replies)
}

// closed marks the last of replies; no reply at all is "no record".
func closed(replies []reply) []reply {
	if len(replies) == 0 {
		return refuse(errNoRecord)
	}
	replies[len(replies)-1].Continues = false
	return replies
}
