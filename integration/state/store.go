package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// FileName is the name of the state file in the state directory.
const FileName = "grantfs.db"

// ErrInUse is returned by Open while another process holds the state.
var ErrInUse = errors.New("another grantfs uses it")

// layout is the version of the buckets. It grows when an older grantfs could
// no longer read the file correctly.
const layout = 1

// lockWait is how long Open waits for another process to let go of the file: a
// daemon that is being restarted needs a moment.
const lockWait = 2 * time.Second

var (
	bucketMeta        = []byte("meta")        // "layout" and "next-uid" -> uint32
	bucketUIDs        = []byte("uids")        // account -> its uid now
	bucketOwners      = []byte("uid-owners")  // uid -> the account it belongs to, for ever
	bucketCredentials = []byte("credentials") // account -> Credential as JSON
	bucketAppeared    = []byte("appeared")    // account -> when it was seen first
	bucketAliases     = []byte("aliases")     // path -> last good text
	bucketCounters    = []byte("counters")    // "transfers" -> snapshot of limit.Transfers
	bucketCodes       = []byte("codes")       // account -> codeRecord as JSON
	bucketFrozen      = []byte("frozen")      // policy.Freezable's name -> since when, RFC 3339
	bucketLocked      = []byte("locked")      // account -> why the admin has locked it
	bucketKeys        = []byte("keys")        // account -> Keys as JSON
	bucketDrafts      = []byte("drafts")      // account -> text of keys that is being written

	keyLayout  = []byte("layout")
	keyNextUID = []byte("next-uid")

	keyTransfers = []byte("transfers")
)

// Store is the durable state of one daemon.
type Store struct {
	db   *bolt.DB
	path string
}

// Open opens the state in dir, which is created (0700) if it is missing. It
// returns an error that wraps ErrInUse while another process has it open.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create state directory: %w", err)
	}
	path := filepath.Join(dir, FileName)
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open state %s: %w", path, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	s := &Store{db: db, path: path}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open state %s: %w", path, err), db.Close())
	}
	return s, nil
}

// prepare makes the file private, creates missing buckets and refuses a layout
// from the future.
func (s *Store) prepare() error {
	// A file that was copied here (backup, another machine) may have any mode.
	if err := os.Chmod(s.path, 0o600); err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for name := range layoutOf {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		meta := tx.Bucket(bucketMeta)
		found, ok := number(meta.Get(keyLayout))
		switch {
		case !ok:
			return meta.Put(keyLayout, key(layout))
		case found > layout:
			return fmt.Errorf("its layout is %d, this grantfs knows %d: it was written by a newer one", found, layout)
		}
		return nil
	})
}

// Close lets go of the state. It waits for calls that are under way.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close state %s: %w", s.path, err)
	}
	return nil
}

// key is n as it stands in the file: big-endian, so that bbolt keeps numeric order.
func key(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// number reads what key wrote; false for anything else.
func number(b []byte) (uint32, bool) {
	if len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
