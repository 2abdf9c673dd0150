package userdb

import (
	"slices"
	"strings"
)

// disposition is what kind of users and groups ours are.
const disposition = "regular"

// filter is the secondary conditions that newer clients may send with a query.
type filter struct {
	FuzzyNames      []string `json:"fuzzyNames"`
	DispositionMask []string `json:"dispositionMask"`
	UIDMin          *uint32  `json:"uidMin"`
	UIDMax          *uint32  `json:"uidMax"`
	GIDMin          *uint32  `json:"gidMin"`
	GIDMax          *uint32  `json:"gidMax"`
}

func (f filter) user(u User) bool { return f.matches(u.Name, u.UID, f.UIDMin, f.UIDMax) }

func (f filter) group(g Group) bool { return f.matches(g.Name, g.GID, f.GIDMin, f.GIDMax) }

func (f filter) matches(name string, id uint32, lowest, highest *uint32) bool {
	if lowest != nil && id < *lowest || highest != nil && id > *highest {
		return false
	}
	if len(f.DispositionMask) > 0 && !slices.Contains(f.DispositionMask, disposition) {
		return false
	}
	if len(f.FuzzyNames) == 0 {
		return true
	}
	return slices.ContainsFunc(f.FuzzyNames, func(part string) bool {
		return strings.Contains(strings.ToLower(name), strings.ToLower(part))
	})
}
