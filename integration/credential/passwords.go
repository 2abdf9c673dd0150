package credential

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"grantfs/integration/state"
	"grantfs/policy"
)

// maxPassword is how long a password may be in bytes: crypt(3) and PAM take no more.
const maxPassword = 511

var (
	// ErrWeak says that a password is easier to guess than password_strength allows.
	ErrWeak = errors.New("too weak")
	// ErrForm says that a text can't be a password.
	ErrForm = errors.New("not a password")
)

// Passwords sets and shows the passwords of accounts. Safe for concurrent use.
type Passwords struct {
	store *state.Store
	seal  cipher.AEAD
	// published puts the hash that the store has of an account into force.
	published func(account string)
}

// NewPasswords returns the passwords in store, whose texts seal seals. published
// is called after each change.
func NewPasswords(store *state.Store, seal cipher.AEAD, published func(account string)) *Passwords {
	return &Passwords{store, seal, published}
}

// Set gives an account a password of at least so many bits of entropy. The error
// wraps ErrWeak, ErrForm or ErrTooLong where it is not taken.
func (p *Passwords) Set(account, password string, strength int64) error {
	if err := checkPassword(password); err != nil {
		return fmt.Errorf("set the password of %s: %w", account, err)
	}
	if bits := policy.Strength(password); bits < float64(strength) {
		return fmt.Errorf("set the password of %s: %w: %.0f bits of entropy, password_strength is %d", account, ErrWeak, bits, strength)
	}
	return p.replace(account, password, roundsChosen)
}

func checkPassword(password string) error {
	switch {
	case len(password) > maxPassword:
		return fmt.Errorf("%w: more than %d bytes", ErrTooLong, maxPassword)
	case password == "":
		return fmt.Errorf("%w: it is empty", ErrForm)
	case password[0] == '#':
		return fmt.Errorf("%w: it begins with #", ErrForm)
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return fmt.Errorf("%w: it has a line break or what is no text", ErrForm)
	}
	return nil
}

// Rotate gives an account a new random password and returns it.
func (p *Passwords) Rotate(account string) (string, error) {
	password := rand.Text()
	return password, p.replace(account, password, roundsRandom)
}

// randomSize is how long a random password is in bytes: 26 characters, 130 bits.
var randomSize = int64(len(rand.Text()))

func (p *Passwords) replace(account, password string, rounds int) error {
	c := p.sealed(account, password, rounds)
	if err := p.store.SetCredential(account, c); err != nil {
		return err
	}
	p.published(account)
	return nil
}

func (p *Passwords) sealed(account, password string, rounds int) state.Credential {
	return state.Credential{
		Hash: hash(password, rounds), Changed: time.Now(),
		Sealed: p.seal.Seal(nil, nil, []byte(password), []byte(account)),
	}
}

// Used notes that somebody has logged in with an account's password. Unless it is
// always to be shown, its text is forgotten.
func (p *Passwords) Used(account string, now time.Time, always bool) error {
	c, has, err := p.store.Credential(account)
	settled := !c.Used.IsZero() && (always || c.Sealed == nil)
	if err != nil || !has || settled {
		return err
	}
	return p.store.EditCredential(account, func(c *state.Credential, has bool) bool {
		if c.Used.IsZero() {
			c.Used = now
		}
		if !always {
			c.Sealed = nil
		}
		return has
	})
}

// Show returns the line that is shown of an account's password: itself, or one that
// begins with # and says why not (product.md §10). An account that has none yet is
// given a random one: until somebody asks nobody could know it.
func (p *Passwords) Show(account string, always bool) (string, error) {
	c, has, err := p.store.Credential(account)
	if err != nil {
		return "", err
	}
	if !has {
		first := p.sealed(account, rand.Text(), roundsRandom)
		err := p.store.EditCredential(account, func(now *state.Credential, has bool) bool {
			if !has {
				*now = first
			}
			c = *now
			return !has
		})
		if err != nil {
			return "", err
		}
		p.published(account)
	}
	return p.line(account, c, always), nil
}

// Size returns how long the line of Show is in bytes, and when it changed, and
// changes nothing.
func (p *Passwords) Size(account string, always bool) (int64, time.Time, error) {
	c, has, err := p.store.Credential(account)
	switch {
	case err != nil:
		return 0, time.Time{}, err
	case !has:
		return randomSize + 1, time.Time{}, nil
	}
	changed := c.Changed
	if !always && c.Used.After(changed) {
		changed = c.Used
	}
	return int64(len(p.line(account, c, always))), changed, nil
}

func (p *Passwords) line(account string, c state.Credential, always bool) string {
	if !c.Used.IsZero() && !always {
		return "# in use since " + c.Used.UTC().Format(time.RFC3339) + "; delete this file for a new one\n"
	}
	text, err := p.seal.Open(nil, nil, c.Sealed, []byte(account))
	if err != nil {
		return "# not known here; delete this file for a new one\n"
	}
	return string(text) + "\n"
}
