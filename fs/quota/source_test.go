package quota

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

func TestDerive(t *testing.T) {
	l := newLedger(t)
	site := []policy.Bucket{bucket("account:a", 100, -1, -1), bucket("site:s", 50, -1, -1)}
	home := []policy.Bucket{bucket("account:a", 100, -1, -1)}
	inSite := newSet(t, l, append(site, SourceBucket("/s"))...)
	inHome := newSet(t, l, append(home, SourceBucket("/home/a"))...)
	take(t, l, inSite, Charge{30, 3, 4})
	take(t, l, inHome, Charge{20, 2, 2})
	l.Add(newSet(t, l, SourceBucket("/gone")), Charge{Bytes: 5})
	open, err := l.Reserve(inSite, Request{Charge: Charge{Bytes: 7}, Least: 7})
	if err != nil {
		t.Fatal(err)
	}
	used := func() map[string]Charge {
		all := map[string]Charge{}
		for name, u := range l.All() {
			all[name] = u.Used
		}
		return all
	}

	// It changes nothing that is right, and mends what is not.
	before := used()
	old := []policy.Charged{{Source: "/s", Buckets: site}, {Source: "/home/a", Buckets: home}}
	must(t, l.Derive(old))
	if diff := cmp.Diff(before, used()); diff != "" {
		t.Errorf("Derive changed what was right (-want +got):\n%s", diff)
	}
	l.Add(newSet(t, l, free("account:a account:c")...), Charge{99, 9, 9})
	must(t, l.Derive(old))
	before["account:c"] = Charge{}
	if diff := cmp.Diff(before, used()); diff != "" {
		t.Errorf("Derive (-want +got):\n%s", diff)
	}

	// The site has another owner; what was under way ends in the old one's
	// bucket until it is derived again.
	now := []policy.Charged{{Source: "/s", Buckets: free("account:b site:s")}, old[1]}
	must(t, l.Derive(now))
	want := map[string]Charge{
		"account:a": {20, 2, 2}, "account:b": {30, 3, 4}, "account:c": {}, "site:s": {30, 3, 4},
		"source:/s": {30, 3, 4}, "source:/home/a": {20, 2, 2}, "source:/gone": {Bytes: 5},
	}
	if diff := cmp.Diff(want, used()); diff != "" {
		t.Errorf("Derive for another owner (-want +got):\n%s", diff)
	}
	l.Settle(open, Charge{Bytes: 7})
	must(t, l.Derive(now))
	for _, name := range []string{"account:b", "site:s", "source:/s"} {
		want[name] = Charge{37, 3, 4}
	}
	if diff := cmp.Diff(want, used()); diff != "" {
		t.Errorf("Derive again (-want +got):\n%s", diff)
	}
	for name, u := range l.All() {
		if u.Reserved != (Charge{}) {
			t.Errorf("%s has %+v reserved", name, u.Reserved)
		}
	}
}

// BenchmarkDerive derives 100,000 accounts with a site and a home each.
func BenchmarkDerive(b *testing.B) {
	l := newLedger(b)
	var charged []policy.Charged
	for i := range 100_000 {
		account := fmt.Sprintf("account:%d ", i)
		charged = append(charged,
			policy.Charged{Source: fmt.Sprintf("/home/%d", i), Buckets: free(account + "instance:o1")},
			policy.Charged{Source: fmt.Sprintf("/sites/%d", i), Buckets: free(account + "instance:o1 " + fmt.Sprintf("site:%d", i))})
	}
	for b.Loop() {
		if err := l.Derive(charged); err != nil {
			b.Fatal(err)
		}
	}
}
