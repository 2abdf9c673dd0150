package account

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"grantfs/integration/state"
	"grantfs/integration/userdb"
	"grantfs/policy"
)

// Keeper makes Tables. It is safe for concurrent use; the store is the only
// thing it changes.
type Keeper struct {
	store       *state.Store
	first, last uint32
}

// NewKeeper returns a Keeper that gives uids of first to last (both included,
// "uid_range") to accounts that have none. The first few ids are kept for
// groups.
func NewKeeper(store *state.Store, first, last uint32) *Keeper {
	return &Keeper{store: store, first: first, last: last}
}

// Sync returns the table of the accounts in entries, whose names must be
// unique, as the host's files users say it can be. An account that can't have
// its uid is left out and reported with its place; the others are not
// affected. Accounts that had a uid once and are not among entries are in the table as
// locked: their names still belong to them; refused says of some why. So are users
// of the host that were accounts of an instance which is still there: a client
// without a site has no access, whoever keeps its password. The error is about the
// store.
func (k *Keeper) Sync(entries []Entry, refused map[string]string, users Users) (*Table, []policy.Problem, error) {
	s := round{users: users, refused: refused, groups: servedGroupIDs(users, k.first)}
	requests, waiting := s.classify(entries)
	answers, err := k.store.Allot(requests, k.allottable(), func(uid uint32) bool {
		_, local := users.UIDName(uid)
		return local
	})
	if err != nil {
		return nil, nil, err
	}
	if err := k.store.SeedCredentials(seeds(waiting)); err != nil {
		return nil, nil, err
	}
	credentials, err := k.store.Credentials()
	if err != nil {
		return nil, nil, err
	}
	for i, e := range waiting {
		s.settle(e, answers[i], credentials[e.Name].Hash)
	}
	known, err := k.store.UIDs()
	if err != nil {
		return nil, nil, err
	}
	appeared, err := k.store.AllAppeared()
	if err != nil {
		return nil, nil, err
	}
	s.addGone(entries, known, appeared)
	return newTable(s.accounts, s.groups), s.problems, nil
}

// allottable is the uids that new accounts get.
func (k *Keeper) allottable() state.Range {
	return state.Range{First: k.first + reservedIDs, Last: k.last}
}

// round is one run of Sync.
type round struct {
	users    Users
	refused  map[string]string // why accounts are not in the policy
	groups   []userdb.Group
	accounts []Account
	problems []policy.Problem
}

// classify adds the adopted accounts and returns the requests for the uids of
// the others, with the entries that they are for.
func (s *round) classify(entries []Entry) ([]state.Request, []Entry) {
	var requests []state.Request
	var waiting []Entry
	for _, e := range entries {
		if uid, gid, ok := s.users.User(e.Name); ok {
			s.adopt(e, uid, gid)
			continue
		}
		q := state.Request{Account: e.Name}
		if e.UID.Set {
			if why := unusable(e, s.users); why != "" {
				s.report(e, "%s", why)
				continue
			}
			q.UID = e.UID.Value
		}
		requests = append(requests, q)
		waiting = append(waiting, e)
	}
	return requests, waiting
}

// adopt adds an account that the host knows already.
func (s *round) adopt(e Entry, uid, gid uint32) {
	problems, ok := checkAdopted(e, uid, s.users)
	s.problems = append(s.problems, problems...)
	if !ok {
		return
	}
	a := s.account(e, uid)
	a.GID, a.Adopted = gid, true
	s.accounts = append(s.accounts, a)
}

// settle adds an account that was given a uid, or reports why it has none.
func (s *round) settle(e Entry, given state.Allotment, hash string) {
	var owned *state.OwnedError
	switch {
	case errors.As(given.Err, &owned):
		s.report(e, "uid %d belongs to the account %s", owned.UID, owned.Account)
		return
	case given.Err != nil:
		s.report(e, "%v", given.Err)
		return
	}
	// The uid may have been this account's before the host gave it to a user.
	if other, ok := s.users.UIDName(given.UID); ok {
		s.report(e, "its uid %d is that of the user %s of this host now", given.UID, other)
		return
	}
	a := s.account(e, given.UID)
	a.Hash = hash
	s.accounts = append(s.accounts, a)
}

// addGone adds the accounts that had a uid once, or were discovered, and are in the
// policy no more. One that shares its uid with a user of the host stays away from it.
func (s *round) addGone(entries []Entry, known map[string]uint32, appeared map[string]time.Time) {
	var instances []string // what the names of their accounts begin with
	for _, e := range entries {
		delete(known, e.Name)
		delete(appeared, e.Name)
		if e.Main {
			instances = append(instances, e.Name[:strings.LastIndexByte(e.Name, '.')+1])
		}
	}
	for name, uid := range known {
		_, _, local := s.users.User(name)
		if _, taken := s.users.UIDName(uid); !local && !taken {
			s.accounts = append(s.accounts, s.gone(name, uid, appeared[name]))
		}
	}
	for name, since := range appeared {
		uid, gid, local := s.users.User(name)
		ours := slices.ContainsFunc(instances, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if other, _ := s.users.UIDName(uid); !local || !ours || uid == 0 || other != name {
			continue
		}
		a := s.gone(name, uid, since)
		a.GID, a.Adopted = gid, true
		s.accounts = append(s.accounts, a)
	}
}

// gone is an account that is in the policy no more.
func (s *round) gone(name string, uid uint32, since time.Time) Account {
	a := s.account(Entry{Name: name, Locked: true, Created: since}, uid)
	a.Why = cmp.Or(s.refused[name], "no site is attached to it")
	return a
}

// account is what is common to every kind of account.
func (s *round) account(e Entry, uid uint32) Account {
	a := Account{
		Name: e.Name, UID: uid, GID: s.groups[0].GID,
		Locked: e.Locked, Main: e.Main, Sites: append([]string{}, e.Sites...), Created: e.Created,
	}
	if e.Locked {
		a.Why = cmp.Or(e.Why, "it is disabled")
	}
	for _, g := range s.groups[1:] {
		if slices.Contains(e.Groups, g.Name) {
			a.groups = append(a.groups, g.Name)
		}
	}
	return a
}

func (s *round) report(e Entry, format string, args ...any) {
	s.problems = append(s.problems, leftOut(e, format, args...))
}

// servedGroupIDs returns the groups to serve, PrimaryGroup first. A group that the group file has
// keeps that gid; it is still served, for nss-systemd finds the members of
// served groups only.
func servedGroupIDs(users Users, first uint32) []userdb.Group {
	groups := make([]userdb.Group, len(servedGroups))
	for i, name := range servedGroups {
		gid, ok := users.Group(name)
		if !ok {
			gid = first + uint32(i)
		}
		groups[i] = userdb.Group{Name: name, GID: gid}
	}
	return groups
}

// seeds is the configured password hashes of entries, by account.
func seeds(entries []Entry) map[string]string {
	hashes := make(map[string]string)
	for _, e := range entries {
		if e.PasswordHash.Set {
			hashes[e.Name] = e.PasswordHash.Value
		}
	}
	return hashes
}
