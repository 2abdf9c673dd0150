package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// open opens the state in dir until the test ends.
func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// reopen closes s and opens the same state again.
func reopen(t *testing.T, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, filepath.Dir(s.path))
}

func TestOpenIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, dir)
	// A restored backup may be world-readable: the next start mends it.
	if err := os.Chmod(s.path, 0o644); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	for path, want := range map[string]os.FileMode{dir: 0o700, s.path: 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %o, want %o", path, got, want)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	_, err := Open(dir)
	if !errors.Is(err, ErrInUse) {
		t.Fatalf("second Open = %v, want ErrInUse", err)
	}
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open = %q, want the path in it", err)
	}
}

func TestOpenRefusesNewerLayout(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	err := s.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyLayout, key(layout+1))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("Open of layout %d = %v, want an error about a newer grantfs", layout+1, err)
	}
}

func TestOpenRefusesJunk(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(strings.Repeat("junk", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(dir); err == nil {
		t.Errorf("Open of a junk file succeeded")
		_ = s.Close()
	}
}

func TestCredentialIsSeededOnce(t *testing.T) {
	s := open(t, t.TempDir())
	steps := []struct {
		seed map[string]string
		want string
	}{
		{map[string]string{"a": ""}, ""},
		{map[string]string{"a": "$6$one"}, "$6$one"},
		{map[string]string{"a": "$6$two"}, "$6$one"},
	}
	for _, step := range steps {
		if err := s.SeedCredentials(step.seed); err != nil {
			t.Fatal(err)
		}
		c, ok, err := s.Credential("a")
		if err != nil || c.Hash != step.want || ok != (step.want != "") {
			t.Errorf("after seed %v: Credential = %q, %v, %v, want %q", step.seed, c.Hash, ok, err, step.want)
		}
	}
	if err := s.SetCredential("a", Credential{Hash: "$6$three"}); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	all, err := s.Credentials()
	if err != nil || len(all) != 1 || all["a"].Hash != "$6$three" {
		t.Errorf("Credentials after a restart = %v, %v, want a: $6$three", all, err)
	}
}
