package sftpgo

import (
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"grantfs/policy"
)

// unlimited is the word for "no limit" (product.md §3).
const unlimited = "unlimited"

const (
	kilobyte = 1 << 10 // of SFTPGo's bandwidths
	megabyte = 1 << 20 // of its transfer limits
)

// limit returns the value of a limit of n units of size bytes each: "" for not
// set. A negative number is how SFTPGo says "no limit, whatever the group has".
func limit(n, size int64) string {
	switch {
	case n == 0:
		return ""
	case n < 0 || n > math.MaxInt64/size:
		return quoteString(unlimited)
	case size == 1:
		return strconv.FormatInt(n, 10)
	}
	return bytes(n * size)
}

// bytes returns n with the largest unit that divides it.
func bytes(n int64) string {
	units := []string{"TiB", "GiB", "MiB", "KiB"}
	for i, unit := range units {
		if size := int64(1) << (10 * (len(units) - i)); n >= size && n%size == 0 {
			return quoteString(strconv.FormatInt(n/size, 10) + unit)
		}
	}
	return strconv.FormatInt(n, 10)
}

// sizeLimit is limit for a number of bytes.
func sizeLimit(n int64) string {
	if n <= 0 {
		return limit(n, 1)
	}
	return bytes(n)
}

// span returns n units as a duration, "" for none; one that is longer than can
// be written is no limit.
func span(n int64, unit time.Duration) string {
	letter := map[time.Duration]string{time.Second: "s", time.Hour: "h", 24 * time.Hour: "d"}[unit]
	switch {
	case n <= 0:
		return ""
	case n > int64(math.MaxInt64/unit):
		return quoteString(unlimited)
	}
	return quoteString(strconv.FormatInt(n, 10) + letter)
}

// maxTime is the last moment that TOML can write.
var maxTime = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// moment returns milliseconds since 1970 as a TOML date-time.
func moment(ms int64) string {
	t := time.UnixMilli(ms).UTC()
	if t.After(maxTime) {
		t = maxTime
	}
	return t.Format("2006-01-02T15:04:05.999Z07:00")
}

// clean returns an absolute path as SFTPGo takes it, or false.
func clean(p string) (string, bool) {
	if !path.IsAbs(p) {
		return "", false
	}
	return path.Clean(p), true
}

// hasRole reports whether a value has the placeholder that has no meaning here.
func hasRole(s string) bool { return strings.Contains(s, "%role%") }

// hasPlaceholder reports whether a value has one that means something here.
func hasPlaceholder(s string) bool {
	return strings.Contains(s, "%username%") || strings.Contains(s, "%client%") || strings.Contains(s, "%instance%")
}

// passwordKind names the form of a stored password: "" for a crypt(3) hash that
// the host's C library verifies.
func passwordKind(p string) string {
	prefix, _, _ := strings.Cut(strings.TrimPrefix(p, "$"), "$")
	if !strings.HasPrefix(p, "$") || strings.Count(p, "$") < 3 {
		return "not a crypt(3) hash"
	}
	switch prefix {
	case "1", "5", "6", "y", "2a", "2b", "2y":
		return ""
	case "argon2id", "argon2i", "apr1":
		return "a hash of " + prefix + ", which crypt(3) can't verify"
	}
	if strings.HasPrefix(prefix, "pbkdf2") {
		return "a hash of PBKDF2, which crypt(3) can't verify"
	}
	return "not a crypt(3) hash"
}

// verbs returns the permissions of a list that exist here, and the others.
func verbs(list []string) (known, unknown []string) {
	known = []string{}
	for _, v := range list {
		if v == "*" {
			return []string{"*"}, nil
		}
		if _, ok := policy.ParseVerb(v); ok {
			known = append(known, v)
		} else {
			unknown = append(unknown, v)
		}
	}
	return known, unknown
}
