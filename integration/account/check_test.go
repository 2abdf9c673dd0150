package account

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

// TestCheck finds, without a store, what Sync would say of the host's users.
func TestCheck(t *testing.T) {
	debian := host{users: map[string][2]uint32{
		"root": {0, 0}, "backup": {34, 34}, "toor": {0, 0}, "o1": {1001, 100}, "twin": {1001, 100}, "o1.ftp": {1002, 100},
	}}
	at := func(name string, line int) Entry {
		return Entry{Name: name, At: policy.Pos{File: "x.toml", Line: line, Col: 1}}
	}
	with := func(name string, line int, n uint32) Entry {
		e := at(name, line)
		e.UID = policy.Setting[uint32]{Value: n, Set: true, At: policy.Pos{File: "x.toml", Line: line + 1, Col: 7}}
		return e
	}
	entries := []Entry{
		at("alice", 1), with("bob", 10, 61001), at("o1.ftp", 15), // nothing to say
		with("carol", 20, 1001), at("root", 30), at("toor", 40), with("o1.ftp", 50, 7), at("backup", 60), at("twin", 70),
	}
	want := []string{
		"x.toml:21:7: error: account carol is left out: uid 1001 is that of the user o1 of this host",
		"x.toml:30:1: error: account root is left out: it is a name of root on this host",
		"x.toml:40:1: error: account toor is left out: it is a name of root on this host",
		"x.toml:51:7: warning: account o1.ftp: uid 7 is not used, the host's user of this name has 1002",
		"x.toml:60:1: warning: account backup: it is a system user of this host (uid 34)",
		"x.toml:70:1: error: account twin is left out: its uid 1001 on this host is also that of the user o1",
	}
	var got []string
	for _, p := range Check(entries, debian) {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check (-want +got):\n%s", diff)
	}
}
