package state

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Export is everything a Store keeps, for another machine (product.md §13). It is
// secret: it holds hashes and second factors.
type Export struct {
	Layout  uint32                                `json:"layout"`
	Buckets map[string]map[string]json.RawMessage `json:"buckets"` // name -> key -> value
}

// form says how the keys or values of a bucket stand in an Export.
type form uint8

const (
	formText   form = iota // as they are
	formNumber             // uint32, as a number
	formJSON               // as they are: JSON
	formBytes              // in base64
)

// rule says what Import does with a key that has another value already.
type rule uint8

const (
	ruleConflict rule = iota // nothing is imported
	ruleKeep                 // what is there stays
	ruleGreatest             // the greater value counts
	ruleEarliest             // the lesser value counts
	ruleNever                // the bucket is not exported
)

// layoutOf are the buckets of the file, by name; prepare makes each.
var layoutOf = map[string]struct {
	key, value form
	differs    rule
}{
	string(bucketMeta):        {formText, formNumber, ruleGreatest},
	string(bucketUIDs):        {formText, formNumber, ruleConflict},
	string(bucketOwners):      {formNumber, formText, ruleConflict},
	string(bucketCredentials): {formText, formJSON, ruleConflict},
	string(bucketAppeared):    {formText, formBytes, ruleEarliest},
	string(bucketCounters):    {formText, formBytes, ruleKeep},
	string(bucketCodes):       {formText, formJSON, ruleConflict},
	string(bucketFrozen):      {formText, formText, ruleKeep},
	string(bucketLocked):      {formText, formText, ruleKeep},
	string(bucketKeys):        {formText, formJSON, ruleConflict},
	string(bucketAliases):     {differs: ruleNever},
	string(bucketDrafts):      {differs: ruleNever},
}

// Export returns everything there is, as of one moment.
func (s *Store) Export() (Export, error) {
	e := Export{Layout: layout, Buckets: map[string]map[string]json.RawMessage{}}
	err := s.db.View(func(tx *bolt.Tx) error {
		for name, how := range layoutOf {
			if how.differs == ruleNever {
				continue
			}
			values := map[string]json.RawMessage{}
			err := tx.Bucket([]byte(name)).ForEach(func(key, value []byte) error {
				k, err := how.key.keyOut(key)
				if err != nil {
					return err
				}
				values[k], err = how.value.out(value)
				return err
			})
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			e.Buckets[name] = values
		}
		return nil
	})
	if err != nil {
		return Export{}, fmt.Errorf("export the state: %w", err)
	}
	return e, nil
}

// ConflictError lists what an Export says otherwise than the state does.
type ConflictError struct {
	Conflicts []string // one a line, without secrets
}

// Error lists the conflicts.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%d conflicts with what is there: %s", len(e.Conflicts), strings.Join(e.Conflicts, "; "))
}

// Import adds all of e, or nothing: a *ConflictError says what is there already
// with another meaning. What has been counted and frozen here stays as it is.
// Any other error is that e can't be a state, or about the store.
func (s *Store) Import(e Export) error {
	if e.Layout == 0 || e.Layout > layout {
		return fmt.Errorf("import a state: its layout is %d, this grantfs knows 1 to %d", e.Layout, layout)
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		var conflicts []string
		for name, values := range e.Buckets {
			how, ok := layoutOf[name]
			if !ok || how.differs == ruleNever {
				return fmt.Errorf("there is nothing called %q in a state", name)
			}
			b := tx.Bucket([]byte(name))
			for k, raw := range values {
				key, err := how.key.keyIn(k)
				if err != nil {
					return fmt.Errorf("%s: %q: %w", name, k, err)
				}
				value, err := how.value.in(raw)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", name, k, err)
				}
				switch old := b.Get(key); {
				case old == nil, how.differs == ruleGreatest && bytes.Compare(value, old) > 0, how.differs == ruleEarliest && bytes.Compare(value, old) < 0:
					if err := b.Put(key, value); err != nil {
						return err
					}
				case how.differs == ruleConflict && !bytes.Equal(old, value):
					conflicts = append(conflicts, name+" of "+k)
				}
			}
		}
		if len(conflicts) > 0 {
			slices.Sort(conflicts)
			return &ConflictError{conflicts}
		}
		return consistent(tx)
	})
	if err != nil {
		return fmt.Errorf("import a state: %w", err)
	}
	return nil
}

// consistent looks whether each uid belongs to the account that has it.
func consistent(tx *bolt.Tx) error {
	owners := tx.Bucket(bucketOwners)
	return tx.Bucket(bucketUIDs).ForEach(func(account, uid []byte) error {
		if owner := owners.Get(uid); !bytes.Equal(owner, account) {
			n, _ := number(uid)
			return fmt.Errorf("account %s has uid %d, which belongs to %q", account, n, owner)
		}
		return nil
	})
}

func (f form) keyOut(b []byte) (string, error) {
	if f != formNumber {
		return string(b), nil
	}
	n, ok := number(b)
	if !ok {
		return "", errors.New("a key is no number")
	}
	return strconv.FormatUint(uint64(n), 10), nil
}

func (f form) keyIn(s string) ([]byte, error) {
	if s == "" {
		return nil, errors.New("it is empty")
	}
	if f != formNumber {
		return []byte(s), nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return nil, errors.New("it is no number")
	}
	return key(uint32(n)), nil
}

func (f form) out(b []byte) (json.RawMessage, error) {
	switch f {
	case formNumber:
		n, ok := number(b)
		if !ok {
			return nil, errors.New("a value is no number")
		}
		return json.Marshal(n)
	case formJSON:
		if !json.Valid(b) {
			return nil, errors.New("a value is no JSON")
		}
		return bytes.Clone(b), nil
	case formBytes:
		return json.Marshal(base64.StdEncoding.EncodeToString(b))
	}
	return json.Marshal(string(b))
}

func (f form) in(raw json.RawMessage) ([]byte, error) {
	var text string
	switch f {
	case formNumber:
		var n uint32
		if json.Unmarshal(raw, &n) != nil {
			return nil, errors.New("it is no number")
		}
		return binary.BigEndian.AppendUint32(nil, n), nil
	case formJSON:
		var b bytes.Buffer
		if json.Compact(&b, raw) != nil {
			return nil, errors.New("it is no JSON")
		}
		return b.Bytes(), nil
	}
	if json.Unmarshal(raw, &text) != nil {
		return nil, errors.New("it is no text")
	}
	if f == formText {
		return []byte(text), nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("it is no base64")
	}
	return b, nil
}
