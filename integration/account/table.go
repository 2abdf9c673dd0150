package account

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"grantfs/integration/userdb"
)

// Account is one account as a Unix user. In JSON it is one element of what
// "grantfs accounts --json" prints.
type Account struct {
	Name    string   `json:"name"`
	UID     uint32   `json:"uid"`
	GID     uint32   `json:"gid"`
	Locked  bool     `json:"locked"` // can't log in: disabled, or gone from the policy
	Main    bool     `json:"main"`
	Adopted bool     `json:"adopted"` // the host's own user: its uid, gid and credentials stay
	Sites   []string `json:"sites"`   // never nil

	Created time.Time `json:"created,omitzero"` // zero if nobody knows
	Why     string    `json:"why,omitempty"`    // it is locked

	Hash   string   `json:"-"` // crypt(3); secret
	groups []string // besides its primary group
}

// Table is every account with its uid: immutable, safe for concurrent use. It
// is a userdb.Directory of the accounts that are not adopted.
type Table struct {
	all     []Account // sorted by name
	byName  map[string]int
	byUID   map[uint32]int
	groups  []userdb.Group
	members map[string][]string // group -> users, sorted
}

var _ userdb.Directory = (*Table)(nil)

// newTable takes accounts over, whose names and uids must be unique.
func newTable(accounts []Account, groups []userdb.Group) *Table {
	t := &Table{
		all:     accounts,
		byName:  make(map[string]int, len(accounts)),
		byUID:   make(map[uint32]int, len(accounts)),
		groups:  groups,
		members: make(map[string][]string),
	}
	slices.SortFunc(t.all, func(a, b Account) int { return cmp.Compare(a.Name, b.Name) })
	for i, a := range t.all {
		t.byName[a.Name] = i
		t.byUID[a.UID] = i
		for _, g := range a.groups {
			t.members[g] = append(t.members[g], a.Name)
		}
	}
	return t
}

// Account returns the account called name.
func (t *Table) Account(name string) (Account, bool) { return at(t, t.byName, name) }

// ByUID returns the account that has uid.
func (t *Table) ByUID(uid uint32) (Account, bool) { return at(t, t.byUID, uid) }

func at[K comparable](t *Table, index map[K]int, k K) (Account, bool) {
	i, ok := index[k]
	if !ok {
		return Account{}, false
	}
	return t.all[i], true
}

// WithHash returns a copy of t in which an account has another password hash; t
// itself where there is no such account, or its password is the host's.
func (t *Table) WithHash(name, hash string) *Table {
	i, ok := t.byName[name]
	if !ok || t.all[i].Adopted {
		return t
	}
	return t.with(i, func(a *Account) { a.Hash = hash })
}

// WithLock returns a copy of t in which an account is locked, for a reason, or
// not; t itself where there is no such account.
func (t *Table) WithLock(name string, locked bool, why string) *Table {
	i, ok := t.byName[name]
	if !ok {
		return t
	}
	return t.with(i, func(a *Account) { a.Locked, a.Why = locked, why })
}

// with returns a copy of t with one account changed, not in its name or uid.
func (t *Table) with(i int, change func(*Account)) *Table {
	next := *t
	next.all = slices.Clone(t.all)
	change(&next.all[i])
	return &next
}

// Accounts yields every account, sorted by name. Their Sites must not be changed.
func (t *Table) Accounts() iter.Seq[Account] { return slices.Values(t.all) }

// Len returns the number of accounts.
func (t *Table) Len() int { return len(t.all) }

// MarshalJSON writes t as a list of accounts, sorted by name, without secrets.
func (t *Table) MarshalJSON() ([]byte, error) {
	if t.all == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(t.all)
}
