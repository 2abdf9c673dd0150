package policy

import (
	"net/netip"
	"testing"
	"time"
)

// TestWideMappedNetwork: a network of IPv4-in-IPv6 addresses that is wider than
// all of IPv4 holds IPv4 clients.
func TestWideMappedNetwork(t *testing.T) {
	for prefix, want := range map[string]bool{
		"::ffff:0:0/95": true, "::ffff:10.0.0.0/104": true, "::ffff:11.0.0.0/104": false, "10.0.0.0/8": true, "::/0": false,
	} {
		if got := holds(netip.MustParsePrefix(prefix), plainAddr(netip.MustParseAddr("::ffff:10.0.0.1"))); got != want {
			t.Errorf("%s holds 10.0.0.1 = %v, want %v", prefix, got, want)
		}
	}
}

// TestExpiresInWithoutBirth: a discovered account that nobody knows the age of
// is not let in for ever.
func TestExpiresInWithoutBirth(t *testing.T) {
	g := Group{Name: "g"}
	g.ExpiresIn = set(24 * time.Hour)
	a := Account{Name: "alice", Discovered: true, PrimaryGroup: set("g")}
	v := view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{g}}), "alice")
	got := v.Admit(Attempt{Protocol: "SSH", Method: "publickey", Addr: netip.MustParseAddr("192.0.2.1")}, time.Now(), nil)
	if got.Reason != AdmitExpired || got.Setting != "expires_in" {
		t.Errorf("Admit = %v by %q, want expired by expires_in", got.Reason, got.Setting)
	}
}
