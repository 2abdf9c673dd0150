package state

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Transfers returns what SetTransfers stored last, nil if nothing was.
func (s *Store) Transfers() ([]byte, error) {
	var snapshot []byte
	err := s.db.View(func(tx *bolt.Tx) error {
		snapshot = bytes.Clone(tx.Bucket(bucketCounters).Get(keyTransfers))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read transfer counters: %w", err)
	}
	return snapshot, nil
}

// SetTransfers stores a snapshot of the transfer counters (limit.Transfers).
func (s *Store) SetTransfers(snapshot []byte) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketCounters).Put(keyTransfers, snapshot)
	})
	if err != nil {
		return fmt.Errorf("store transfer counters: %w", err)
	}
	return nil
}
