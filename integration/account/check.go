package account

import (
	"fmt"

	"grantfs/policy"
)

// firstUserID is the least uid of a person on Debian; those below belong to the
// system's own services.
const firstUserID = 1000

// Named returns the entries of accounts that may not have made it to a policy, as
// far as Check asks for them.
func Named(accounts []policy.Account) []Entry {
	entries := make([]Entry, len(accounts))
	for i := range accounts {
		a := &accounts[i]
		entries[i] = Entry{Name: a.Name, At: a.At, UID: a.UID}
	}
	return entries
}

// Check returns, in the order of entries, what the host's files users say
// against them. An error means that Sync leaves the account out. Pure: what only
// the store knows, such as who had a uid before, is not in it (product.md §10).
func Check(entries []Entry, users Users) []policy.Problem {
	var problems []policy.Problem
	for _, e := range entries {
		if uid, _, ok := users.User(e.Name); ok {
			found, _ := checkAdopted(e, uid, users)
			problems = append(problems, found...)
		} else if why := unusable(e, users); why != "" {
			problems = append(problems, leftOut(e, "%s", why))
		}
	}
	return problems
}

// checkAdopted judges an account that the host knows already, with uid; ok is
// false where it is left out.
func checkAdopted(e Entry, uid uint32, users Users) (problems []policy.Problem, ok bool) {
	if uid == 0 {
		return []policy.Problem{leftOut(e, "it is a name of root on this host")}, false
	}
	if other, ok := users.UIDName(uid); ok && other != e.Name {
		return []policy.Problem{leftOut(e, "its uid %d on this host is also that of the user %s", uid, other)}, false
	}
	warn := func(at policy.Pos, format string, args ...any) {
		text := fmt.Sprintf("account %s: ", e.Name) + fmt.Sprintf(format, args...)
		problems = append(problems, policy.Problem{At: at, Severity: policy.SeverityWarning, Text: text})
	}
	if e.UID.Set && e.UID.Value != uid {
		warn(e.UID.At, "uid %d is not used, the host's user of this name has %d", e.UID.Value, uid)
	}
	if uid < firstUserID {
		warn(e.At, "it is a system user of this host (uid %d)", uid)
	}
	return problems, true
}

// unusable says why an account can't have the uid that is configured for it, ""
// if it can or none is.
func unusable(e Entry, users Users) string {
	if !e.UID.Set {
		return ""
	}
	uid := e.UID.Value
	if uid == 0 || uid == 0xFFFF || uid == 0xFFFFFFFF {
		return fmt.Sprintf("uid %d is reserved", uid)
	}
	if other, ok := users.UIDName(uid); ok {
		return fmt.Sprintf("uid %d is that of the user %s of this host", uid, other)
	}
	return ""
}

// leftOut is the problem of an account that is left out.
func leftOut(e Entry, format string, args ...any) policy.Problem {
	at := e.At
	if e.UID.Set {
		at = e.UID.At
	}
	text := fmt.Sprintf("account %s is left out: %s", e.Name, fmt.Sprintf(format, args...))
	return policy.Problem{At: at, Severity: policy.SeverityError, Text: text}
}
