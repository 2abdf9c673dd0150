package quota

import (
	"strings"
	"testing"

	"grantfs/policy"
)

// newLedger returns an empty ledger for which what can't be is a panic.
func newLedger(t testing.TB) *Ledger {
	t.Helper()
	return New(GoMemory, func(what string) { panic(what) })
}

// limit is a policy.Limit: negative for none.
func limit(n int64) policy.Limit {
	if n < 0 {
		return policy.Limit{Unlimited: true}
	}
	return policy.Limit{N: n}
}

// bucket has limits as limit takes them.
func bucket(name string, size, files, inodes int64) policy.Bucket {
	return policy.Bucket{Name: name, Size: limit(size), Files: limit(files), Inodes: limit(inodes)}
}

// free returns unlimited buckets, for names separated by spaces.
func free(names string) []policy.Bucket {
	var list []policy.Bucket
	for _, name := range strings.Fields(names) {
		list = append(list, bucket(name, -1, -1, -1))
	}
	return list
}

func newSet(t testing.TB, l *Ledger, list ...policy.Bucket) *Set {
	t.Helper()
	s, err := l.Set(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// take reserves and settles all of c, or fails the test.
func take(t testing.TB, l *Ledger, s *Set, c Charge) {
	t.Helper()
	g, err := l.Reserve(s, Request{Charge: c, Least: c.Bytes})
	if err != nil {
		t.Fatalf("Reserve(%+v) = %v", c, err)
	}
	l.Settle(g, c)
}
