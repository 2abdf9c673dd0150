package state

import (
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Credential is what an account proves itself with. It is secret: never log it.
type Credential struct {
	Hash    string    `json:"hash"`    // crypt(3)
	Changed time.Time `json:"changed"` // when it was set; zero if nobody knows
}

// Credential returns an account's credential; false if it has none.
func (s *Store) Credential(account string) (Credential, bool, error) {
	var c Credential
	var ok bool
	err := s.db.View(func(tx *bolt.Tx) error {
		value := tx.Bucket(bucketCredentials).Get([]byte(account))
		if value == nil {
			return nil
		}
		ok = true
		return json.Unmarshal(value, &c)
	})
	if err != nil {
		return Credential{}, false, fmt.Errorf("read credential of %s: %w", account, err)
	}
	return c, ok, nil
}

// Credentials returns the credentials of every account. A value that can't be
// read is left out, so that it locks out nobody else.
func (s *Store) Credentials() (map[string]Credential, error) {
	all := make(map[string]Credential)
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketCredentials).ForEach(func(account, value []byte) error {
			var c Credential
			if json.Unmarshal(value, &c) == nil {
				all[string(account)] = c
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list credentials: %w", err)
	}
	return all, nil
}

// SeedCredentials stores the hashes, by account, of those that have no
// credential yet: a configured password_hash seeds an empty credential only
// (product.md §3). If nothing is new, nothing is written.
func (s *Store) SeedCredentials(hashes map[string]string) error {
	missing := make(map[string]string)
	err := s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketCredentials)
		for account, hash := range hashes {
			if hash != "" && b.Get([]byte(account)) == nil {
				missing[account] = hash
			}
		}
		return nil
	})
	if err == nil && len(missing) > 0 {
		err = s.db.Update(func(tx *bolt.Tx) error { return seed(tx.Bucket(bucketCredentials), missing) })
	}
	if err != nil {
		return fmt.Errorf("seed credentials: %w", err)
	}
	return nil
}

func seed(b *bolt.Bucket, hashes map[string]string) error {
	for account, hash := range hashes {
		if b.Get([]byte(account)) != nil {
			continue // set meanwhile
		}
		value, err := json.Marshal(Credential{Hash: hash, Changed: time.Now()})
		if err != nil {
			return err
		}
		if err := b.Put([]byte(account), value); err != nil {
			return err
		}
	}
	return nil
}

// SetCredential replaces an account's credential.
func (s *Store) SetCredential(account string, c Credential) error {
	value, err := json.Marshal(c)
	if err == nil {
		err = s.db.Update(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketCredentials).Put([]byte(account), value)
		})
	}
	if err != nil {
		return fmt.Errorf("set credential of %s: %w", account, err)
	}
	return nil
}
