package config

import (
	"math"
	"strconv"
	"time"
)

var durationUnits = []struct {
	name string
	d    time.Duration
}{
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
}

// parseDuration returns the duration of a text such as "90d", "36h" or "1h30m".
// A day is 24 hours. The text of the error says what is wrong with it.
func parseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, valueError(`is not a duration; write for example "90d" or "36h"`)
	}
	if s[0] == '-' {
		return 0, valueError("can't be negative")
	}
	var total time.Duration
	for s != "" {
		i := 0
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		if i == 0 {
			return 0, valueError(`is not a duration; write for example "90d" or "36h"`)
		}
		number, rest := s[:i], s[i:]
		j := 0
		for j < len(rest) && (rest[j] < '0' || rest[j] > '9') {
			j++
		}
		if j == 0 {
			return 0, valueError(`has no unit; write for example "90d" or "36h"`)
		}
		var unit time.Duration
		for _, u := range durationUnits {
			if u.name == rest[:j] {
				unit = u.d
			}
		}
		if unit == 0 {
			return 0, valueError("has the unknown unit " + quote(rest[:j]) + " (units are ms, s, m, h, d, w)")
		}
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil || v > (math.MaxInt64-int64(total))/int64(unit) {
			return 0, valueError("is too long")
		}
		total += time.Duration(v) * unit
		s = rest[j:]
	}
	return total, nil
}

// timeout reads a duration; "0s" is a value like others.
func timeout(d *decoder, key string, n *node) (time.Duration, bool) {
	switch n.kind {
	case kindInteger:
		d.errorf(n.at, `%s: %s has no unit; write for example "90d" or "36h"`, key, shorten(n.text))
		return 0, false
	case kindString:
		v, err := parseDuration(n.text)
		if err != nil {
			d.errorf(n.at, "%s: %s %s", key, quote(n.text), err)
			return 0, false
		}
		return v, true
	}
	d.wrongKind(key, n, `a duration such as "90d" or "36h"`)
	return 0, false
}

// duration reads a duration of an account or a group: 0 means not set, and
// "unlimited" is a Setting of 0 (see policy.Settings).
func duration(d *decoder, key string, n *node) (time.Duration, bool) {
	switch {
	case n.kind == kindInteger && n.text == "0":
		return 0, false
	case n.kind == kindString && n.text == unlimited:
		return 0, true
	}
	v, ok := timeout(d, key, n)
	return v, ok && v != 0
}
