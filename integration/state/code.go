package state

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// codeRecord is the second factor of one account (RFC 6238).
type codeRecord struct {
	Secret []byte `json:"secret"`
	Last   int64  `json:"last"` // time step of the code that was used last
}

// HasCode reports whether an account has a second factor.
func (s *Store) HasCode(account string) (bool, error) {
	var has bool
	err := s.db.View(func(tx *bolt.Tx) error {
		has = tx.Bucket(bucketCodes).Get([]byte(account)) != nil
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for the second factor of %s: %w", account, err)
	}
	return has, nil
}

// SetCode gives an account a second factor in place of any that it had.
func (s *Store) SetCode(account string, secret []byte) error {
	err := s.db.Update(func(tx *bolt.Tx) error { return putCode(tx, account, codeRecord{Secret: secret}) })
	if err != nil {
		return fmt.Errorf("set the second factor of %s: %w", account, err)
	}
	return nil
}

// RemoveCode takes the second factor of an account away, if it has one.
func (s *Store) RemoveCode(account string) error {
	err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketCodes).Delete([]byte(account)) })
	if err != nil {
		return fmt.Errorf("remove the second factor of %s: %w", account, err)
	}
	return nil
}

// UseCode asks check about a code of an account: its secret and the time step of
// the code that was used last. If check agrees, the step that it returns is on
// disk before UseCode returns true, and no other UseCode sees the old one. An
// account without a second factor has no right code.
func (s *Store) UseCode(account string, check func(secret []byte, last int64) (step int64, ok bool)) (bool, error) {
	var right bool
	err := s.db.Update(func(tx *bolt.Tx) error {
		value := tx.Bucket(bucketCodes).Get([]byte(account))
		if value == nil {
			return nil
		}
		var r codeRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		step, ok := check(r.Secret, r.Last)
		if !ok {
			return nil
		}
		right, r.Last = true, step
		return putCode(tx, account, r)
	})
	if err != nil {
		return false, fmt.Errorf("use a code of %s: %w", account, err)
	}
	return right, nil
}

func putCode(tx *bolt.Tx, account string, r codeRecord) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketCodes).Put([]byte(account), value)
}
