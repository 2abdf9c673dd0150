package main

import (
	"bytes"
	"testing"

	"grantfs/policy"
)

// TestPrintGroups: accounts that differ in nothing but their names stand
// together, others alone.
func TestPrintGroups(t *testing.T) {
	change := func(name, source string) policy.Change {
		return policy.Change{Account: name, Mounts: []policy.MountChange{{
			Path: "/up", New: &policy.Backing{Mount: "folder:up", Source: source, Root: true},
		}}}
	}
	var b bytes.Buffer
	printGroups(&b, []policy.Change{change("alice", "/srv/up/alice"), change("bob", "/srv/up/alice"), change("carl", "/srv/up/carl")})
	const want = `~ 2 accounts: alice, carl
    + mount /up: folder:up from /srv/up/%username%
~ account bob
    + mount /up: folder:up from /srv/up/alice
`
	if b.String() != want {
		t.Errorf("printGroups =\n%swant\n%s", &b, want)
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", -1: "-1", 1023: "1023", 1024: "1KiB", 10 << 30: "10GiB", 5000000: "5MB", 1 << 40: "1TiB", 1536: "1536", 500e6: "500MB",
	} {
		if got := sizeText(n); got != want {
			t.Errorf("sizeText(%d) = %s, want %s", n, got, want)
		}
	}
}
