package extrausers

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"grantfs/integration/userdb"
)

// Dir is where libnss-extrausers has its files.
const Dir = "/var/lib/extrausers"

// Write makes the files in dir know what d knows. One caller at a time.
func Write(dir string, d userdb.Directory) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write users to files: %w", err)
	}
	return write(dir, d, true)
}

// Clear takes what d knows out of the files in dir, as far as they are there. One
// caller at a time.
func Clear(dir string, d userdb.Directory) error {
	if list, err := os.ReadDir(dir); len(list) == 0 && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		return nil
	}
	return write(dir, d, false)
}

func write(dir string, d userdb.Directory, known bool) error {
	users, groups := make(map[string]bool), make(map[string]bool)
	var passwd, shadow, group bytes.Buffer
	for u := range d.Users() {
		users[u.Name] = true
		fmt.Fprintf(&passwd, "%s:x:%d:%d::/:/usr/sbin/nologin\n", u.Name, u.UID, u.GID)
		hash, expires := u.Hash, ""
		if hash == "" || u.Locked || strings.ContainsAny(hash, ":\n") {
			hash = "!*"
		}
		if u.Locked {
			expires = "1" // long ago
		}
		fmt.Fprintf(&shadow, "%s:%s::::::%s:\n", u.Name, hash, expires)
	}
	for g := range d.Groups() {
		groups[g.Name] = true
		var members []string
		for m := range d.Memberships("", g.Name) {
			members = append(members, m.User)
		}
		fmt.Fprintf(&group, "%s:x:%d:%s\n", g.Name, g.GID, strings.Join(members, ","))
	}
	for _, f := range []struct {
		name string
		ours map[string]bool
		text []byte
		mode fs.FileMode
	}{
		{"group", groups, group.Bytes(), 0o644},
		{"shadow", users, shadow.Bytes(), 0o600},
		{"passwd", users, passwd.Bytes(), 0o644},
	} {
		if !known {
			f.text = nil
		}
		if err := replace(filepath.Join(dir, f.name), f.ours, f.text, f.mode); err != nil {
			return fmt.Errorf("write users to files: %w", err)
		}
	}
	return nil
}

// replace puts text in place of the lines of the names in ours.
func replace(path string, ours map[string]bool, text []byte, mode fs.FileMode) error {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && text == nil {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next := append(others(old, ours), text...)
	if info, err := os.Stat(path); err == nil && bytes.Equal(old, next) && (text == nil || info.Mode().Perm() == mode) {
		return nil
	}
	return rename(path, next, mode)
}

// others returns the lines of file whose names are not in ours.
func others(file []byte, ours map[string]bool) []byte {
	var kept []byte
	for line := range bytes.Lines(file) {
		if name, _, _ := bytes.Cut(line, []byte(":")); !ours[string(name)] {
			kept = append(kept, line...)
		}
	}
	if len(kept) > 0 && kept[len(kept)-1] != '\n' {
		kept = append(kept, '\n')
	}
	return kept
}

func rename(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".grantfs-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already after the rename
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
