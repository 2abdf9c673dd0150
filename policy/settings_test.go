package policy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// settings returns what --json shows of alice, as one line a key.
func settings(t *testing.T, e *Effective) map[string]string {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	out := map[string]string{}
	for key, value := range raw {
		out[key] = string(value)
	}
	return out
}

// Every key of product.md §3 and §4 is there, also where nobody wrote it.
func TestSettingsAreComplete(t *testing.T) {
	want := strings.Fields(`
		access_time allow_api_key_auth allowed_ip anonymous bandwidth_limits check_password_hook
		check_password_hook_disabled created_at data_transfer_limits default_shares_expiration denied_ip
		denied_login_methods denied_protocols download_bandwidth download_data_transfer enabled expires_at
		expires_in external_auth_cache_time external_auth_hook external_auth_hook_disabled file_patterns
		filesystem filesystem_checks_disabled ftp_security home_dir home_mode home_owner idle_timeout
		max_sessions max_shares_expiration max_upload_file_size membership_groups passthrough
		password_expiration password_hash password_strength permissions pre_login_hook
		pre_login_hook_disabled primary_group quota_files quota_inodes quota_scope quota_size
		secondary_groups start_directory tls_username total_data_transfer transfer_period
		two_factor_protocols uid upload_bandwidth upload_data_transfer virtual_folders web_client`)
	e := merged(t, Account{Name: "alice"})
	var got []string
	for _, s := range e.Settings() {
		got = append(got, s.Key)
		if s.Kind == EffectSingle && (len(s.Values) != 1 || s.Values[0].Origin != OriginDefault) {
			t.Errorf("%s = %v, want one value of origin default", s.Key, s.Values)
		}
	}
	if !slices.IsSorted(got) {
		t.Errorf("Settings() is not sorted: %q", got)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	for key, want := range map[string]string{
		"max_sessions":    `{"value":null,"origin":"default","at":null}`,
		"enabled":         `{"value":true,"origin":"default","at":null}`,
		"anonymous":       `{"value":false,"origin":"default","at":null}`,
		"passthrough":     `{"value":true,"origin":"default","at":null}`,
		"filesystem":      `{"value":"local","origin":"default","at":null}`,
		"home_mode":       `{"value":"0700","origin":"default","at":null}`,
		"transfer_period": `{"value":"month","origin":"default","at":null}`,
		"quota_scope":     `{"value":"member","origin":"default","at":null}`,
		"allowed_ip":      `[]`,
		"virtual_folders": `{}`,
		"permissions":     `{"/":{"value":["list"],"origin":"default","at":null}}`,
	} {
		if got := settings(t, e)[key]; got != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
	}
}

func TestSettingsJSON(t *testing.T) {
	born := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	staff := group("staff", func(g *Group) {
		g.HomeDir = setAt(10, "/srv/homes/%username%/")
		g.MaxSessions = setAt(11, Limit{N: 2})
		g.ExpiresIn = setAt(12, 36*time.Hour)
		g.HomeMode = setAt(13, uint32(0o750))
		g.IdleTimeout = setAt(14, 90*time.Minute)
		g.PasswordExpiration = setAt(15, time.Duration(0))
		g.AllowedIP = networks("10.0.0.0/8", "192.0.2.7/32")
		g.Permissions = permissions("/ list download", "/b delete_files delete_dirs list", "/a", "/%username% *")
		g.FilePatterns = patterns("/ hide -*.exe")
		g.VirtualFolders = folders("own /own ro list", "media /m")
		g.AccessTime = []AccessTime{{At: at(16), Weekday: time.Monday, From: 7*60 + 30, To: 1139}}
		g.BandwidthLimits = []BandwidthLimit{{At: at(17), Sources: networks("10.0.0.0/8"), UploadBandwidth: limit(5), DownloadBandwidth: set(Limit{Unlimited: true})}}
	})
	print := group("print", func(g *Group) {
		g.AllowedIP = networks("172.16.0.0/12", "10.0.0.0/8")
		g.DeniedProtocols = wordsAt(20, "FTP")
		g.DataTransferLimits = []DataTransferLimit{{At: at(21), Sources: networks("2001:db8::/32"), TotalDataTransfer: limit(9)}}
	})
	a := Account{
		Name: "alice", UID: setAt[uint32](1, 61001), CreatedAt: setAt(2, born), PasswordHash: setAt(3, "$6$secret"),
		PrimaryGroup: setAt(4, "staff"), SecondaryGroups: wordsAt(5, "print"),
	}
	a.QuotaSize = setAt(6, Limit{Unlimited: true})
	got := settings(t, merged(t, a, staff, print))
	for key, want := range map[string]string{
		"home_dir":            `{"value":"/srv/homes/alice","origin":"group:staff","at":"t.toml:10"}`,
		"max_sessions":        `{"value":2,"origin":"group:staff","at":"t.toml:11"}`,
		"expires_in":          `{"value":"1d12h","origin":"group:staff","at":"t.toml:12"}`,
		"expires_at":          `{"value":"2026-01-02T12:00:00Z","origin":"group:staff","at":"t.toml:12"}`,
		"created_at":          `{"value":"2026-01-01T00:00:00Z","origin":"account:alice","at":"t.toml:2"}`,
		"home_mode":           `{"value":"0750","origin":"group:staff","at":"t.toml:13"}`,
		"idle_timeout":        `{"value":"1h30m","origin":"group:staff","at":"t.toml:14"}`,
		"password_expiration": `{"value":"unlimited","origin":"group:staff","at":"t.toml:15"}`,
		"quota_size":          `{"value":"unlimited","origin":"account:alice","at":"t.toml:6"}`,
		"uid":                 `{"value":61001,"origin":"account:alice","at":"t.toml:1"}`,
		"password_hash":       `{"value":"(not shown)","origin":"account:alice","at":"t.toml:3"}`,
		"primary_group":       `{"value":"staff","origin":"account:alice","at":"t.toml:4"}`,
		"secondary_groups":    `[{"value":"print","origin":"account:alice","at":"t.toml:5"}]`,
		"denied_protocols":    `[{"value":"FTP","origin":"group:print","at":"t.toml:20"}]`,
		"allowed_ip": `[{"value":"10.0.0.0/8","origin":"group:staff","at":"t.toml:1"},` +
			`{"value":"192.0.2.7","origin":"group:staff","at":"t.toml:2"},` +
			`{"value":"172.16.0.0/12","origin":"group:print","at":"t.toml:1"}]`,
		"access_time": `[{"value":{"weekday":"monday","from":"07:30","to":"18:59","zone":"UTC"},"origin":"group:staff","at":"t.toml:16"}]`,
		"permissions": `{"/":{"value":["list","download"],"origin":"group:staff","at":"t.toml:1"},` +
			`"/a":{"value":[],"origin":"group:staff","at":"t.toml:3"},` +
			`"/alice":{"value":["*"],"origin":"group:staff","at":"t.toml:4"},` +
			`"/b":{"value":["list","delete"],"origin":"group:staff","at":"t.toml:2"}}`,
		"file_patterns": `{"/":{"value":{"allowed":[],"denied":["*.exe"],"deny_policy":"hide"},"origin":"group:staff","at":"t.toml:1"}}`,
		"virtual_folders": `{"/m":{"value":{"folder":"media","source":"/srv/media","subpath":"","quota_size":0,"quota_files":0,"permissions":null,"read_only":false},"origin":"group:staff","at":"t.toml:2"},` +
			`"/own":{"value":{"folder":"own","source":"/srv/own/alice","subpath":"","quota_size":0,"quota_files":0,"permissions":["list"],"read_only":true},"origin":"group:staff","at":"t.toml:1"}}`,
		"bandwidth_limits":     `[{"value":{"sources":["10.0.0.0/8"],"upload_bandwidth":5,"download_bandwidth":"unlimited"},"origin":"group:staff","at":"t.toml:17"}]`,
		"data_transfer_limits": `[{"value":{"sources":["2001:db8::/32"],"upload_data_transfer":null,"download_data_transfer":null,"total_data_transfer":9},"origin":"group:print","at":"t.toml:21"}]`,
	} {
		if got[key] != want {
			t.Errorf("%s\n = %s\nwant %s", key, got[key], want)
		}
	}
}

// The same input shows the same text, however often it is asked.
func TestSettingsAreStable(t *testing.T) {
	s := compile(t, host())
	for _, v := range s.Views() {
		first, err := json.Marshal(v.Effective())
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(v.Effective())
		if err != nil {
			t.Fatal(err)
		}
		if string(first) != string(second) {
			t.Errorf("%s: two texts:\n%s\n%s", v.Account(), first, second)
		}
	}
}
