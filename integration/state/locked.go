package state

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Locked returns the accounts that the admin has locked, and why.
func (s *Store) Locked() (map[string]string, error) {
	locked := make(map[string]string)
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketLocked).ForEach(func(account, why []byte) error {
			locked[string(account)] = string(why)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read who is locked: %w", err)
	}
	return locked, nil
}

// Lock notes that an account is locked, and why. It is on disk when Lock returns.
func (s *Store) Lock(account, why string) error {
	err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketLocked).Put([]byte(account), []byte(why)) })
	if err != nil {
		return fmt.Errorf("note that %s is locked: %w", account, err)
	}
	return nil
}

// Unlock takes Lock back. What is not locked stays so.
func (s *Store) Unlock(account string) error {
	err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketLocked).Delete([]byte(account)) })
	if err != nil {
		return fmt.Errorf("note that %s is not locked: %w", account, err)
	}
	return nil
}
