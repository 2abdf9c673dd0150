package state

import (
	"encoding/json"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Credential is what an account proves itself with. It is secret: never log it.
type Credential struct {
	Hash    string    `json:"hash"`             // crypt(3)
	Changed time.Time `json:"changed"`          // when it was set; zero if nobody knows
	Sealed  []byte    `json:"sealed,omitempty"` // its text, encrypted; none if it is not to be shown (any more)
	Used    time.Time `json:"used,omitzero"`    // when somebody first logged in with it
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
	return s.EditCredential(account, func(now *Credential, _ bool) bool {
		*now = c
		return true
	})
}

// EditCredential lets edit change an account's credential, the zero Credential if
// it has none, and stores it if edit returns true.
func (s *Store) EditCredential(account string, edit func(c *Credential, has bool) bool) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketCredentials)
		var c Credential
		value := b.Get([]byte(account))
		if value != nil {
			if err := json.Unmarshal(value, &c); err != nil {
				return err
			}
		}
		if !edit(&c, value != nil) {
			return nil
		}
		value, err := json.Marshal(c)
		if err != nil {
			return err
		}
		return b.Put([]byte(account), value)
	})
	if err != nil {
		return fmt.Errorf("set credential of %s: %w", account, err)
	}
	return nil
}
