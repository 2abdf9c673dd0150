package policy

import "strings"

// maxAccountName is how long an account's name may be, in bytes.
const maxAccountName = 32

// AccountNameProblem says why name can't be an account's, "" if it can: names
// match [a-z_][a-z0-9_.-]{0,31} (product.md §3).
func AccountNameProblem(name string) string {
	const first, others = "abcdefghijklmnopqrstuvwxyz_", "abcdefghijklmnopqrstuvwxyz_0123456789.-"
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxAccountName:
		return "is longer than 32 characters"
	case strings.IndexByte(first, name[0]) < 0:
		return "must begin with a to z or _"
	case strings.IndexFunc(name, func(c rune) bool { return !strings.ContainsRune(others, c) }) >= 0:
		return "may hold only a to z, 0 to 9, _, . and -"
	}
	return ""
}
