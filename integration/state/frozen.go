package state

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Frozen returns what is frozen, by policy.Freezable's names, and since when.
func (s *Store) Frozen() (map[string]time.Time, error) {
	frozen := make(map[string]time.Time)
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketFrozen).ForEach(func(name, value []byte) error {
			since, err := time.Parse(time.RFC3339, string(value))
			frozen[string(name)] = since
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read what is frozen: %w", err)
	}
	return frozen, nil
}

// Freeze notes that something is frozen since a time, or since an earlier one that
// was noted before. It is on disk when Freeze returns.
func (s *Store) Freeze(name string, since time.Time) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketFrozen)
		if b.Get([]byte(name)) != nil {
			return nil
		}
		return b.Put([]byte(name), since.UTC().AppendFormat(nil, time.RFC3339))
	})
	if err != nil {
		return fmt.Errorf("note that %s is frozen: %w", name, err)
	}
	return nil
}

// Thaw takes Freeze back. What is not frozen stays so.
func (s *Store) Thaw(name string) error {
	if err := s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketFrozen).Delete([]byte(name)) }); err != nil {
		return fmt.Errorf("note that %s is not frozen: %w", name, err)
	}
	return nil
}
