package config

import (
	"cmp"
	"slices"
	"time"

	"grantfs/policy"
)

// Config is everything the configuration files say (product.md §3), with the
// place of each value. It holds no derived policy: see policy.Compile.
type Config struct {
	Path    string   // the main file
	Files   []string // every file that was looked at, in order
	Texts   []Text   // of those that could be read
	Mount   Mount
	Metrics Metrics
	Audit   Audit
	Aegir   Aegir
	Policy  policy.Input // accounts, groups, folders and sites of the files

	// Incomplete is true where a file could not be read or parsed to its end:
	// what is missing here may well be written there, so a caller that looks
	// for more problems should not report missing names.
	Incomplete bool

	// Forbidden is true where a file could not be read for want of permission.
	Forbidden bool
}

// SortProblems puts problems in the order of the files of c, then of line and
// column. Those of other files come last, by name.
func (c *Config) SortProblems(ps []policy.Problem) {
	order := make(map[string]int, len(c.Files))
	for i, f := range c.Files {
		order[f] = i - len(c.Files) // below that of files which are not there
	}
	slices.SortStableFunc(ps, func(a, b policy.Problem) int {
		return cmp.Or(
			cmp.Compare(order[a.At.File], order[b.At.File]),
			cmp.Compare(a.At.File, b.At.File),
			cmp.Compare(a.At.Line, b.At.Line),
			cmp.Compare(a.At.Col, b.At.Col),
		)
	})
}

// Mount is the [mount] table.
type Mount struct {
	Point        policy.Setting[string]
	State        policy.Setting[string]
	Control      policy.Setting[string]
	EntryTimeout policy.Setting[time.Duration]
	UIDRange     policy.Setting[[2]uint32] // first and last, both included
	Users        policy.Setting[string]    // "userdb" or "extrausers"
	MinFree      policy.Setting[MinFree]
}

// MinFree is how much of each backing file system is kept free: Bytes, or
// Percent of its size. At most one of them is not zero.
type MinFree struct {
	Bytes   int64
	Percent float64
}

// Metrics is the [metrics] table.
type Metrics struct {
	Listen policy.Setting[string] // "host:port"; empty means off
	// StatusPage says whether there is a page for browsers; where nobody wrote it
	// there is, if Listen is an address of this machine alone (Metrics.Page).
	StatusPage policy.Setting[bool]
	// Username and PasswordHash, crypt(3)'s "$6$", are both set or both empty.
	Username     policy.Setting[string]
	PasswordHash policy.Setting[string]
}

// Audit is the [audit] table.
type Audit struct {
	File    policy.Setting[string]       // absolute; empty means off
	MaxSize policy.Setting[policy.Limit] // bytes
}

// Aegir is the [aegir] table.
type Aegir struct {
	Instances             []policy.Setting[string]
	Unowned               policy.Setting[string] // "none" or "all"
	ClientPrimaryGroup    policy.Setting[string]
	ClientSecondaryGroups []policy.Setting[string]
	MainPrimaryGroup      policy.Setting[string]
	RequireClientLink     policy.Setting[bool]
	Reveal                policy.Setting[string] // "until-first-login" or "always"
}

// defaults returns the configuration of an empty file. Its values are not Set:
// nobody wrote them.
func defaults() Config {
	return Config{
		Mount: Mount{
			Point:        byDefault("/srv/views"),
			State:        byDefault("/var/lib/grantfs"),
			Control:      byDefault("/run/grantfs/control.sock"),
			EntryTimeout: byDefault(time.Second),
			UIDRange:     byDefault([2]uint32{1_900_000_000, 1_900_999_999}),
			Users:        byDefault("userdb"),
			MinFree:      byDefault(MinFree{Percent: 5}),
		},
		Metrics: Metrics{Listen: byDefault("127.0.0.1:9477")},
		Audit:   Audit{File: byDefault("/var/log/grantfs/audit.log"), MaxSize: byDefault(policy.Limit{N: 100_000_000})},
		Aegir: Aegir{
			Unowned: byDefault("none"),
			Reveal:  byDefault("until-first-login"),
		},
	}
}

func byDefault[T any](v T) policy.Setting[T] { return policy.Setting[T]{Value: v} }
