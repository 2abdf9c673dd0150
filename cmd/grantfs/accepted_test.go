package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"grantfs/config"
)

// TestAccepted: what was accepted last comes back as it was, conf.d included, and
// the places of its values are those of the files.
func TestAccepted(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "grantfs.toml")
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, "conf.d"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := new(loader).loadAccepted(state, path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing was accepted: %v", err)
	}
	write("grantfs.toml", "[accounts.one]\nhome_dir = \"/srv/one\"\n")
	write("conf.d/two.toml", "\n[accounts.two]\nhome_dir = \"/srv/two\"\n")
	c, _ := config.Load(path, nil)
	if err := writeAccepted(state, c.Texts); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(acceptedPath(state)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it is written as %v, %v", info, err)
	}
	write("grantfs.toml", "[accounts.one")
	l, err := new(loader).loadAccepted(state, path)
	if err != nil {
		t.Fatal(err)
	}
	if l.set == nil || !l.stale || len(l.config.Policy.Accounts) != 2 {
		t.Fatalf("stale %v, policy %v, %d accounts", l.stale, l.set != nil, len(l.config.Policy.Accounts))
	}
	home := l.config.Policy.Accounts[1].HomeDir
	if home.Value != "/srv/two" || home.At.File != filepath.Join(dir, "conf.d/two.toml") || home.At.Line != 3 {
		t.Errorf("the second account: %q at %s", home.Value, home.At)
	}
}
