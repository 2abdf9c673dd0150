package hostfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Write makes changes, in order, and then asks check. After an error, check's
// included, everything is as it was before. Files that are kept are passed over.
func Write(changes []Change, check func() error) (err error) {
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, step := range slices.Backward(undo) {
			if failed := step(); failed != nil {
				err = errors.Join(err, fmt.Errorf("put it back: %w", failed))
			}
		}
	}()
	for _, c := range changes {
		if c.Kept != "" {
			continue
		}
		made, err := makeDir(filepath.Dir(c.Path))
		if err != nil {
			return err
		}
		undo = append(undo, func() error { return removeEmpty(made) })
		undo = append(undo, func() error { return put(c.Path, c.Old, c.was) })
		if err := put(c.Path, c.New, c.Mode); err != nil {
			return err
		}
	}
	if err := check(); err != nil {
		return err
	}
	for _, c := range changes {
		// A directory of additions to a unit is of no use when it is empty.
		if dir := filepath.Dir(c.Path); c.New == nil && c.Kept == "" && strings.HasSuffix(dir, ".service.d") {
			if err := removeEmpty(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeDir makes a directory below one that exists and returns it, "" if it was
// there.
func makeDir(dir string) (made string, err error) {
	switch err := os.Mkdir(dir, 0o755); {
	case errors.Is(err, fs.ErrExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("make a place to install to: %w", err)
	}
	return dir, nil
}

// removeEmpty removes a directory, unless something is in it.
func removeEmpty(dir string) error {
	if list, err := os.ReadDir(dir); dir == "" || err != nil || len(list) > 0 {
		return nil // not ours to clean up
	}
	return os.Remove(dir)
}

// put makes the file at path what text says; nil removes it.
func put(path string, text []byte, mode fs.FileMode) error {
	if text == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what is installed: %w", err)
		}
		return syncDir(filepath.Dir(path))
	}
	// A name that no program takes for one of its files.
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.grantfs-new")
	if err != nil {
		return fmt.Errorf("install a file: %w", err)
	}
	defer os.Remove(next.Name()) // gone already after the rename
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(mode), next.Chown(0, 0), next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("install %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir has the names of a directory written to disk.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("install a file: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("install a file: %w", err)
	}
	return nil
}
