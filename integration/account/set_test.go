package account

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

func text(values ...string) []policy.Setting[string] {
	list := make([]policy.Setting[string], len(values))
	for i, v := range values {
		list[i] = policy.Setting[string]{Value: v, Set: true}
	}
	return list
}

func TestEntries(t *testing.T) {
	off := policy.Setting[bool]{Set: true}
	client := policy.Account{Name: "o1.foo", Instance: "o1", Client: "foo", Discovered: true}
	client.PrimaryGroup = text("careful")[0]
	configured := policy.Account{Name: "alice", UID: uid(61001), PasswordHash: hash("$6$a"), Enabled: off}
	configured.DeniedLoginMethods = text("keyboard-interactive", "password")
	set, problems := policy.Compile(policy.Input{
		Point: "/srv/views",
		Accounts: []policy.Account{
			configured, client, {Name: "o1.ftp", Instance: "o1", Main: true, Discovered: true},
		},
		Groups: []policy.Group{{Name: "careful", Settings: policy.Settings{TwoFactorProtocols: text("FTP", "SSH")}}},
		Sites: []policy.Site{
			{URI: "a.example.org", Instance: "o1", Source: "/data/disk/o1/a", OwnerAccount: "o1.foo", Enabled: true, Preset: "aegir"},
			{URI: "b.example.org", Instance: "o1", Source: "/data/disk/o1/b", Unowned: true, Enabled: true, Preset: "aegir"},
		},
	})
	if policy.HasErrors(problems) {
		t.Fatal(problems)
	}
	want := []Entry{
		{Name: "alice", UID: configured.UID, PasswordHash: configured.PasswordHash, Locked: true, Why: "it is disabled", Sites: []string{}, Groups: []string{GroupNoPassword, GroupNoKeyboard}},
		{Name: "o1.foo", Sites: []string{"a.example.org"}, Groups: []string{GroupTwoFactor}},
		{Name: "o1.ftp", Main: true, Sites: []string{"a.example.org", "b.example.org"}},
	}
	if diff := cmp.Diff(want, Entries(set)); diff != "" {
		t.Errorf("Entries (-want +got):\n%s", diff)
	}
}
