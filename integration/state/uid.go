package state

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Range is the uids, both ends included, that Allot may give to accounts.
type Range struct{ First, Last uint32 }

// Contains reports whether uid is in r.
func (r Range) Contains(uid uint32) bool { return r.First <= uid && uid <= r.Last }

// Request asks for the uid of one account. UID is the one it shall have, 0 for
// whichever it has or can get.
type Request struct {
	Account string
	UID     uint32
}

// Allotment is the answer to one Request: a uid, or why there is none. Err is
// an *OwnedError or ErrExhausted.
type Allotment struct {
	UID uint32
	Err error
}

// ErrExhausted says that no uid of the range is free any more.
var ErrExhausted = errors.New("no uid is left in the range")

// OwnedError says that the uid that was asked for belongs to another account,
// or did once: uids are never given to another (product.md §10).
type OwnedError struct {
	UID     uint32
	Account string
}

// Error names the uid and its owner.
func (e *OwnedError) Error() string {
	return fmt.Sprintf("uid %d belongs to account %s for ever", e.UID, e.Account)
}

// UID returns the uid of an account, also of one that is gone. It reports false
// for an account that never had one, and on a closed store.
func (s *Store) UID(account string) (uint32, bool) {
	var uid uint32
	var ok bool
	err := s.db.View(func(tx *bolt.Tx) error {
		uid, ok = number(tx.Bucket(bucketUIDs).Get([]byte(account)))
		return nil
	})
	return uid, ok && err == nil
}

// UIDs returns the uid of every account that ever had one.
func (s *Store) UIDs() (map[string]uint32, error) {
	all := make(map[string]uint32)
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketUIDs).ForEach(func(account, value []byte) error {
			if uid, ok := number(value); ok {
				all[string(account)] = uid
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list uids: %w", err)
	}
	return all, nil
}

// Allot answers every request, in order, in one transaction: an account keeps
// the uid it has, one that asks for a certain uid gets that or an *OwnedError, a new one gets
// a uid of r that no account ever had and that taken (the host's own users)
// does not claim. If nothing is new, nothing is written. The error is about the
// store itself; then nothing was allotted.
func (s *Store) Allot(requests []Request, r Range, taken func(uid uint32) bool) ([]Allotment, error) {
	answers := make([]Allotment, len(requests))
	settled := true
	err := s.db.View(func(tx *bolt.Tx) error {
		for i, q := range requests {
			uid, ok := number(tx.Bucket(bucketUIDs).Get([]byte(q.Account)))
			if !ok || q.UID != 0 && q.UID != uid {
				settled = false
				return nil
			}
			answers[i] = Allotment{UID: uid}
		}
		return nil
	})
	if err == nil && !settled {
		err = s.db.Update(func(tx *bolt.Tx) error { return allot(tx, requests, answers, r, taken) })
	}
	if err != nil {
		return nil, fmt.Errorf("allot uids: %w", err)
	}
	return answers, nil
}

func allot(tx *bolt.Tx, requests []Request, answers []Allotment, r Range, taken func(uint32) bool) error {
	uids, owners, meta := tx.Bucket(bucketUIDs), tx.Bucket(bucketOwners), tx.Bucket(bucketMeta)
	next := cursor{r: r, free: func(uid uint32) bool { return owners.Get(key(uid)) == nil && !taken(uid) }}
	next.at, _ = number(meta.Get(keyNextUID))
	// Wished uids go first, so that no new account is given one of them.
	for _, wished := range []bool{true, false} {
		for i, q := range requests {
			if (q.UID != 0) != wished {
				continue
			}
			uid := q.UID
			has, known := number(uids.Get([]byte(q.Account)))
			switch {
			case wished:
				if owner := owners.Get(key(uid)); owner != nil && string(owner) != q.Account {
					answers[i] = Allotment{Err: &OwnedError{UID: uid, Account: string(owner)}}
					continue
				}
			case known:
				uid = has
			default:
				var ok bool
				if uid, ok = next.take(); !ok {
					answers[i] = Allotment{Err: ErrExhausted}
					continue
				}
			}
			answers[i] = Allotment{UID: uid}
			if known && has == uid {
				continue
			}
			if err := owners.Put(key(uid), []byte(q.Account)); err != nil {
				return err
			}
			if err := uids.Put([]byte(q.Account), key(uid)); err != nil {
				return err
			}
		}
	}
	return meta.Put(keyNextUID, key(next.at))
}

// cursor walks a range of uids upwards from where the last allotment ended, and
// looks for gaps below only when it has come to the end.
type cursor struct {
	r     Range
	at    uint32 // the next uid to try
	again bool   // the walk has started over
	free  func(uid uint32) bool
}

func (c *cursor) take() (uint32, bool) {
	if !c.r.Contains(c.at) && !c.again {
		c.at = c.r.First
		c.again = true
	}
	for c.r.Contains(c.at) {
		uid := c.at
		c.at++
		if c.free(uid) {
			return uid, true
		}
		if c.at > c.r.Last && !c.again {
			c.at = c.r.First
			c.again = true
		}
	}
	return 0, false
}
