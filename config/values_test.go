package config

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

func TestParseSize(t *testing.T) {
	tests := []struct {
		text string
		want int64
		err  string
	}{
		{"0", 0, ""},
		{"4096", 4096, ""},
		{"4096B", 4096, ""},
		{"500MB", 500_000_000, ""},
		{"1kB", 1000, ""},
		{"1KB", 1000, ""},
		{"512KiB", 512 << 10, ""},
		{"10GiB", 10 << 30, ""},
		{"10 GiB", 10 << 30, ""},
		{"1.5GiB", 3 << 29, ""},
		{"0.001KB", 1, ""},
		{"2TiB", 2 << 40, ""},
		{"8191PiB", 8191 << 50, ""},
		{"9223372036854775807", math.MaxInt64, ""},
		{"9223372036854775808", 0, "is too large"},
		{"8192PiB", 0, "is too large"},
		{"99999999999999999999PB", 0, "is too large"},
		{"", 0, `is not a size; write for example "10GiB" or "500MB"`},
		{"GiB", 0, `is not a size; write for example "10GiB" or "500MB"`},
		{"-1GiB", 0, "can't be negative"},
		{"+1GiB", 0, `is not a size; write for example "10GiB" or "500MB"`},
		{"1.GiB", 0, `is not a size; write for example "10GiB" or "500MB"`},
		{"1e3", 0, `has the unknown unit "e3" (units are B, KB, MB, GB, TB, PB and KiB, MiB, GiB, TiB, PiB)`},
		{"10GIB", 0, `has the unknown unit "GIB", did you mean "GiB"?`},
		{"10Gib", 0, `has the unknown unit "Gib", did you mean "GiB"?`},
		{"10  GiB", 0, `has the unknown unit " GiB", did you mean "GiB"?`},
		{"0x10", 0, `has the unknown unit "x10" (units are B, KB, MB, GB, TB, PB and KiB, MiB, GiB, TiB, PiB)`},
		{"½GiB", 0, `is not a size; write for example "10GiB" or "500MB"`},
	}
	for _, tt := range tests {
		got, err := parseSize(tt.text)
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if got != tt.want || msg != tt.err {
			t.Errorf("parseSize(%q) = %d, %q, want %d, %q", tt.text, got, msg, tt.want, tt.err)
		}
	}
}

func TestParseDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		err  string
	}{
		{"90d", 90 * 24 * time.Hour, ""},
		{"36h", 36 * time.Hour, ""},
		{"1s", time.Second, ""},
		{"0s", 0, ""},
		{"250ms", 250 * time.Millisecond, ""},
		{"2w", 14 * 24 * time.Hour, ""},
		{"1d12h30m", 36*time.Hour + 30*time.Minute, ""},
		{"106751d", 106751 * 24 * time.Hour, ""},
		{"106752d", 0, "is too long"},
		{"106751d106751d", 0, "is too long"},
		{"99999999999999999999s", 0, "is too long"},
		{"", 0, `is not a duration; write for example "90d" or "36h"`},
		{"90", 0, `has no unit; write for example "90d" or "36h"`},
		{"1d12", 0, `has no unit; write for example "90d" or "36h"`},
		{"d", 0, `is not a duration; write for example "90d" or "36h"`},
		{"-1s", 0, "can't be negative"},
		{"1.5h", 0, `has the unknown unit "." (units are ms, s, m, h, d, w)`},
		{"1 d", 0, `has the unknown unit " d" (units are ms, s, m, h, d, w)`},
		{"1D", 0, `has the unknown unit "D" (units are ms, s, m, h, d, w)`},
	}
	for _, tt := range tests {
		got, err := parseDuration(tt.text)
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if got != tt.want || msg != tt.err {
			t.Errorf("parseDuration(%q) = %v, %q, want %v, %q", tt.text, got, msg, tt.want, tt.err)
		}
	}
}

// account returns what [accounts.a] holds with one line in it.
func account(t *testing.T, line string) policy.Account {
	t.Helper()
	d := newDecoder(machine(t))
	c := d.decode("f.toml", []file{{name: "f.toml", data: []byte("[accounts.a]\n" + line + "\n")}})
	if policy.HasErrors(d.problems) || len(c.Policy.Accounts) != 1 {
		t.Fatalf("%s: problems = %q", line, lines(d.problems))
	}
	return c.Policy.Accounts[0]
}

// "Not set" and "unlimited" are not the same, whatever the type (product.md §3).
func TestNotSetAndUnlimited(t *testing.T) {
	type limit = policy.Setting[policy.Limit]
	limits := map[string]func(policy.Account) limit{
		"max_sessions":           func(a policy.Account) limit { return a.MaxSessions },
		"quota_size":             func(a policy.Account) limit { return a.QuotaSize },
		"quota_files":            func(a policy.Account) limit { return a.QuotaFiles },
		"quota_inodes":           func(a policy.Account) limit { return a.QuotaInodes },
		"upload_bandwidth":       func(a policy.Account) limit { return a.UploadBandwidth },
		"download_bandwidth":     func(a policy.Account) limit { return a.DownloadBandwidth },
		"max_upload_file_size":   func(a policy.Account) limit { return a.MaxUploadFileSize },
		"upload_data_transfer":   func(a policy.Account) limit { return a.UploadDataTransfer },
		"download_data_transfer": func(a policy.Account) limit { return a.DownloadDataTransfer },
		"total_data_transfer":    func(a policy.Account) limit { return a.TotalDataTransfer },
	}
	for key, get := range limits {
		if got := get(account(t, key+" = 0")); got.Set {
			t.Errorf("%s = 0: %+v, want not set", key, got)
		}
		if got := get(account(t, key+` = "unlimited"`)); !got.Set || !got.Value.Unlimited {
			t.Errorf("%s = unlimited: %+v, want unlimited", key, got)
		}
		if got := get(account(t, key+" = 10_000")); !got.Set || got.Value != (policy.Limit{N: 10000}) {
			t.Errorf("%s = 10_000: %+v, want 10000", key, got)
		}
	}
	type span = policy.Setting[time.Duration]
	spans := map[string]func(policy.Account) span{
		"idle_timeout":              func(a policy.Account) span { return a.IdleTimeout },
		"password_expiration":       func(a policy.Account) span { return a.PasswordExpiration },
		"external_auth_cache_time":  func(a policy.Account) span { return a.ExternalAuthCacheTime },
		"default_shares_expiration": func(a policy.Account) span { return a.DefaultSharesExpiration },
		"max_shares_expiration":     func(a policy.Account) span { return a.MaxSharesExpiration },
	}
	for key, get := range spans {
		for _, zero := range []string{"0", `"0s"`, `"0d"`} {
			if got := get(account(t, key+" = "+zero)); got.Set {
				t.Errorf("%s = %s: %+v, want not set", key, zero, got)
			}
		}
		if got := get(account(t, key+` = "unlimited"`)); !got.Set || got.Value != 0 {
			t.Errorf("%s = unlimited: %+v, want set to 0", key, got)
		}
		if got := get(account(t, key+` = "36h"`)); !got.Set || got.Value != 36*time.Hour {
			t.Errorf("%s = 36h: %+v, want 36h", key, got)
		}
	}
	if got := account(t, "anonymous = false").Anonymous; !got.Set || got.Value {
		t.Errorf("anonymous = false: %+v, want an explicit false", got)
	}
	if got := account(t, `home_dir = ""`).HomeDir; got.Set {
		t.Errorf(`home_dir = "": %+v, want not set`, got)
	}
}

func TestMountQuota(t *testing.T) {
	type quota = policy.Setting[int64]
	set := func(v int64) quota { return quota{Value: v, Set: true} }
	tests := []struct {
		keys        string
		size, files quota
	}{
		{"", quota{}, quota{}},
		{", quota_size = 0, quota_files = 0", set(0), set(0)},
		{", quota_size = -1, quota_files = -1", set(-1), set(-1)},
		{`, quota_size = "1KiB", quota_files = 9`, set(1024), set(9)},
		{`, quota_size = "unlimited"`, set(0), quota{}},
	}
	for _, tt := range tests {
		m := account(t, `virtual_folders = [{ folder = "f", path = "/f/"`+tt.keys+" }]").VirtualFolders[0]
		m.QuotaSize.At, m.QuotaFiles.At = policy.Pos{}, policy.Pos{}
		if m.Path.Value != "/f" || m.QuotaSize != tt.size || m.QuotaFiles != tt.files {
			t.Errorf("mount with %q = %q, %+v, %+v, want /f, %+v, %+v", tt.keys, m.Path.Value, m.QuotaSize, m.QuotaFiles, tt.size, tt.files)
		}
	}
}

func TestMountPermissions(t *testing.T) {
	for keys, want := range map[string]bool{"": false, ", permissions = []": true, `, permissions = ["list"]`: true} {
		m := account(t, `virtual_folders = [{ folder = "f", path = "/f"`+keys+` }]`).VirtualFolders[0]
		if m.HasPerms != want {
			t.Errorf("HasPerms with %q = %t, want %t", keys, m.HasPerms, want)
		}
	}
}

func TestNetworks(t *testing.T) {
	tests := []struct{ text, want string }{
		{"192.0.2.7", "192.0.2.7/32"},
		{"192.0.2.0/24", "192.0.2.0/24"},
		{"192.0.2.7/24", "192.0.2.0/24"},
		{"::ffff:192.0.2.7", "192.0.2.7/32"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"2001:DB8::1", "2001:db8::1/128"},
		{"0.0.0.0/0", "0.0.0.0/0"},
	}
	for _, tt := range tests {
		list := account(t, fmt.Sprintf("allowed_ip = [%q]", tt.text)).AllowedIP
		if len(list) != 1 || list[0].Value != netip.MustParsePrefix(tt.want) {
			t.Errorf("allowed_ip %q = %v, want %s", tt.text, list, tt.want)
		}
	}
}

func TestAccountValues(t *testing.T) {
	at := func(line, col int) policy.Pos { return policy.Pos{File: "f.toml", Line: line, Col: col} }
	text := `uid = 0x10
created_at = 2026-01-15 09:00:00+01:00
expires_at = 2030-12-31T23:59Z
home_dir = "/srv/homes/a/"
home_mode = "0750"
home_owner = "alice:staff"
access_time = [{ weekday = "SUN", from = "00:00", to = 23:59:00 }, { weekday = "Monday", from = "08:05", to = "08:05", zone = "Europe/Berlin" }]
secondary_groups = ["print", "video"]`
	got := account(t, text)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Account{
		Name: "a",
		Settings: policy.Settings{
			At:           at(1, 1),
			HomeDir:      policy.Setting[string]{Value: "/srv/homes/a", At: at(5, 12), Set: true},
			HomeMode:     policy.Setting[uint32]{Value: 0o750, At: at(6, 13), Set: true},
			HomeOwner:    policy.Setting[string]{Value: "alice:staff", At: at(7, 14), Set: true},
			HomeOwnerIDs: &policy.IDs{UID: 1000, GID: 50},
			AccessTime: []policy.AccessTime{
				{At: at(8, 16), Weekday: time.Sunday, From: 0, To: 23*60 + 59, Zone: "UTC", Location: time.UTC},
				{At: at(8, 68), Weekday: time.Monday, From: 485, To: 485, Zone: "Europe/Berlin", Location: berlin},
			},
		},
		UID:       policy.Setting[uint32]{Value: 16, At: at(2, 7), Set: true},
		CreatedAt: policy.Setting[time.Time]{Value: time.Date(2026, 1, 15, 8, 0, 0, 0, time.UTC), At: at(3, 14), Set: true},
		ExpiresAt: policy.Setting[time.Time]{Value: time.Date(2030, 12, 31, 23, 59, 0, 0, time.UTC), At: at(4, 14), Set: true},
		SecondaryGroups: []policy.Setting[string]{
			{Value: "print", At: at(9, 21), Set: true}, {Value: "video", At: at(9, 30), Set: true},
		},
	}
	got.CreatedAt.Value = got.CreatedAt.Value.UTC()
	sameNetwork := cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, got, sameNetwork, sameZone); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
}

func TestHostValues(t *testing.T) {
	d := newDecoder(machine(t))
	c := d.decode("f.toml", []file{{name: "f.toml", data: []byte(`
[mount]
entry_timeout = "0s"
uid_range = [5, 5]
min_free = "2.5%"
[metrics]
listen = ""
[aegir]
unowned = "all"
[folders.f]
source = "/srv/f/"
owner = "www-data:7"
[sites."a.example"]
source = "/x"
preset = "aegir"
enabled = false
`)}})
	if len(d.problems) != 0 {
		t.Fatalf("problems = %q, want none", lines(d.problems))
	}
	if m := c.Mount; m.EntryTimeout.Value != 0 || !m.EntryTimeout.Set || m.UIDRange.Value != [2]uint32{5, 5} || m.MinFree.Value != (MinFree{Percent: 2.5}) {
		t.Errorf("mount = %+v", m)
	}
	if l := c.Metrics.Listen; !l.Set || l.Value != "" {
		t.Errorf("listen = %+v, want set to nothing", l)
	}
	if !c.Policy.UnownedAll {
		t.Errorf("UnownedAll = false, want true")
	}
	if f := c.Policy.Folders[0]; f.Source.Value != "/srv/f" || f.OwnerIDs == nil || *f.OwnerIDs != (policy.IDs{UID: 33, GID: 7}) {
		t.Errorf("folder = %+v", f)
	}
	if s := c.Policy.Sites[0]; s.Preset != "aegir" || s.Enabled {
		t.Errorf("site = %+v, want preset aegir, not enabled", s)
	}
	for text, want := range map[string]MinFree{"0": {}, `"0%"`: {}, `"1GiB"`: {Bytes: 1 << 30}, `" 7 %"`: {Percent: -1}, `"99.5%"`: {Percent: 99.5}} {
		d := newDecoder(nil)
		c := d.decode("f.toml", []file{{name: "f.toml", data: []byte("[mount]\nmin_free = " + text)}})
		got := c.Mount.MinFree.Value
		if len(d.problems) != 0 {
			got = MinFree{Percent: -1} // stands for an error
		}
		if got != want {
			t.Errorf("min_free = %s: %v, want %v", text, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"max_sessions", "quota_size", "uid", "*", "list"}
	for word, want := range map[string]string{
		"max_session": "max_sessions", "maxsesions": "max_sessions", "qouta_size": "quota_size", "udi": "uid",
		"id": "uid", "x": "", "lists": "list", "LIST": "list", "password": "", "": "", "sizequota": "",
	} {
		if got := nearest(word, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
