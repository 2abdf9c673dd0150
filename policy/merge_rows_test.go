package policy

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// folded merges alice with groups, without judging what they say.
func folded(a Account, groups ...*Group) *Effective {
	s := &Set{groups: map[string]*Group{}, folders: map[string]*Folder{}, owned: map[string][]*Site{}}
	for _, g := range groups {
		s.groups[g.Name] = g
	}
	a.Name = "alice"
	return s.effective(&a, nil)
}

// keyOf returns the configuration's name of a field of Settings.
func keyOf(field string) string {
	var b strings.Builder
	for i, r := range field {
		upper := 'A' <= r && r <= 'Z'
		if upper && i > 0 {
			next := i+1 < len(field) && 'a' <= field[i+1] && field[i+1] <= 'z'
			before := field[i-1]
			if ('a' <= before && before <= 'z') || next {
				b.WriteByte('_')
			}
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// fill sets one Setting to a value that differs by variant, at a line.
func fill(t *testing.T, v reflect.Value, variant, line int) {
	t.Helper()
	v.FieldByName("Set").SetBool(true)
	v.FieldByName("At").Set(reflect.ValueOf(at(line)))
	switch value := v.FieldByName("Value"); value.Interface().(type) {
	case string:
		value.SetString([]string{"/one", "/two"}[variant])
	case Limit:
		value.Set(reflect.ValueOf(Limit{N: int64(variant + 1)}))
	case bool:
		value.SetBool(variant == 0)
	case time.Duration, int64:
		value.SetInt(int64(variant + 1))
	case uint32:
		value.SetUint(uint64(variant + 1))
	default:
		t.Fatalf("no value for a %s", value.Type())
	}
}

// Every single value of product.md §4: from the primary group where the account
// has none (home_dir and filesystem: always), never from a secondary group, and
// with where it came from.
func TestMergeRowOfEveryScalar(t *testing.T) {
	replaced := map[string]bool{"home_dir": true, "filesystem": true}
	rows := 0
	for i := range reflect.TypeFor[Settings]().NumField() {
		field := reflect.TypeFor[Settings]().Field(i)
		if !strings.HasPrefix(field.Type.Name(), "Setting[") {
			continue
		}
		rows++
		key := keyOf(field.Name)
		t.Run(key, func(t *testing.T) {
			var a Account
			staff, print := &Group{Name: "staff"}, &Group{Name: "print"}
			a.PrimaryGroup, a.SecondaryGroups = set("staff"), words("print")
			fill(t, reflect.ValueOf(&print.Settings).Elem().Field(i), 0, 1)
			expect := func(what, origin string, line int) {
				t.Helper()
				e := folded(a, staff, print)
				got := reflect.ValueOf(e.Scalars).Field(i)
				at, _ := got.FieldByName("At").Interface().(Pos)
				if e.Origin(key) != origin || got.FieldByName("Set").Bool() != (line > 0) || at.Line != line {
					t.Errorf("%s: %s from %s at %s, want %s, line %d", what, key, e.Origin(key), at, origin, line)
				}
			}
			expect("secondary", "default", 0)
			fill(t, reflect.ValueOf(&staff.Settings).Elem().Field(i), 0, 2)
			expect("primary", "group:staff", 2)
			fill(t, reflect.ValueOf(&a.Settings).Elem().Field(i), 1, 3)
			if replaced[key] {
				expect("account and primary", "group:staff", 2)
			} else {
				expect("account and primary", "account:alice", 3)
			}
			staff.Settings = Settings{}
			expect("account", "account:alice", 3)
		})
	}
	if rows != len(scalars) {
		t.Errorf("Settings has %d single values, the merge %d", rows, len(scalars))
	}
}

// What is written but means "not set" is inherited, as if it were not there.
func TestMergeRowOfEmptyValues(t *testing.T) {
	staff := &Group{Name: "staff"}
	staff.HomeDir, staff.Filesystem = set(""), set("local")
	staff.StartDirectory, staff.TLSUsername, staff.CheckPasswordHook = setAt(1, "/s"), setAt(2, "CommonName"), setAt(3, "/hook")
	a := Account{PrimaryGroup: set("staff")}
	a.HomeDir, a.Filesystem = set("/own"), set("local")
	a.StartDirectory, a.TLSUsername, a.CheckPasswordHook = set(""), set(""), set("")
	e := folded(a, staff)
	for key, want := range map[string]string{
		"home_dir": "account:alice", "filesystem": "default", "start_directory": "group:staff",
		"tls_username": "group:staff", "check_password_hook": "group:staff",
	} {
		if got := e.Origin(key); got != want {
			t.Errorf("%s is from %s, want %s", key, got, want)
		}
	}
}

// Data transfers are inherited field by field: SFTPGo takes all three together
// or none of them.
func TestMergeRowOfDataTransfer(t *testing.T) {
	staff := &Group{Name: "staff"}
	staff.UploadDataTransfer, staff.DownloadDataTransfer, staff.TotalDataTransfer = limit(1), limit(2), limit(3)
	for _, tt := range []struct {
		up, down, total Setting[Limit]
		want            [3]int64
		origins         string
	}{
		{Setting[Limit]{}, Setting[Limit]{}, Setting[Limit]{}, [3]int64{1, 2, 3}, "ggg"},
		{limit(7), Setting[Limit]{}, Setting[Limit]{}, [3]int64{7, 2, 3}, "agg"},
		{Setting[Limit]{}, limit(8), Setting[Limit]{}, [3]int64{1, 8, 3}, "gag"},
		{Setting[Limit]{}, limit(8), limit(9), [3]int64{1, 8, 9}, "gaa"},
	} {
		a := Account{PrimaryGroup: set("staff")}
		a.UploadDataTransfer, a.DownloadDataTransfer, a.TotalDataTransfer = tt.up, tt.down, tt.total
		e := folded(a, staff)
		s := &e.Scalars
		got := [3]int64{s.UploadDataTransfer.Value.N, s.DownloadDataTransfer.Value.N, s.TotalDataTransfer.Value.N}
		origins := e.Origin("upload_data_transfer")[:1] + e.Origin("download_data_transfer")[:1] + e.Origin("total_data_transfer")[:1]
		if got != tt.want || origins != tt.origins {
			t.Errorf("%v from %s, want %v from %s", got, origins, tt.want, tt.origins)
		}
	}
}

// A quota that the group's members share is not each one's own.
func TestMergeRowOfQuotaScope(t *testing.T) {
	staff := &Group{Name: "staff", QuotaScope: setAt(9, "group")}
	staff.QuotaSize, staff.QuotaFiles, staff.MaxSessions = setAt(1, Limit{N: 100}), setAt(2, Limit{N: 10}), limit(4)
	print := &Group{Name: "print", QuotaScope: set("group")}
	print.QuotaSize = limit(5)
	a := Account{PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
	a.QuotaInodes = limit(20)

	e := folded(a, staff, print)
	want := &GroupQuota{Group: "staff", Size: staff.QuotaSize, Files: staff.QuotaFiles}
	if diff := cmp.Diff(want, e.GroupQuota); diff != "" {
		t.Errorf("GroupQuota (-want +got):\n%s", diff)
	}
	if s := &e.Scalars; s.QuotaSize.Set || s.QuotaFiles.Set || s.QuotaInodes.Value.N != 20 || s.MaxSessions.Value.N != 4 {
		t.Errorf("own quota: size %v files %v inodes %v; max_sessions %v", s.QuotaSize, s.QuotaFiles, s.QuotaInodes, s.MaxSessions)
	}
	shown := settings(t, e)
	for key, want := range map[string]string{
		"quota_scope":  `{"value":"group","origin":"group:staff","at":"t.toml:9"}`,
		"quota_size":   `{"value":100,"origin":"group:staff","at":"t.toml:1"}`,
		"quota_files":  `{"value":10,"origin":"group:staff","at":"t.toml:2"}`,
		"quota_inodes": `{"value":20,"origin":"account:alice","at":null}`,
	} {
		if shown[key] != want {
			t.Errorf("%s = %s, want %s", key, shown[key], want)
		}
	}
	staff.QuotaScope = set("member")
	if e := folded(a, staff, print); e.GroupQuota != nil || e.Scalars.QuotaSize.Value.N != 100 {
		t.Errorf("quota_scope = member: GroupQuota %v, quota_size %v", e.GroupQuota, e.Scalars.QuotaSize)
	}
}

// Lists are the account's, the primary group's and the secondary groups' in the
// order written, each element once and with its own origin.
func TestMergeRowOfEveryList(t *testing.T) {
	window := func(line int, day time.Weekday, zone string) AccessTime {
		return AccessTime{At: at(line), Weekday: day, From: 60, To: 120, Zone: zone}
	}
	fields := []struct {
		key  string
		give func(*Settings, int) // two elements: one that all have, one by number
	}{
		{"allowed_ip", func(s *Settings, i int) { s.AllowedIP = append(networks("10.0.0.0/8"), networks(nth(i))...) }},
		{"denied_ip", func(s *Settings, i int) { s.DeniedIP = append(networks("10.0.0.0/8"), networks(nth(i))...) }},
		{"denied_login_methods", func(s *Settings, i int) { s.DeniedLoginMethods = words("all " + nth(i)) }},
		{"denied_protocols", func(s *Settings, i int) { s.DeniedProtocols = words("all " + nth(i)) }},
		{"two_factor_protocols", func(s *Settings, i int) { s.TwoFactorProtocols = words("all " + nth(i)) }},
		{"web_client", func(s *Settings, i int) { s.WebClient = words("all " + nth(i)) }},
		{"access_time", func(s *Settings, i int) {
			zone := "UTC"
			if i == 0 {
				zone = "" // the same
			}
			s.AccessTime = []AccessTime{window(10+i, time.Sunday, zone), window(20+i, time.Weekday(i+1), "UTC")}
		}},
	}
	for _, f := range fields {
		t.Run(f.key, func(t *testing.T) {
			var a Account
			groups := []*Group{{Name: "staff"}, {Name: "video"}, {Name: "print"}, {Name: "billing"}}
			a.PrimaryGroup, a.SecondaryGroups, a.MembershipGroups = set("staff"), words("video print"), words("billing")
			f.give(&a.Settings, 0)
			for i, g := range groups {
				f.give(&g.Settings, i+1)
			}
			var got []string
			for _, s := range folded(a, groups...).Settings() {
				if s.Key == f.key {
					for _, v := range s.Values {
						got = append(got, v.Origin)
					}
				}
			}
			want := []string{"account:alice", "account:alice", "group:staff", "group:video", "group:print"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("origins (-want +got):\n%s", diff)
			}
		})
	}
}

// nth returns a network of its own for each i.
func nth(i int) string {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, byte(i), 0}), 24).String()
}

// Limits by source are appended, duplicates and all: the first match applies.
func TestMergeRowOfSourceLimits(t *testing.T) {
	give := func(s *Settings, line int) {
		s.BandwidthLimits = []BandwidthLimit{{At: at(line), Sources: networks("10.0.0.0/8")}}
		s.DataTransferLimits = []DataTransferLimit{{At: at(line), Sources: networks("10.0.0.0/8")}}
	}
	a := Account{PrimaryGroup: set("staff"), SecondaryGroups: words("video print"), MembershipGroups: words("billing")}
	groups := []*Group{{Name: "staff"}, {Name: "print"}, {Name: "video"}, {Name: "billing"}}
	give(&a.Settings, 1)
	for i, g := range groups {
		give(&g.Settings, i+2)
	}
	e := folded(a, groups...)
	var got []string
	for _, l := range e.BandwidthLimits {
		got = append(got, "b "+l.Origin+" "+l.At.String())
	}
	for _, l := range e.DataTransferLimits {
		got = append(got, "d "+l.Origin+" "+l.At.String())
	}
	want := []string{
		"b account:alice t.toml:1:1", "b group:staff t.toml:2:1", "b group:video t.toml:4:1", "b group:print t.toml:3:1",
		"d account:alice t.toml:1:1", "d group:staff t.toml:2:1", "d group:video t.toml:4:1", "d group:print t.toml:3:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// Paths are expanded and cleaned, then compared, then tested for being "/"
// (decision 3); per path the first owner wins wholly.
func TestMergeRowOfPaths(t *testing.T) {
	staff := group("staff", func(g *Group) {
		g.Permissions = permissions("/%username%/ list", "/x/ list", "/ list")
		g.FilePatterns = patterns("/%username% -staff", "/x/ hide -staff +only")
		g.VirtualFolders = folders("media /%username%/m/", "media /x/")
		g.VirtualFolders[0].QuotaSize = set(int64(5))
	})
	print := group("print", func(g *Group) {
		g.Permissions = permissions("/ *", "/x upload", "/alice/ upload")
		g.FilePatterns = patterns("/ -print", "/x -print", "/alice -print", "/p -print")
		g.VirtualFolders = folders("docs /", "docs /x ro", "docs /alice/m", "docs /p")
	})
	a := Account{Name: "alice", PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
	a.Permissions = permissions("/x delete", "/ download")
	e := merged(t, a, staff, print)
	got := map[string]string{}
	for _, g := range e.Permissions {
		got["permissions "+g.Path] = g.Verbs.String() + " " + g.Origin
	}
	for _, p := range e.FilePatterns {
		got["file_patterns "+p.Path] = strings.Join(append(p.Denied, p.Allowed...), " ") + " " + p.Origin
	}
	for _, v := range e.VirtualFolders {
		got["virtual_folders "+v.Path] = v.Folder.Name + " " + v.Origin
	}
	want := map[string]string{
		"permissions /":            "download account:alice",
		"permissions /x":           "delete_files,delete_dirs account:alice",
		"permissions /alice":       "list group:staff",
		"file_patterns /alice":     "staff group:staff",
		"file_patterns /x":         "staff only group:staff",
		"file_patterns /p":         "print group:print",
		"virtual_folders /alice/m": "media group:staff",
		"virtual_folders /x":       "media group:staff",
		"virtual_folders /p":       "docs group:print",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merge (-want +got):\n%s", diff)
	}
}

// The order of the secondary groups is the order written, whatever their names
// and wherever they are defined.
func TestMergeOrderOfSecondaryGroups(t *testing.T) {
	groups := []Group{
		group("a", func(g *Group) { g.Permissions = permissions("/x list") }),
		group("b", func(g *Group) { g.Permissions = permissions("/x download") }),
		group("c", func(g *Group) { g.Permissions = permissions("/x upload") }),
	}
	for order, want := range map[string]string{"a b c": "list", "c b a": "upload", "b a c": "download", "c a b": "upload"} {
		a := Account{Name: "alice", SecondaryGroups: words(order)}
		for _, g := range merged(t, a, groups...).Permissions {
			if g.Path == "/x" && g.Verbs.String() != want {
				t.Errorf("secondary groups %s: /x = %s, want %s", order, g.Verbs, want)
			}
		}
	}
}
