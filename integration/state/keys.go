package state

import (
	"bytes"
	"encoding/json"
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

// EditDraft puts what edit makes of the draft of an account's keys in its place; a
// draft begins as the keys themselves. It is on disk as everything here is, so
// that whoever writes it piece by piece outlives the daemon.
func (s *Store) EditDraft(account string, edit func(text []byte) ([]byte, error)) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		drafts := tx.Bucket(bucketDrafts)
		text := bytes.Clone(drafts.Get([]byte(account)))
		if text == nil {
			k, err := keysOf(tx, account)
			if err != nil {
				return err
			}
			text = k.Text
		}
		text, err := edit(text)
		if err != nil {
			return err
		}
		return drafts.Put([]byte(account), text)
	})
	if err != nil {
		return fmt.Errorf("change the draft of keys of %s: %w", account, err)
	}
	return nil
}

// EndDraft makes the draft of an account's keys the keys, if check agrees, and
// drops it in any case; with begun an empty one stays what it is. It reports whether the keys were replaced; without a draft
// nothing happens. The error of check is returned, wrapped.
func (s *Store) EndDraft(account string, begun bool, check func(text []byte) error) (bool, error) {
	var done bool
	var refused error
	err := s.db.View(func(tx *bolt.Tx) error { // most files that are closed have none
		text := tx.Bucket(bucketDrafts).Get([]byte(account))
		done = text != nil && (len(text) > 0 || !begun)
		return nil
	})
	if err == nil && done {
		err = s.db.Update(func(tx *bolt.Tx) error {
			drafts := tx.Bucket(bucketDrafts)
			text := bytes.Clone(drafts.Get([]byte(account)))
			done = text != nil
			if !done {
				return nil
			}
			if refused = check(text); refused == nil {
				if err := putKeys(tx, account, text); err != nil {
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
