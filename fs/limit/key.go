package limit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"grantfs/policy"
)

// ErrInterrupted is the answer to a request that was given up while it waited.
var ErrInterrupted = errors.New("interrupted")

// Direction is the way that file data moves, seen from the client.
type Direction uint8

// The directions, and how many there are.
const (
	Upload Direction = iota
	Download
	directions
)

// String returns the direction's name in messages and metrics.
func (d Direction) String() string {
	if d == Upload {
		return "upload"
	}
	return "download"
}

// Policy returns what holds for an account now, nil for one that does not exist.
// It is asked again after every swap of the policy and must not block.
type Policy func(account string) *policy.Effective

// Entry tells the entries of bandwidth_limits or data_transfer_limits of one
// account apart by the networks they name, wherever in the list they stand; the
// zero Entry is the account's own limits.
type Entry [16]byte

// EntryOf returns the Entry of a list of networks, in whatever order it is written.
func EntryOf(sources []policy.Setting[netip.Prefix]) Entry {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.Value.Masked().String()
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range slices.Compact(names) {
		fmt.Fprintln(h, name)
	}
	var e Entry
	copy(e[:], h.Sum(nil))
	return e
}

// Key names what is limited: an account, or what it does from the networks of
// one entry.
type Key struct {
	Account string
	Entry   Entry
}

func (k Key) compare(l Key) int {
	return cmp.Or(strings.Compare(k.Account, l.Account), bytes.Compare(k.Entry[:], l.Entry[:]))
}

// bound is a limit in bytes, or in bytes per second. The zero bound is no limit.
type bound struct {
	n       int64
	limited bool
}

func boundOf(s policy.Setting[policy.Limit]) bound {
	if !s.Set || s.Value.Unlimited {
		return bound{}
	}
	return bound{n: max(s.Value.N, 0), limited: true}
}
