package account

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/integration/state"
	"grantfs/integration/userdb"
	"grantfs/policy"
)

// host is the users and groups of a host.
type host struct {
	users  map[string][2]uint32
	groups map[string]uint32
}

func (h host) User(name string) (uid, gid uint32, ok bool) {
	ids, ok := h.users[name]
	return ids[0], ids[1], ok
}

func (h host) Group(name string) (uint32, bool) {
	gid, ok := h.groups[name]
	return gid, ok
}

// UIDName takes the first name, as a passwd file in order of names would.
func (h host) UIDName(uid uint32) (string, bool) {
	var names []string
	for name, ids := range h.users {
		if ids[0] == uid {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return slices.Min(names), true
}

func openStore(t *testing.T) *state.Store {
	t.Helper()
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func uid(n uint32) policy.Setting[uint32] {
	return policy.Setting[uint32]{Value: n, Set: true, At: policy.Pos{File: "x.toml", Line: 7, Col: 1}}
}

func hash(text string) policy.Setting[string] {
	return policy.Setting[string]{Value: text, Set: true}
}

// line is an account as one line: name, ids, hash and marks.
func line(a Account) string {
	s := fmt.Sprintf("%s %d:%d", a.Name, a.UID, a.GID)
	if a.Hash != "" {
		s += " " + a.Hash
	}
	if a.Locked {
		s += " locked"
	}
	if a.Adopted {
		s += " adopted"
	}
	return s
}

func TestSync(t *testing.T) {
	debian := host{
		users:  map[string][2]uint32{"root": {0, 0}, "nobody": {65534, 65534}, "o1": {1001, 100}, "o1.ftp": {1002, 100}},
		groups: map[string]uint32{"users": 100},
	}
	grouped := host{users: debian.users, groups: map[string]uint32{"grantfs": 990}}
	twins := host{users: map[string][2]uint32{"a": {50, 50}, "b": {50, 50}, "toor": {0, 0}}}
	late := host{users: map[string][2]uint32{"bob": {5016, 5016}}}
	type step struct {
		entries  []Entry
		host     host
		want     []string
		problems []string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"allotted after the groups' ids", []step{{
			entries: []Entry{{Name: "b"}, {Name: "a", PasswordHash: hash("$6$a")}},
			host:    debian,
			want:    []string{"a 5017:5000 $6$a", "b 5016:5000"},
		}}},
		{"the host's group", []step{{
			entries: []Entry{{Name: "a"}}, host: grouped, want: []string{"a 5016:990"},
		}}},
		{"adopted", []step{{
			entries: []Entry{{Name: "o1.ftp", Main: true, PasswordHash: hash("$6$a")}},
			host:    debian, want: []string{"o1.ftp 1002:100 adopted"},
		}}},
		{"adopted, another uid configured", []step{{
			entries: []Entry{{Name: "o1.ftp", UID: uid(7)}}, host: debian,
			want:     []string{"o1.ftp 1002:100 adopted"},
			problems: []string{"x.toml:7:1: warning: account o1.ftp: uid 7 is not used, the host's user of this name has 1002"},
		}}},
		{"root is never an account", []step{{
			entries: []Entry{{Name: "toor"}, {Name: "c"}}, host: twins, want: []string{"c 5016:5000"},
			problems: []string{"-: error: account toor is left out: it is a name of root on this host"},
		}}},
		{"adopted, uid shared on the host", []step{{
			entries: []Entry{{Name: "a"}, {Name: "b"}}, host: twins, want: []string{"a 50:50 adopted"},
			problems: []string{
				"-: warning: account a: it is a system user of this host (uid 50)",
				"-: error: account b is left out: its uid 50 on this host is also that of the user a",
			},
		}}},
		{"configured", []step{{
			entries: []Entry{{Name: "a", UID: uid(61001)}, {Name: "b", UID: uid(1001)}, {Name: "c", UID: uid(0)}},
			host:    debian, want: []string{"a 61001:5000"},
			problems: []string{
				"x.toml:7:1: error: account b is left out: uid 1001 is that of the user o1 of this host",
				"x.toml:7:1: error: account c is left out: uid 0 is reserved",
			},
		}}},
		{"configured, another account's", []step{
			{entries: []Entry{{Name: "a"}}, host: debian, want: []string{"a 5016:5000"}},
			{
				entries: []Entry{{Name: "b", UID: uid(5016)}}, host: debian, want: []string{"a 5016:5000 locked"},
				problems: []string{"x.toml:7:1: error: account b is left out: uid 5016 belongs to the account a"},
			},
		}},
		{"gone and back", []step{
			{entries: []Entry{{Name: "a", PasswordHash: hash("$6$a")}, {Name: "b"}}, host: debian, want: []string{"a 5016:5000 $6$a", "b 5017:5000"}},
			{entries: []Entry{{Name: "c"}, {Name: "b"}}, host: debian, want: []string{"a 5016:5000 locked", "b 5017:5000", "c 5018:5000"}},
			{entries: []Entry{{Name: "a"}}, host: debian, want: []string{"a 5016:5000 $6$a", "b 5017:5000 locked", "c 5018:5000 locked"}},
		}},
		{"disabled", []step{{
			entries: []Entry{{Name: "a", Locked: true}}, host: debian, want: []string{"a 5016:5000 locked"},
		}}},
		{"the host takes a uid later", []step{
			{entries: []Entry{{Name: "a"}, {Name: "b"}}, host: debian, want: []string{"a 5016:5000", "b 5017:5000"}},
			{
				entries: []Entry{{Name: "a"}, {Name: "b"}}, host: late, want: []string{"b 5017:5000"},
				problems: []string{"-: error: account a is left out: its uid 5016 is that of the user bob of this host now"},
			},
			{entries: nil, host: late, want: []string{"b 5017:5000 locked"}},
		}},
		{"the host takes a name later", []step{
			{entries: []Entry{{Name: "bob"}}, host: debian, want: []string{"bob 5016:5000"}},
			{entries: []Entry{{Name: "bob"}}, host: host{users: map[string][2]uint32{"bob": {1005, 1005}}}, want: []string{"bob 1005:1005 adopted"}},
		}},
		{"the range is full", []step{{
			entries: manyEntries(5), host: host{users: map[string][2]uint32{"x": {5017, 1}}},
			want: []string{"a0 5016:5000", "a1 5018:5000", "a2 5019:5000"},
			problems: []string{
				"-: error: account a3 is left out: no uid is left in the range",
				"-: error: account a4 is left out: no uid is left in the range",
			},
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := NewKeeper(openStore(t), 5000, 5019)
			for i, step := range tt.steps {
				table, problems, err := k.Sync(step.entries, nil, step.host)
				if err != nil {
					t.Fatal(err)
				}
				var got, gotProblems []string
				for a := range table.Accounts() {
					got = append(got, line(a))
				}
				for _, p := range problems {
					gotProblems = append(gotProblems, p.String())
				}
				if diff := cmp.Diff(step.want, got); diff != "" {
					t.Errorf("step %d: accounts (-want +got):\n%s", i+1, diff)
				}
				if diff := cmp.Diff(step.problems, gotProblems); diff != "" {
					t.Errorf("step %d: problems (-want +got):\n%s", i+1, diff)
				}
			}
		})
	}
}

func manyEntries(n int) []Entry {
	entries := make([]Entry, n)
	for i := range entries {
		entries[i].Name = fmt.Sprintf("a%d", i)
	}
	return entries
}

func TestTableJSON(t *testing.T) {
	k := NewKeeper(openStore(t), 5000, 5999)
	empty, _, err := k.Sync(nil, nil, host{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(empty); string(got) != "[]" {
		t.Errorf("JSON of no account = %s, want []", got)
	}
	table, _, err := k.Sync([]Entry{
		{Name: "o1.ftp", Main: true, Sites: []string{"a.example.org", "b.example.org"}},
		{Name: "o1.foo", PasswordHash: hash("$6$secret")},
	}, nil, host{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(table)
	want := `[{"name":"o1.foo","uid":5017,"gid":5000,"locked":false,"main":false,"adopted":false,"sites":[]},` +
		`{"name":"o1.ftp","uid":5016,"gid":5000,"locked":false,"main":true,"adopted":false,"sites":["a.example.org","b.example.org"]}]`
	if err != nil || string(got) != want {
		t.Errorf("JSON = %s, %v, want %s", got, err, want)
	}
	if strings.Contains(string(got), "secret") {
		t.Error("the JSON holds a hash")
	}
}

func TestDirectory(t *testing.T) {
	local := host{users: map[string][2]uint32{"o1.ftp": {1002, 100}}, groups: map[string]uint32{"grantfs-2fa": 991}}
	table, _, err := NewKeeper(openStore(t), 5000, 5999).Sync([]Entry{
		{Name: "o1.ftp", Groups: []string{GroupTwoFactor}},
		{Name: "o1.foo", Groups: []string{GroupNoPassword, GroupTwoFactor, "sudo"}, PasswordHash: hash("$6$x")},
	}, nil, local)
	if err != nil {
		t.Fatal(err)
	}
	foo := userdb.User{Name: "o1.foo", UID: 5016, GID: 5000, Hash: "$6$x"}
	if got, ok := table.UserByName("o1.foo"); !ok || got != foo {
		t.Errorf("UserByName = %v, %v, want %v", got, ok, foo)
	}
	if got, ok := table.UserByUID(5016); !ok || got != foo {
		t.Errorf("UserByUID = %v, %v, want %v", got, ok, foo)
	}
	// An adopted account is the host's business.
	if got, ok := table.UserByName("o1.ftp"); ok {
		t.Errorf("UserByName of an adopted account = %v, want none", got)
	}
	if got, ok := table.UserByUID(1002); ok {
		t.Errorf("UserByUID of an adopted account = %v, want none", got)
	}
	if got := slices.Collect(table.Users()); !slices.Equal(got, []userdb.User{foo}) {
		t.Errorf("Users = %v, want %v", got, foo)
	}
	groups := []userdb.Group{{Name: "grantfs", GID: 5000}, {Name: "grantfs-2fa", GID: 991}, {Name: "grantfs-nopassword", GID: 5002}, {Name: "grantfs-nopublickey", GID: 5003}, {Name: "grantfs-nokeyboard", GID: 5004}, {Name: "grantfs-nossh", GID: 5005}}
	if diff := cmp.Diff(groups, slices.Collect(table.Groups())); diff != "" {
		t.Errorf("Groups (-want +got):\n%s", diff)
	}
	if got, ok := table.GroupByGID(991); !ok || got.Name != "grantfs-2fa" {
		t.Errorf("GroupByGID(991) = %v, %v", got, ok)
	}
	if got, ok := table.GroupByName("sudo"); ok {
		t.Errorf("GroupByName(sudo) = %v, want none", got)
	}
	tests := []struct {
		user, group string
		want        []userdb.Membership
	}{
		{"o1.foo", "", []userdb.Membership{{User: "o1.foo", Group: "grantfs-2fa"}, {User: "o1.foo", Group: "grantfs-nopassword"}}},
		{"", "grantfs-2fa", []userdb.Membership{{User: "o1.foo", Group: "grantfs-2fa"}, {User: "o1.ftp", Group: "grantfs-2fa"}}},
		{"o1.ftp", "grantfs-2fa", []userdb.Membership{{User: "o1.ftp", Group: "grantfs-2fa"}}},
		{"o1.ftp", "grantfs-nopassword", nil},
		{"nobody", "", nil},
		{"", "grantfs", nil},
		{"", "sudo", nil},
		{"", "", []userdb.Membership{
			{User: "o1.foo", Group: "grantfs-2fa"}, {User: "o1.ftp", Group: "grantfs-2fa"}, {User: "o1.foo", Group: "grantfs-nopassword"},
		}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, slices.Collect(table.Memberships(tt.user, tt.group))); diff != "" {
			t.Errorf("Memberships(%q, %q) (-want +got):\n%s", tt.user, tt.group, diff)
		}
	}
}

func TestSyncReportsTheStore(t *testing.T) {
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := NewKeeper(store, 1, 100).Sync([]Entry{{Name: "a"}}, nil, host{}); err == nil {
		t.Error("Sync on a closed store = nil, want an error")
	}
}

// BenchmarkSync is a reload with nothing new for Unix, 10,000 accounts.
func BenchmarkSync(b *testing.B) {
	store, err := state.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	}()
	k, entries := NewKeeper(store, 1_900_000_000, 1_900_999_999), manyEntries(10_000)
	for i := range entries {
		entries[i].PasswordHash = hash("$6$abcdefgh$hash")
	}
	sync := func() {
		if _, problems, err := k.Sync(entries, nil, host{}); err != nil || len(problems) > 0 {
			b.Fatal(problems, err)
		}
	}
	sync() // the first allots and writes
	for b.Loop() {
		sync()
	}
}

// TestSyncGone: an account that is in the policy no more is locked, keeps its uid, and
// says why; a user of the host too, if it was one of an instance that is still there.
func TestSyncGone(t *testing.T) {
	store := openStore(t)
	k := NewKeeper(store, 5000, 5999)
	h := host{users: map[string][2]uint32{"o1.old": {1004, 100}, "o2.old": {1104, 100}, "o1.shell": {1005, 100}, "alice": {1006, 100}}}
	main := Entry{Name: "o1.ftp", Main: true}
	before := []Entry{main, {Name: "o1.foo"}, {Name: "o1.bar"}, {Name: "o1.old"}, {Name: "o2.ftp", Main: true}, {Name: "o2.old"}, {Name: "alice"}}
	since, err := store.Appeared([]string{"o1.ftp", "o1.foo", "o1.bar", "o1.old", "o2.ftp", "o2.old"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Sync(before, nil, h); err != nil {
		t.Fatal(err)
	}
	table, problems, err := k.Sync([]Entry{main, {Name: "o1.off", Locked: true}}, map[string]string{"o1.bar": "two are called so"}, h)
	if err != nil || problems != nil {
		t.Fatalf("%v, %v", problems, err)
	}
	var got []string
	for a := range table.Accounts() {
		got = append(got, fmt.Sprintf("%s %d %v %v %s", a.Name, a.UID, a.Locked, a.Adopted, a.Why))
		if a.Locked && a.Name != "o1.off" && !a.Created.Equal(since[a.Name]) {
			t.Errorf("%s was made %s, want %s", a.Name, a.Created, since[a.Name])
		}
	}
	want := []string{
		"o1.bar 5018 true false two are called so",
		"o1.foo 5017 true false no site is attached to it",
		"o1.ftp 5016 false false ",
		"o1.off 5020 true false it is disabled",
		"o1.old 1004 true true no site is attached to it",
		"o2.ftp 5019 true false no site is attached to it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}
