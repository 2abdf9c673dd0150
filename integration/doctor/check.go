package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// Level is how bad a finding is.
type Level int

// The levels. Their numbers are exit codes of `grantfs doctor`.
const (
	OK   Level = iota
	Warn       // it works, but not as well or not for ever
	Fail       // something does not work, or is not safe
)

var levelNames = [...]string{"OK", "WARN", "FAIL"}

// String returns "OK", "WARN" or "FAIL".
func (l Level) String() string { return levelNames[l] }

// MarshalText is String, for JSON.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is one line of `grantfs doctor`.
type Finding struct {
	Check string `json:"check"`
	Group string `json:"group"`
	Level Level  `json:"level"`
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"` // "" where it is OK
}

// Check is one thing that is looked at.
type Check struct {
	Name  string // of its line, unique
	Group string // what is gathered for it
	About string // what must hold, for the manual
	judge func(*Facts) verdict
}

// verdict is what a check says; the zero value says that it does not apply.
type verdict struct {
	level       Level
	found, mend string
}

func ok(format string, args ...any) verdict {
	return verdict{OK, fmt.Sprintf(format, args...), ""}
}

func warn(mend, format string, args ...any) verdict {
	return verdict{Warn, fmt.Sprintf(format, args...), mend}
}

func fail(mend, format string, args ...any) verdict {
	return verdict{Fail, fmt.Sprintf(format, args...), mend}
}

// Checks returns every check, in the order of the output: those of a group stand
// together.
func Checks() []Check {
	return slices.Concat(
		kernelChecks, configChecks, daemonChecks, mountChecks, sourceChecks, namesChecks, pamChecks,
		sshdChecks, vsftpdChecks, systemdChecks, limitChecks,
	)
}

// Groups returns the groups of checks, in order.
func Groups(checks []Check) []string {
	var groups []string
	for _, c := range checks {
		if !slices.Contains(groups, c.Group) {
			groups = append(groups, c.Group)
		}
	}
	return groups
}

// Choose returns the checks that names name, each the name of a check or of a
// group; all for no names. unknown is a name that is neither, "" for none.
func Choose(names []string) (chosen []Check, unknown string) {
	all := Checks()
	if len(names) == 0 {
		return all, ""
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c Check) bool { return c.Name == name || c.Group == name }) {
			return nil, name
		}
	}
	return slices.DeleteFunc(all, func(c Check) bool {
		return !slices.Contains(names, c.Name) && !slices.Contains(names, c.Group)
	}), ""
}

// Judge returns what checks find in f. A group that could not be looked at has a
// line of its own name instead.
func Judge(checks []Check, f *Facts) []Finding {
	list := []Finding{}
	for _, group := range Groups(checks) {
		if why, ok := f.Unknown[group]; ok {
			list = append(list, Finding{group, group, Warn, "could not be looked at: " + why, "# see why, then run it again"})
			continue
		}
		for _, c := range checks {
			if c.Group != group {
				continue
			}
			if v := c.judge(f); v.found != "" {
				list = append(list, Finding{c.Name, group, v.level, v.found, v.mend})
			}
		}
	}
	return list
}

// Worst returns the worst level of findings.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		worst = max(worst, f.Level)
	}
	return worst
}

// quote returns words for a shell.
func quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%=,") != "" {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// some lists the first few of list.
func some(list []string) string {
	const most = 5
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
}
