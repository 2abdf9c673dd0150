package state

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Aliases returns the last good text of alias files, by path.
func (s *Store) Aliases() (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketAliases).ForEach(func(path, text []byte) error {
			all[string(path)] = bytes.Clone(text)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the texts of aliases: %w", err)
	}
	return all, nil
}

// KeepAliases stores the last good text of alias files, by path; nil removes one. If
// nothing differs from what is stored, nothing is written.
func (s *Store) KeepAliases(texts map[string][]byte) error {
	differ := map[string][]byte{}
	err := s.db.View(func(tx *bolt.Tx) error {
		for path, text := range texts {
			if old := tx.Bucket(bucketAliases).Get([]byte(path)); !bytes.Equal(old, text) {
				differ[path] = text
			}
		}
		return nil
	})
	if err == nil && len(differ) > 0 {
		err = s.db.Update(func(tx *bolt.Tx) error {
			for path, text := range differ {
				var err error
				if text == nil {
					err = tx.Bucket(bucketAliases).Delete([]byte(path))
				} else {
					err = tx.Bucket(bucketAliases).Put([]byte(path), text)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("keep the texts of aliases: %w", err)
	}
	return nil
}
