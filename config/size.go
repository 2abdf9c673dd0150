package config

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"grantfs/policy"
)

// sizeUnits are the units of sizes and bandwidths (product.md §3). Their case
// matters: "Mb" usually means megabits.
var sizeUnits = []struct {
	name  string
	bytes uint64
}{
	{"B", 1},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"PB", 1e15},
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"PiB", 1 << 50},
}

// valueError says what is wrong with a value; it follows the value in a message.
type valueError string

func (e valueError) Error() string { return string(e) }

// parseSize returns the bytes of a size such as "10GiB", "1.5 GB" or "4096".
func parseSize(s string) (int64, error) {
	rest := strings.TrimLeft(s, "0123456789.")
	number, unit := s[:len(s)-len(rest)], strings.TrimPrefix(rest, " ")
	whole, fraction, _ := strings.Cut(number, ".")
	switch {
	case strings.HasPrefix(s, "-"):
		return 0, valueError("can't be negative")
	case whole == "" || strings.Contains(fraction, ".") || strings.HasSuffix(number, "."):
		return 0, valueError(`is not a size; write for example "10GiB" or "500MB"`)
	}
	bytes := uint64(1)
	if unit != "" {
		bytes = 0
		names := make([]string, len(sizeUnits))
		for i, u := range sizeUnits {
			if names[i] = u.name; u.name == unit {
				bytes = u.bytes
			}
		}
		if bytes == 0 {
			return 0, unknownUnit(unit, names)
		}
	}
	if fraction != "" && bytes == 1 {
		return 0, valueError("is not a whole number of bytes")
	}
	w, err := strconv.ParseUint(whole, 10, 63)
	if err != nil {
		return 0, valueError("is too large")
	}
	hi, n := bits.Mul64(w, bytes)
	f, err := strconv.ParseFloat("0."+fraction+"0", 64)
	if err != nil {
		return 0, valueError("is not a size")
	}
	if hi == 0 && n <= math.MaxInt64 {
		n += uint64(f * float64(bytes))
	}
	if hi != 0 || n > math.MaxInt64 {
		return 0, valueError("is too large")
	}
	return int64(n), nil
}

func unknownUnit(unit string, names []string) error {
	hint := " (units are B, KB, MB, GB, TB, PB and KiB, MiB, GiB, TiB, PiB)"
	if len(unit) > 1 {
		if best := nearest(unit, names); best != "" {
			hint = ", did you mean " + quote(best) + "?"
		}
	}
	return valueError("has the unknown unit " + quote(unit) + hint)
}

// bytesOf reads a size: a string with a unit, or a whole number of bytes.
func bytesOf(d *decoder, key string, n *node) (int64, bool) {
	switch n.kind {
	case kindInteger:
		v, ok := integer(d, key, n)
		if ok && v < 0 {
			d.errorf(n.at, "%s: %d can't be negative", key, v)
			return 0, false
		}
		return v, ok
	case kindString:
		v, err := parseSize(n.text)
		if err != nil {
			d.errorf(n.at, "%s: %s %s", key, quote(n.text), err)
			return 0, false
		}
		return v, true
	}
	d.wrongKind(key, n, `a size such as "10GiB"`)
	return 0, false
}

// size reads a limit in bytes, or "unlimited"; 0 means not set.
func size(d *decoder, key string, n *node) (policy.Limit, bool) {
	switch {
	case n.kind == kindString && n.text == unlimited:
		return policy.Limit{Unlimited: true}, true
	case n.kind == kindString && nearest(n.text, []string{unlimited}) != "":
		d.errorf(n.at, "%s can't be %s, did you mean %q?", key, quote(n.text), unlimited)
		return policy.Limit{}, false
	case (n.kind == kindString || n.kind == kindInteger) && strings.HasPrefix(n.text, "-"):
		d.errorf(n.at, "%s %s", key, negative(n))
		return policy.Limit{}, false
	}
	v, ok := bytesOf(d, key, n)
	return policy.Limit{N: v}, ok && v != 0
}

// slowest is the bandwidth below which a number is probably meant in KB/s, as
// SFTPGo's are (product.md §3).
const slowest = 4 << 10

// bandwidth reads a limit in bytes per second, or "unlimited"; 0 means not set.
func bandwidth(d *decoder, key string, n *node) (policy.Limit, bool) {
	if n.kind == kindString {
		short := *n
		short.text = strings.TrimSuffix(n.text, "/s")
		n = &short
	}
	l, ok := size(d, key, n)
	switch {
	case !ok || l.Unlimited || l.N >= slowest:
	case n.kind == kindInteger:
		d.warnf(n.at, `%s is %d bytes per second; it is probably a number in KB/s: write "%dKiB"`, key, l.N, l.N)
	default:
		d.warnf(n.at, "%s is only %d bytes per second", key, l.N)
	}
	return l, ok
}

// chargedToAccount is the quota of a mount that is charged to the account.
const chargedToAccount = -1

// mountQuota returns a reader for the quota of a mount: -1, 0 for unlimited, or
// what read makes of it (product.md §3).
func mountQuota(read reader[policy.Limit]) reader[int64] {
	return func(d *decoder, key string, n *node) (int64, bool) {
		if n.kind == kindInteger && strings.HasPrefix(n.text, "-") {
			v, ok := integer(d, key, n)
			if ok && v != chargedToAccount {
				d.errorf(n.at, "%s can't be %d; below 0 there is only -1, charged to the account", key, v)
				return 0, false
			}
			return v, ok
		}
		before := d.errors
		l, _ := read(d, key, n)
		return l.N, d.errors == before // not set and unlimited are both 0
	}
}

// minFree reads a size or a percentage.
func minFree(d *decoder, key string, n *node) (MinFree, bool) {
	if n.kind == kindString && strings.HasSuffix(n.text, "%") {
		number := strings.TrimSuffix(strings.TrimSuffix(n.text, "%"), " ")
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.Trim(number, "0123456789.") != "" || v >= 100 {
			d.errorf(n.at, `%s: %s is not a percentage from 0%% to below 100%%`, key, quote(n.text))
			return MinFree{}, false
		}
		return MinFree{Percent: v}, true
	}
	const form = `a size such as "10GiB" or a percentage such as "5%"`
	if n.kind != kindString && n.kind != kindInteger {
		d.wrongKind(key, n, form)
		return MinFree{}, false
	}
	if _, err := parseSize(n.text); err != nil && n.kind == kindString {
		d.errorf(n.at, "%s: %s is not %s", key, quote(n.text), form)
		return MinFree{}, false
	}
	v, ok := bytesOf(d, key, n)
	return MinFree{Bytes: v}, ok
}
