package credential

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxKeys is how long the text of an account's keys may be, in bytes.
const MaxKeys = 64 << 10

// minRSA is the least length of an RSA modulus in bits.
const minRSA = 2048

// keyTypes are the types of keys that are taken, with the number of fields of
// their blob after the type (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4,
// openssh/PROTOCOL.u2f). DSA is broken, and a certificate is no key.
var keyTypes = map[string]int{
	"ssh-ed25519": 1, "sk-ssh-ed25519@openssh.com": 2,
	"ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2, "ecdsa-sha2-nistp521": 2, "sk-ecdsa-sha2-nistp256@openssh.com": 3,
	rsaType: 2,
}

const rsaType = "ssh-rsa"

// keyOptions are the options that are taken (sshd(8), AUTHORIZED_KEYS FILE
// FORMAT): those that make a key do less, with what may stand behind "=".
var keyOptions = map[string]*regexp.Regexp{
	"restrict": nil, "no-agent-forwarding": nil, "no-port-forwarding": nil, "no-pty": nil, "no-user-rc": nil, "no-x11-forwarding": nil,
	"verify-required": nil,
	"from":            regexp.MustCompile(`^[A-Za-z0-9.:*?!/_,-]+$`),
	"expiry-time":     regexp.MustCompile(`^[0-9]{8}([0-9]{4}([0-9]{2})?)?Z?$`),
}

// Key is one line of an authorized_keys file.
type Key struct {
	Line    string // as it was written, without white space around it
	Type    string
	Blob    []byte
	Comment string
}

// LineError says what is wrong with a line of an authorized_keys file.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error names the line.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// ErrTooLong says that a text is longer than it may be.
var ErrTooLong = errors.New("too long")

// ParseKeys reads an authorized_keys file: keys, comments and empty lines. The
// error is a *LineError or wraps ErrTooLong.
func ParseKeys(text []byte) ([]Key, error) {
	if len(text) > MaxKeys {
		return nil, fmt.Errorf("%d bytes of keys, the most are %d: %w", len(text), MaxKeys, ErrTooLong)
	}
	var keys []Key
	number := 0
	for line := range bytes.Lines(text) {
		number++
		trimmed := strings.Trim(string(line), " \t\r\n")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		key, err := parseKey(trimmed)
		if err != nil {
			return nil, &LineError{number, err}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseKey(line string) (Key, error) {
	if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return Key{}, errors.New("a character that has no place in text")
	}
	rest := line
	first := word(&rest)
	if _, known := keyTypes[first]; !known {
		if err := checkOptions(first); err != nil {
			return Key{}, err
		}
		first = word(&rest)
	}
	fields, known := keyTypes[first]
	if !known {
		return Key{}, fmt.Errorf("no type of key that is taken: %.40q", first)
	}
	blob, err := base64.StdEncoding.DecodeString(word(&rest))
	if err == nil {
		err = checkBlob(blob, first, fields)
	}
	if err != nil {
		return Key{}, fmt.Errorf("not a whole key of type %s: %w", first, err)
	}
	return Key{Line: line, Type: first, Blob: blob, Comment: rest}, nil
}

// word takes the next word off a line. White space between double quotes does not
// end it.
func word(rest *string) string {
	quoted := false
	end := len(*rest)
	for i := 0; i < len(*rest); i++ {
		c := (*rest)[i]
		if c == '"' {
			quoted = !quoted
		}
		if !quoted && (c == ' ' || c == '\t') {
			end = i
			break
		}
	}
	w := (*rest)[:end]
	*rest = strings.TrimLeft((*rest)[end:], " \t")
	return w
}

// checkOptions judges what stands before the type of a key.
func checkOptions(text string) error {
	for text != "" {
		name, value, end := text, "", len(text)
		if i := strings.IndexAny(text, "=,"); i >= 0 {
			name, end = text[:i], i
			if text[i] == '=' {
				quoted, ok := strings.CutPrefix(text[i+1:], `"`)
				n := strings.IndexByte(quoted, '"')
				if !ok || n < 0 {
					return fmt.Errorf("the value of the option %.40q is not between double quotes", name)
				}
				value, end = quoted[:n], i+n+3
			}
		}
		form, known := keyOptions[strings.ToLower(name)]
		switch {
		case !known:
			return fmt.Errorf("neither a type of key nor an option that is taken: %.40q", name)
		case form == nil && value != "" || form != nil && !form.MatchString(value):
			return fmt.Errorf("the value of the option %.40q", name)
		}
		var more bool
		switch text, more = strings.CutPrefix(text[end:], ","); {
		case more && text == "", !more && text != "":
			return errors.New("options are separated by single commas")
		}
	}
	return nil
}

// checkBlob judges the encoded key: its type, then so many fields and nothing else.
func checkBlob(blob []byte, typ string, fields int) error {
	errShort := errors.New("it is cut short")
	var list [][]byte
	for len(blob) > 0 {
		if len(blob) < 4 {
			return errShort
		}
		n := binary.BigEndian.Uint32(blob)
		if uint64(n) > uint64(len(blob)-4) {
			return errShort
		}
		list, blob = append(list, blob[4:4+n]), blob[4+n:]
	}
	switch {
	case len(list) != 1+fields:
		return errShort
	case string(list[0]) != typ:
		return errors.New("it is of another type")
	case typ == rsaType:
		n := bytes.TrimLeft(list[2], "\x00")
		if len(n) == 0 || len(n)*8-bits.LeadingZeros8(n[0]) < minRSA {
			return fmt.Errorf("it has less than %d bits", minRSA)
		}
	}
	return nil
}

// Matching returns the lines of text with the key that sshd asks about, type and
// base64 as it writes them: one to a line, and no others.
func Matching(text []byte, typ, key string) (lines []string, err error) {
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	blob, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, nil
	}
	for _, k := range keys {
		if k.Type == typ && bytes.Equal(k.Blob, blob) {
			lines = append(lines, k.Line)
		}
	}
	return lines, nil
}

// AddKeys returns text with those lines of more added whose key is not in it yet.
// The error is that of ParseKeys.
func AddKeys(text, more []byte) ([]byte, error) {
	old, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	added, err := ParseKeys(more)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimRight(text, "\n")
	if len(text) > 0 {
		text = append(bytes.Clone(text), '\n')
	}
	for _, k := range added {
		if !slices.ContainsFunc(old, func(o Key) bool { return bytes.Equal(o.Blob, k.Blob) }) {
			old = append(old, k)
			text = append(append(text, k.Line...), '\n')
		}
	}
	_, err = ParseKeys(text)
	return text, err
}

// RemoveKeys returns text without the lines whose key is in less, and how many
// those were. The error is that of ParseKeys.
func RemoveKeys(text, less []byte) (rest []byte, removed int, err error) {
	keys, err := ParseKeys(less)
	if err != nil {
		return nil, 0, err
	}
	for line := range bytes.Lines(text) {
		found, err := ParseKeys(line)
		if err == nil && len(found) == 1 && slices.ContainsFunc(keys, func(k Key) bool { return bytes.Equal(k.Blob, found[0].Blob) }) {
			removed++
			continue
		}
		rest = append(rest, line...)
	}
	return rest, removed, nil
}
