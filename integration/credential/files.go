package credential

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"log/slog"
	"slices"

	"grantfs/fs"
	"grantfs/integration/state"
	"grantfs/policy"
)

// maxWrite is how long what is written as a password may be, in bytes.
const maxWrite = 1 << 10

// Client is what the policy says of an extra account, as far as its password goes.
type Client struct {
	Strength int64 // bits of entropy that a password must have
	Always   bool  // the password is shown for ever
	Adopted  bool  // the host's own user: its password is in the shadow file
}

// Clients says who has which extra accounts now. Safe for concurrent use.
type Clients interface {
	// Of returns the extra accounts of a main account's instance.
	Of(main string) []string
	// Client returns the extra account called name of that instance.
	Client(main, name string) (Client, bool)
}

// Files are the files of credentials in views (fs.Virtual): the passwords of a main
// account's clients, which are replaced by writing or deleting them, and every
// account's own authorized_keys.
//
// The text of keys is a draft while somebody writes it, and takes the place of the
// old one when it is closed. A line that can't be taken refuses the write that
// ends it, for not every server tells its client of an error at the close; then,
// and where the last line turns out to be no whole one, the old keys stay. An
// upload that breaks off between two lines counts as it is, as for any file. Those
// who write at the same time write one text.
type Files struct {
	Passwords *Passwords
	Store     *state.Store
	Clients   Clients
	Log       *slog.Logger
}

var _ fs.Virtual = Files{}

// adopted is what is shown of a password that is not kept here.
const adopted = "# a user of this host: passwd(1) changes its password\n"

// Names returns the names of the files in a directory of credentials, sorted.
func (f Files) Names(account string, dir policy.Credentials) []string {
	if dir == policy.CredentialsKeys {
		return []string{policy.AuthorizedKeys}
	}
	return slices.Sorted(slices.Values(f.Clients.Of(account)))
}

// client returns what is said of the extra account that a file is of.
func (f Files) client(v fs.VirtualFile) (Client, error) {
	c, ok := f.Clients.Client(v.Account, v.Name)
	if !ok || v.Dir != policy.CredentialsPasswords {
		return Client{}, fmt.Errorf("%s has no client %q: %w", v.Account, v.Name, iofs.ErrNotExist)
	}
	return c, nil
}

// replaceable is client for what changes the password.
func (f Files) replaceable(v fs.VirtualFile) (Client, error) {
	c, err := f.client(v)
	if err == nil && c.Adopted {
		err = fmt.Errorf("%s is a user of this host: %w", v.Name, iofs.ErrPermission)
	}
	return c, err
}

// keys reports whether v is an authorized_keys file; an error where there is no such
// file.
func keys(v fs.VirtualFile) (bool, error) {
	if v.Dir != policy.CredentialsKeys {
		return false, nil
	}
	if v.Name != policy.AuthorizedKeys {
		return true, fmt.Errorf("%q beside the keys of %s: %w", v.Name, v.Account, iofs.ErrNotExist)
	}
	return true, nil
}

// Stat says how long a file is and when it changed.
func (f Files) Stat(v fs.VirtualFile) (fs.VirtualInfo, error) {
	if ours, err := keys(v); ours {
		if err != nil {
			return fs.VirtualInfo{}, err
		}
		k, err := f.Store.Keys(v.Account)
		return fs.VirtualInfo{Size: int64(len(k.Text)), Changed: k.Changed}, err
	}
	c, err := f.client(v)
	if err != nil {
		return fs.VirtualInfo{}, err
	}
	if c.Adopted {
		return fs.VirtualInfo{Size: int64(len(adopted))}, nil
	}
	size, changed, err := f.Passwords.Size(v.Name, c.Always)
	return fs.VirtualInfo{Size: size, Changed: changed}, err
}

// Read returns what a file holds.
func (f Files) Read(v fs.VirtualFile) ([]byte, error) {
	if ours, err := keys(v); ours {
		if err != nil {
			return nil, err
		}
		k, err := f.Store.Keys(v.Account)
		return k.Text, err
	}
	c, err := f.client(v)
	if err != nil {
		return nil, err
	}
	if c.Adopted {
		return []byte(adopted), nil
	}
	line, err := f.Passwords.Show(v.Name, c.Always)
	return []byte(line), err
}

// Write sets a password, or adds to the draft of keys.
func (f Files) Write(v fs.VirtualFile, data []byte, off int64) error {
	if ours, err := keys(v); ours {
		if err != nil {
			return err
		}
		return refused(f.Store.EditDraft(v.Account, false, func(text []byte) ([]byte, error) {
			return draft(text, data, off)
		}))
	}
	c, err := f.replaceable(v)
	switch {
	case err != nil:
		return err
	case len(data) > maxWrite:
		return fmt.Errorf("%d bytes as the password of %s: %w", len(data), v.Name, fs.ErrTooLarge)
	case off != 0:
		return fmt.Errorf("a password is written at once, from the beginning: %w", iofs.ErrInvalid)
	}
	password := bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if err := f.Passwords.Set(v.Name, string(password), c.Strength); err != nil {
		return refused(err)
	}
	f.Log.Info("password set", "account", v.Name, "by", v.Account)
	return nil
}

// draft returns text with data at off. Its whole lines must be good ones already.
func draft(text, data []byte, off int64) ([]byte, error) {
	if off == fs.AtEnd {
		off = int64(len(text))
	}
	switch {
	case off > int64(len(text)):
		return nil, fmt.Errorf("%w: a gap is left between what is written", ErrForm)
	case off+int64(len(data)) > MaxKeys:
		return nil, fmt.Errorf("more than %d bytes of keys: %w", MaxKeys, ErrTooLong)
	}
	next := append(bytes.Clone(text[:off]), data...)
	if len(next) < len(text) {
		next = append(next, text[len(next):]...)
	}
	_, err := ParseKeys(next[:bytes.LastIndexByte(next, '\n')+1])
	return next, err
}

// Truncate begins a new draft of keys; passwords are replaced whole in any case.
func (f Files) Truncate(v fs.VirtualFile, size int64) error {
	ours, err := keys(v)
	if err != nil {
		return err
	}
	if !ours {
		_, err := f.replaceable(v)
		return err
	}
	return refused(f.Store.EditDraft(v.Account, size == 0, func(text []byte) ([]byte, error) {
		if size > int64(len(text)) {
			return nil, fmt.Errorf("%w: keys don't grow by themselves", ErrForm)
		}
		return bytes.Clone(text[:size]), nil
	}))
}

// Close makes a draft of keys the keys. An empty one is only the beginning of
// something until it is closed for the last time.
func (f Files) Close(v fs.VirtualFile, last bool) error {
	if ours, err := keys(v); !ours || err != nil {
		return err
	}
	done, err := f.Store.EndDraft(v.Account, !last, func(text []byte) error {
		_, err := ParseKeys(text)
		return err
	})
	if done {
		f.Log.Info("keys changed", "account", v.Account, "by", v.Account)
	}
	return refused(err)
}

// Remove gives the account that a file is of a new random password, or takes all
// keys away.
func (f Files) Remove(v fs.VirtualFile) error {
	if ours, err := keys(v); ours {
		if err == nil {
			err = f.Store.EditKeys(v.Account, func([]byte) ([]byte, error) { return nil, nil })
		}
		if err == nil {
			f.Log.Info("keys removed", "account", v.Account, "by", v.Account)
		}
		return err
	}
	if _, err := f.replaceable(v); err != nil {
		return err
	}
	if _, err := f.Passwords.Rotate(v.Name); err != nil {
		return err
	}
	f.Log.Info("password replaced by a random one", "account", v.Name, "by", v.Account)
	return nil
}

// refused says in terms of the file system why something was not taken.
func refused(err error) error {
	var line *LineError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrTooLong):
		return fmt.Errorf("%w (%w)", err, fs.ErrTooLarge)
	case errors.Is(err, ErrWeak), errors.Is(err, ErrForm), errors.Is(err, state.ErrSpoilt), errors.As(err, &line):
		return fmt.Errorf("%w (%w)", err, iofs.ErrPermission)
	}
	return err
}
