package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Keys is the text of an account's authorized_keys.
type Keys struct {
	Text    []byte    `json:"text"`
	Changed time.Time `json:"changed"`
}

// Keys returns the keys of an account; none is the zero Keys.
func (s *Store) Keys(account string) (Keys, error) {
	var k Keys
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		k, err = keysOf(tx, account)
		return err
	})
	if err != nil {
		return Keys{}, fmt.Errorf("read keys of %s: %w", account, err)
	}
	return k, nil
}

// EditKeys puts what edit makes of an account's text in its place. An error of
// edit is returned, wrapped, and changes nothing.
func (s *Store) EditKeys(account string, edit func(text []byte) ([]byte, error)) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		k, err := keysOf(tx, account)
		if err != nil {
			return err
		}
		text, err := edit(k.Text)
		if err != nil {
			return err
		}
		return putKeys(tx, account, text)
	})
	if err != nil {
		return fmt.Errorf("change keys of %s: %w", account, err)
	}
	return nil
}

// A draft in the store is one of these, then its text.
const (
	draftGood   = '+'
	draftSpoilt = '-' // a part of it was refused
)

// ErrSpoilt says that a part of a draft was refused, so that no more is taken.
var ErrSpoilt = errors.New("a part of it was refused before")

// EditDraft puts what edit makes of the draft of an account's keys in its place; a
// draft begins as the keys themselves. It is on disk as everything here is, so
// that whoever writes it piece by piece outlives the daemon. An error of edit, which
// is returned, wrapped, spoils the draft: it takes no more until it is begun anew.
func (s *Store) EditDraft(account string, anew bool, edit func(text []byte) ([]byte, error)) error {
	var refused error
	err := s.db.Update(func(tx *bolt.Tx) error {
		drafts := tx.Bucket(bucketDrafts)
		draft := bytes.Clone(drafts.Get([]byte(account)))
		if draft != nil && draft[0] == draftSpoilt && !anew {
			refused = ErrSpoilt
			return nil
		}
		if draft == nil || draft[0] == draftSpoilt {
			k, err := keysOf(tx, account)
			if err != nil {
				return err
			}
			draft = append([]byte{draftGood}, k.Text...)
		}
		var text []byte
		if text, refused = edit(draft[1:]); refused != nil {
			return drafts.Put([]byte(account), []byte{draftSpoilt})
		}
		return drafts.Put([]byte(account), append([]byte{draftGood}, text...))
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return fmt.Errorf("change the draft of keys of %s: %w", account, err)
	}
	return nil
}

// EndDraft makes the draft of an account's keys the keys, if check agrees and it is
// not spoilt, and drops it in any case; with begun an empty or spoilt one stays what
// it is. It reports whether the keys were replaced; without a draft nothing
// happens. The error of check is returned, wrapped.
func (s *Store) EndDraft(account string, begun bool, check func(text []byte) error) (bool, error) {
	var there bool
	err := s.db.View(func(tx *bolt.Tx) error { // most files that are closed have none
		draft := tx.Bucket(bucketDrafts).Get([]byte(account))
		there = len(draft) > 1 || len(draft) == 1 && !begun
		return nil
	})
	if err == nil && !there {
		return false, nil
	}
	var done bool
	var refused error
	if err == nil {
		err = s.db.Update(func(tx *bolt.Tx) error {
			drafts := tx.Bucket(bucketDrafts)
			draft := bytes.Clone(drafts.Get([]byte(account)))
			if draft == nil {
				return nil
			}
			if draft[0] == draftGood {
				refused = check(draft[1:])
				done = refused == nil
			}
			if done {
				if err := putKeys(tx, account, draft[1:]); err != nil {
					return err
				}
			}
			return drafts.Delete([]byte(account))
		})
	}
	if err == nil {
		err = refused
	}
	if err != nil {
		return false, fmt.Errorf("replace keys of %s: %w", account, err)
	}
	return done, nil
}

// DropDrafts drops the drafts of all keys.
func (s *Store) DropDrafts() error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket(bucketDrafts); err != nil {
			return err
		}
		_, err := tx.CreateBucket(bucketDrafts)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop drafts of keys: %w", err)
	}
	return nil
}

func keysOf(tx *bolt.Tx, account string) (k Keys, err error) {
	if value := tx.Bucket(bucketKeys).Get([]byte(account)); value != nil {
		err = json.Unmarshal(value, &k)
	}
	return k, err
}

func putKeys(tx *bolt.Tx, account string, text []byte) error {
	value, err := json.Marshal(Keys{Text: text, Changed: time.Now()})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketKeys).Put([]byte(account), value)
}
