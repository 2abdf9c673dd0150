package config

import (
	"strings"
)

// The names of tables: each function says what is wrong with one, "" if nothing.

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
