package state

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Appeared returns since when accounts are known. Those that are not yet are from
// now on. If nothing is new, nothing is written.
func (s *Store) Appeared(accounts []string) (map[string]time.Time, error) {
	since := make(map[string]time.Time, len(accounts))
	var missing []string
	err := s.db.View(func(tx *bolt.Tx) error {
		for _, a := range accounts {
			if t, ok := moment(tx.Bucket(bucketAppeared).Get([]byte(a))); ok {
				since[a] = t
			} else {
				missing = append(missing, a)
			}
		}
		return nil
	})
	if err == nil && len(missing) > 0 {
		now := time.Now().UTC().Truncate(time.Second)
		err = s.db.Update(func(tx *bolt.Tx) error {
			for _, a := range missing {
				since[a] = now
				if err := tx.Bucket(bucketAppeared).Put([]byte(a), momentKey(now)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("note since when accounts are known: %w", err)
	}
	return since, nil
}

// AllAppeared returns since when every account is known that Appeared was asked
// about.
func (s *Store) AllAppeared() (map[string]time.Time, error) {
	all := make(map[string]time.Time)
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketAppeared).ForEach(func(account, value []byte) error {
			if t, ok := moment(value); ok {
				all[string(account)] = t
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list since when accounts are known: %w", err)
	}
	return all, nil
}

// momentKey is t in the file: seconds since 1970, big-endian.
func momentKey(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t.Unix())) }

// moment reads what momentKey wrote; false for anything else.
func moment(b []byte) (time.Time, bool) {
	if len(b) != 8 {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC(), true
}
