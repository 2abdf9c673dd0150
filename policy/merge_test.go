package policy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// merged returns what the merge made of alice.
func merged(t *testing.T, a Account, groups ...Group) *Effective {
	t.Helper()
	return view(t, compile(t, Input{
		Accounts: []Account{a},
		Groups:   groups,
		Folders:  []Folder{folder("media", "/srv/media"), folder("docs", "/srv/docs"), folder("own", "/srv/own/%username%")},
	}), a.Name).Effective()
}

func group(name string, of func(*Group)) Group {
	g := Group{Name: name, Settings: Settings{At: at(50)}}
	of(&g)
	return g
}

func limit(n int64) Setting[Limit] { return set(Limit{N: n}) }

func TestMergeScalars(t *testing.T) {
	primary := group("staff", func(g *Group) {
		g.HomeDir = setAt(3, "/srv/group/%username%")
		g.MaxSessions = setAt(4, Limit{N: 4})
		g.QuotaSize = limit(100)
		g.UploadDataTransfer = limit(1)
		g.DownloadDataTransfer = limit(2)
		g.Anonymous = set(true)
		g.StartDirectory = set("/group")
		g.TLSUsername = set("CommonName")
		g.PasswordStrength = set(int64(60))
	})
	secondary := group("print", func(g *Group) {
		g.HomeDir = set("/srv/print")
		g.QuotaFiles = limit(7)
		g.IdleTimeout = set(time.Hour)
	})
	a := Account{Name: "alice", PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
	a.HomeDir = set("/srv/own")
	a.QuotaSize = set(Limit{Unlimited: true})
	a.DownloadDataTransfer = limit(9)
	a.Anonymous = set(false)
	a.StartDirectory = set("")

	e := merged(t, a, primary, secondary)
	s := &e.Scalars
	for _, tt := range []struct {
		key       string
		got, want any
		origin    string
	}{
		{"home_dir", s.HomeDir.Value, "/srv/group/%username%", "group:staff"},
		{"max_sessions", s.MaxSessions.Value, Limit{N: 4}, "group:staff"},
		{"quota_size", s.QuotaSize.Value, Limit{Unlimited: true}, "account:alice"},
		{"quota_files", s.QuotaFiles.Set, false, "default"},
		{"idle_timeout", s.IdleTimeout.Set, false, "default"},
		{"upload_data_transfer", s.UploadDataTransfer.Value, Limit{N: 1}, "group:staff"},
		{"download_data_transfer", s.DownloadDataTransfer.Value, Limit{N: 9}, "account:alice"},
		{"total_data_transfer", s.TotalDataTransfer.Set, false, "default"},
		{"anonymous", s.Anonymous.Value, false, "account:alice"},
		{"start_directory", s.StartDirectory.Value, "/group", "group:staff"},
		{"tls_username", s.TLSUsername.Value, "CommonName", "group:staff"},
		{"password_strength", s.PasswordStrength.Value, int64(60), "group:staff"},
	} {
		if tt.got != tt.want || e.Origin(tt.key) != tt.origin {
			t.Errorf("%s = %v from %s, want %v from %s", tt.key, tt.got, e.Origin(tt.key), tt.want, tt.origin)
		}
	}
	if s.MaxSessions.At != at(4) {
		t.Errorf("max_sessions is at %s, want %s", s.MaxSessions.At, at(4))
	}
	if got := merged(t, Account{Name: "bob", SecondaryGroups: words("print")}, secondary).Scalars.HomeDir; got.Set {
		t.Errorf("home_dir of a secondary group = %q, want none", got.Value)
	}
}

// Every scalar key of the table must be merged from the primary group.
func TestMergeEveryScalar(t *testing.T) {
	for _, row := range scalars {
		if row.isSet(&Settings{}) {
			t.Errorf("%s is set in empty settings", row.key)
		}
	}
	if got, want := len(ScalarKeys()), 36-1; got != want {
		t.Errorf("%d scalar keys, want %d", got, want)
	}
}

func TestMergeAdditive(t *testing.T) {
	primary := group("staff", func(g *Group) {
		g.Permissions = permissions("/ list", "/staff *", "/%username% upload")
		g.FilePatterns = patterns("/ -staff", "/p -staff")
		g.VirtualFolders = folders("media /", "media /m", "own /%username%/own")
	})
	print := group("print", func(g *Group) {
		g.Permissions = permissions("/ *", "/print/ list", "/staff list")
		g.FilePatterns = patterns("/ -print", "/p -print", "/q -print")
		g.VirtualFolders = folders("docs /", "docs /m", "docs /print")
	})
	video := group("video", func(g *Group) {
		g.Permissions = permissions("/print *", "/video *")
		g.VirtualFolders = folders("media /print")
	})
	a := Account{Name: "alice", PrimaryGroup: set("staff"), SecondaryGroups: words("print video"), MembershipGroups: words("billing")}
	a.Permissions = permissions("/ download", "/own *")
	a.FilePatterns = patterns("/r -alice")
	a.VirtualFolders = folders("docs /alice/own")
	billing := group("billing", func(g *Group) { g.Permissions = permissions("/billing *") })

	e := merged(t, a, primary, print, video, billing)
	var got []string
	for _, p := range e.Permissions {
		got = append(got, p.Path+" "+p.Verbs.String()+" "+p.Origin)
	}
	for _, p := range e.FilePatterns {
		got = append(got, p.Path+" -"+strings.Join(p.Denied, ",")+" "+p.Origin)
	}
	for _, v := range e.VirtualFolders {
		got = append(got, v.Path+" "+v.Source+" "+v.Origin)
	}
	want := []string{
		"/ download account:alice",
		"/own * account:alice",
		"/staff * group:staff",
		"/alice upload group:staff",
		"/print list group:print",
		"/video * group:video",
		"/r -alice account:alice",
		"/ -staff group:staff",
		"/p -staff group:staff",
		"/q -print group:print",
		"/alice/own /srv/docs account:alice",
		"/ /srv/media group:staff",
		"/m /srv/media group:staff",
		"/print /srv/docs group:print",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merge (-want +got):\n%s", diff)
	}
}

// The order written is the order merged; the order of the groups' tables and of
// everything else in the input is not.
func TestMergeOrder(t *testing.T) {
	one := group("one", func(g *Group) { g.Permissions = permissions("/x list") })
	two := group("two", func(g *Group) { g.Permissions = permissions("/x *") })
	for _, tt := range []struct {
		groups string
		want   Verbs
	}{{"one two", VerbList}, {"two one", VerbAll}} {
		for _, tables := range [][]Group{{one, two}, {two, one}} {
			e := merged(t, Account{Name: "alice", SecondaryGroups: words(tt.groups)}, tables...)
			if got := e.Permissions[0].Verbs; got != tt.want {
				t.Errorf("groups %s: /x = %s, want %s", tt.groups, got, tt.want)
			}
		}
	}
}

func TestMergeLists(t *testing.T) {
	nets := func(list ...string) (out []Setting[netip.Prefix]) {
		for _, n := range list {
			out = append(out, set(netip.MustParsePrefix(n)))
		}
		return out
	}
	primary := group("staff", func(g *Group) {
		g.AllowedIP = nets("10.0.0.0/8", "192.168.0.0/16")
		g.DeniedProtocols = words("FTP")
		g.BandwidthLimits = []BandwidthLimit{{At: at(5), UploadBandwidth: limit(5)}}
	})
	print := group("print", func(g *Group) {
		g.AllowedIP = nets("172.16.0.0/12", "10.0.0.0/8")
		g.BandwidthLimits = []BandwidthLimit{{At: at(6), UploadBandwidth: limit(6)}}
	})
	a := Account{Name: "alice", PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
	a.AllowedIP = nets("192.168.0.0/16")
	a.BandwidthLimits = []BandwidthLimit{{At: at(4), UploadBandwidth: limit(4)}}
	e := merged(t, a, primary, print)

	var got []string
	for _, n := range e.AllowedIP {
		got = append(got, n.Value.String()+" "+n.Origin)
	}
	want := []string{"192.168.0.0/16 account:alice", "10.0.0.0/8 group:staff", "172.16.0.0/12 group:print"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("allowed_ip (-want +got):\n%s", diff)
	}
	var limits []int64
	for _, b := range e.BandwidthLimits {
		limits = append(limits, b.Value.UploadBandwidth.Value.N)
	}
	if diff := cmp.Diff([]int64{4, 5, 6}, limits); diff != "" {
		t.Errorf("bandwidth_limits (-want +got):\n%s", diff)
	}
	if len(e.DeniedProtocols) != 1 || e.DeniedProtocols[0].Origin != "group:staff" {
		t.Errorf("denied_protocols = %v, want FTP from group:staff", e.DeniedProtocols)
	}
}

func TestMergeExpiry(t *testing.T) {
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	g := group("staff", func(g *Group) { g.ExpiresIn = setAt(8, 48*time.Hour) })
	a := Account{Name: "alice", PrimaryGroup: set("staff"), CreatedAt: set(born)}
	e := merged(t, a, g)
	if got, want := e.ExpiresAt.Value, born.Add(48*time.Hour); !got.Equal(want) || e.Origin("expires_at") != "group:staff" || e.ExpiresAt.At != at(8) {
		t.Errorf("expires_at = %s from %s at %s, want %s from group:staff at %s", got, e.Origin("expires_at"), e.ExpiresAt.At, want, at(8))
	}
	own := born.Add(time.Hour)
	a.ExpiresAt = set(own)
	if e := merged(t, a, g); !e.ExpiresAt.Value.Equal(own) || e.Origin("expires_at") != "account:alice" {
		t.Errorf("expires_at = %s from %s, want the account's own", e.ExpiresAt.Value, e.Origin("expires_at"))
	}
}

func TestHomeMount(t *testing.T) {
	ids := &IDs{7, 8}
	g := group("staff", func(g *Group) {
		g.HomeDir = set("/srv/homes/%username%/")
		g.HomeOwner, g.HomeOwnerIDs = set("x:y"), ids
	})
	a := Account{Name: "alice", PrimaryGroup: set("staff")}
	m := view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{g}}), "alice").Mounts()[0]
	if m.Source != "/srv/homes/alice" || !m.Create || m.CreateMode != 0o700 || m.CreateOwner != ids {
		t.Errorf("home = %+v", m)
	}
	a.FilesystemChecksDisabled = set(true)
	a.HomeMode = set(uint32(0o750))
	m = view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{g}}), "alice").Mounts()[0]
	if m.Create || m.CreateMode != 0o750 {
		t.Errorf("home = %+v, want no creation, mode 0750", m)
	}
}
