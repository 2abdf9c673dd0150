package config

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"grantfs/policy"
)

// decoder turns the trees of all files into one Config and collects problems.
type decoder struct {
	users    Users
	problems []policy.Problem
	errors   int                       // how many of problems are errors
	tables   []keyTable                // every table there is, to say where a misplaced key belongs
	seen     map[string]policy.Pos     // top-level keys and named tables of all files
	zones    map[string]*time.Location // time zones already looked up, nil for none
	partial  bool                      // the current file has a syntax error: nothing is missing
	sources  []policy.Setting[string]  // of folders and sites, to be looked up on disk
	suggests int                       // suggestions made, see maxSuggestions

	// trace, if set, is called for each key that is read (for the test of
	// example.toml).
	trace func(table, key string)
}

// errorf reports an error at a place.
func (d *decoder) errorf(at policy.Pos, format string, args ...any) {
	d.problems = append(d.problems, policy.Problem{At: at, Text: fmt.Sprintf(format, args...)})
	d.errors++
}

// warnf reports a warning at a place.
func (d *decoder) warnf(at policy.Pos, format string, args ...any) {
	d.problems = append(d.problems, policy.Problem{At: at, Severity: policy.SeverityWarning, Text: fmt.Sprintf(format, args...)})
}

// wrongKind reports that key holds a value of another type than wanted.
func (d *decoder) wrongKind(key string, n *node, want string) {
	d.errorf(n.at, "%s must be %s, not %s", key, want, n.kind)
}

// once reports whether what is written at a place is the first of its name in
// all files; if it is not, that is a problem which names both places.
func (d *decoder) once(name, label string, at policy.Pos) bool {
	if first, ok := d.seen[name]; ok {
		d.errorf(at, "%s is written twice; it is already at %s", label, first)
		return false
	}
	d.seen[name] = at
	return true
}

// zone returns the time zone of that name, nil if there is none.
func (d *decoder) zone(name string) *time.Location {
	loc, ok := d.zones[name]
	if !ok {
		if found, err := time.LoadLocation(name); err == nil {
			loc = found
		}
		d.zones[name] = loc
	}
	return loc
}

// maxQuoted bounds how much of a value a message repeats.
const maxQuoted = 64

// quote returns s for a message: quoted, on one line and not too long.
func quote(s string) string {
	if len(s) > maxQuoted {
		cut := maxQuoted
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// label returns how messages name a table: [accounts.alice].
func label(parts ...string) string {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(keyName(p))
	}
	return "[" + b.String() + "]"
}

// keyName returns how messages name a key.
func keyName(s string) string {
	if isBare(s) {
		return s
	}
	return quote(s)
}

// isBare reports whether s can stand in TOML as a key without quotes.
func isBare(s string) bool {
	if s == "" || len(s) > maxQuoted {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
