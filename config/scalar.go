package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"grantfs/policy"
)

// boolean reads true or false.
func boolean(d *decoder, key string, n *node) (bool, bool) {
	if n.kind != kindBool {
		d.wrongKind(key, n, kindBool.String())
		return false, false
	}
	return n.text == "true", true
}

// text reads any string; the empty one means not set.
func text(d *decoder, key string, n *node) (string, bool) {
	if n.kind != kindString {
		d.wrongKind(key, n, kindString.String())
		return "", false
	}
	return n.text, n.text != ""
}

// oneOf returns a reader for one of some words.
func oneOf(words ...string) reader[string] {
	return func(d *decoder, key string, n *node) (string, bool) {
		if n.kind != kindString {
			d.wrongKind(key, n, kindString.String())
			return "", false
		}
		if !slices.Contains(words, n.text) {
			hint := d.didYouMean(n.text, words)
			switch {
			case hint == "" && len(words) == 1:
				hint = "; it can only be " + quote(words[0])
			case hint == "":
				hint = "; it is one of " + strings.Join(words, ", ")
			}
			d.errorf(n.at, "%s can't be %s%s", key, quote(n.text), hint)
			return "", false
		}
		return n.text, true
	}
}

// integer reads a whole number within int64.
func integer(d *decoder, key string, n *node) (int64, bool) {
	if n.kind != kindInteger {
		d.wrongKind(key, n, kindInteger.String())
		return 0, false
	}
	// Base 0 knows TOML's prefixes 0x, 0o and 0b; the parser has seen to it
	// that a decimal number has no leading zero.
	v, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64)
	if err != nil {
		d.errorf(n.at, "%s: %s is too large", key, shorten(n.text))
		return 0, false
	}
	return v, true
}

// between returns a reader for a whole number from lo to hi. In account and
// group settings 0 means not set.
func between(lo, hi int64) reader[int64] {
	return func(d *decoder, key string, n *node) (int64, bool) {
		v, ok := integer(d, key, n)
		if !ok {
			return 0, false
		}
		if v < lo || v > hi {
			d.errorf(n.at, "%s must be from %d to %d, not %d", key, lo, hi, v)
			return 0, false
		}
		return v, v != 0
	}
}

// unlimited is the word for "no limit" (product.md §3).
const unlimited = "unlimited"

// count reads a number of things, or "unlimited"; 0 means not set.
func count(d *decoder, key string, n *node) (policy.Limit, bool) {
	switch {
	case n.kind == kindString && n.text == unlimited:
		return policy.Limit{Unlimited: true}, true
	case n.kind == kindString:
		d.errorf(n.at, "%s must be a whole number or %q, not %s%s", key, unlimited, quote(n.text), d.didYouMean(n.text, []string{unlimited}))
		return policy.Limit{}, false
	case n.kind != kindInteger:
		d.wrongKind(key, n, kindInteger.String())
		return policy.Limit{}, false
	}
	v, ok := integer(d, key, n)
	if ok && v < 0 {
		d.errorf(n.at, "%s %s", key, negative(n))
		return policy.Limit{}, false
	}
	return policy.Limit{N: v}, ok && v != 0
}

// negative says what is wrong with a limit below zero.
func negative(n *node) string {
	return fmt.Sprintf("can't be negative (%s); write %q for no limit", shorten(n.text), unlimited)
}

// maxID is the largest uid or gid; the one above it means "no change" in chown(2).
const maxID = 1<<32 - 2

// uid reads the uid of an account.
func uid(d *decoder, key string, n *node) (uint32, bool) {
	v, ok := integer(d, key, n)
	if ok && (v < 1 || v > maxID) {
		d.errorf(n.at, "%s must be from 1 to %d, not %d", key, int64(maxID), v)
		return 0, false
	}
	return uint32(v), ok
}

// uidRange reads [first, last].
func uidRange(d *decoder, key string, n *node) ([2]uint32, bool) {
	if n.kind != kindArray || len(n.items) != 2 {
		d.errorf(n.at, "%s must be a list of two numbers: the first and the last uid", key)
		return [2]uint32{}, false
	}
	first, ok1 := uid(d, key, n.items[0])
	last, ok2 := uid(d, key, n.items[1])
	if ok1 && ok2 && last < first {
		d.errorf(n.at, "%s ends at %d, before its start %d", key, last, first)
		return [2]uint32{}, false
	}
	return [2]uint32{first, last}, ok1 && ok2
}

// mode reads permission bits as an octal string. A TOML number would be read as
// decimal, and 750 is not 0750.
func mode(d *decoder, key string, n *node) (uint32, bool) {
	if n.kind != kindString {
		d.wrongKind(key, n, `a string of octal digits such as "0750"`)
		return 0, false
	}
	v, err := strconv.ParseUint(n.text, 8, 32)
	if err != nil || v > 0o777 || strings.Contains(n.text, "_") {
		d.errorf(n.at, `%s must be octal digits up to "0777", not %s`, key, quote(n.text))
		return 0, false
	}
	return uint32(v), true
}

// timestamp reads a TOML date-time with an offset.
func timestamp(d *decoder, key string, n *node) (time.Time, bool) {
	if n.kind == kindLocal {
		d.errorf(n.at, "%s needs a time and an offset, such as 2030-12-31T23:59:59Z, not %s", key, shorten(n.text))
		return time.Time{}, false
	}
	if n.kind != kindDateTime {
		d.wrongKind(key, n, "a date-time such as 2030-12-31T23:59:59Z")
		return time.Time{}, false
	}
	var v struct{ T time.Time }
	if err := toml.Unmarshal([]byte("T = "+n.text), &v); err != nil {
		d.errorf(n.at, "%s: %s is not a date-time: %s", key, shorten(n.text), strings.TrimPrefix(err.Error(), "toml: "))
		return time.Time{}, false
	}
	return v.T, true
}

// shorten returns the token s for a message.
func shorten(s string) string {
	if len(s) > maxQuoted {
		return s[:maxQuoted] + "…"
	}
	return s
}
