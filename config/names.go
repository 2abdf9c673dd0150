package config

import (
	"strings"
)

// The names of tables: each function says what is wrong with one, "" if nothing.

// accountNameProblem holds names to [a-z_][a-z0-9_.-]{0,31} (product.md §3).
func accountNameProblem(name string) string {
	const first, others = "abcdefghijklmnopqrstuvwxyz_", "abcdefghijklmnopqrstuvwxyz_0123456789.-"
	switch {
	case name == "":
		return "is empty"
	case len(name) > 32:
		return "is longer than 32 characters"
	case strings.IndexByte(first, name[0]) < 0:
		return "must begin with a to z or _"
	case strings.Trim(name, others) != "":
		return "may hold only a to z, 0 to 9, _, . and -"
	}
	return ""
}

// plainNameProblem is for groups and folders, whose names stand in buckets,
// metrics and messages.
func plainNameProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxComponent:
		return "is longer than 255 bytes"
	case strings.ContainsRune(name, '/') || strings.IndexFunc(name, isControl) >= 0:
		return "must not hold / or control characters"
	case name == "." || name == "..":
		return "must not be . or .."
	}
	return ""
}

// siteNameProblem holds sites to host names: the name is a directory of views.
func siteNameProblem(name string) string {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-_"
	switch {
	case name == "":
		return "is empty"
	case len(name) > 253:
		return "is longer than 253 characters"
	case strings.Trim(name, allowed) != "":
		return "is not a host name: it may hold only a to z, 0 to 9, ., - and _"
	case strings.ContainsAny(name[:1], ".-") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return "is not a host name"
	}
	return ""
}
