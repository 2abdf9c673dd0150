package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"grantfs/config"
	"grantfs/policy"
)

// A worker may begin in the middle of somebody's edit: the configuration that was
// accepted last is kept in the state directory (architecture.md §3.6).
func acceptedPath(state string) string { return filepath.Join(state, "accepted.json") }

// keepAccepted writes down what was just accepted, and lets go of its text.
func (d *daemon) keepAccepted(l *loaded) {
	if !l.stale {
		if err := writeAccepted(d.config.Mount.State.Value, l.config.Texts); err != nil {
			d.log.Error("a restart in the middle of an edit would find no policy", "error", err)
		}
	}
	l.config.Texts = nil
}

func writeAccepted(state string, texts []config.Text) error {
	data, err := json.Marshal(texts)
	path := acceptedPath(state)
	next := path + ".new"
	if err == nil {
		err = os.WriteFile(next, data, 0o600)
	}
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		return fmt.Errorf("keep the accepted configuration: %w", err)
	}
	return nil
}

// loadAccepted loads what was accepted last in place of the file at path.
func (ld *loader) loadAccepted(state, path string) (*loaded, error) {
	data, err := os.ReadFile(acceptedPath(state))
	if err != nil {
		return nil, fmt.Errorf("load the last accepted configuration: %w", err)
	}
	var texts []config.Text
	if err := json.Unmarshal(data, &texts); err != nil {
		return nil, fmt.Errorf("load the last accepted configuration: %w", err)
	}
	l, err := ld.load(func(users config.Users) (*config.Config, []policy.Problem) {
		return config.LoadTexts(path, texts, users)
	})
	if err == nil {
		l.stale = true
	}
	return l, err
}
