package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProblems(t *testing.T) {
	alice := func(of func(*Account)) Input {
		a := Account{Name: "alice", Settings: Settings{At: at(1)}}
		of(&a)
		return Input{Accounts: []Account{a}, Folders: []Folder{folder("media", "/srv/media")}, Point: "/srv/views"}
	}
	long := strings.Repeat("a", 300)
	for _, tt := range []struct {
		name string
		in   Input
		want []string // a part of each problem, in order
	}{
		{"account name", Input{Accounts: []Account{{Name: ".."}, {Name: "Alice"}, {Name: ""}, {Name: strings.Repeat("a", 33)}}}, []string{
			`"" can't be an account's name`, `".." can't`, `"Alice" can't`, `"aaaaa`,
		}},
		{"same name", Input{Accounts: []Account{{Name: "a", Settings: Settings{At: at(2)}}, {Name: "a", Settings: Settings{At: at(1)}}}}, []string{
			`t.toml:2:1: error: account "a" is defined twice, first at t.toml:1:1`,
		}},
		{"one uid", Input{Accounts: []Account{{Name: "a", UID: setAt[uint32](1, 7)}, {Name: "b", UID: setAt[uint32](2, 7)}}}, []string{
			`t.toml:2:1: error: accounts "a" and "b" have one uid, 7 (t.toml:1:1)`,
		}},
		{"uid 0", Input{Accounts: []Account{{Name: "a", UID: setAt[uint32](1, 0)}}}, []string{`can't have uid 0`}},
		{"groups", alice(func(a *Account) {
			a.PrimaryGroup = setAt(2, "none")
			a.SecondaryGroups = []Setting[string]{setAt(3, "g"), setAt(4, "g")}
			a.MembershipGroups = []Setting[string]{setAt(5, "none")}
		}), []string{
			`t.toml:2:1: error: account "alice": there is no group "none"`,
			`t.toml:3:1: error: account "alice": there is no group "g"`,
			`t.toml:4:1: error: account "alice" has group "g" twice, first at t.toml:3:1`,
			`t.toml:5:1: error: account "alice" has group "none" twice, first at t.toml:2:1`,
		}},
		{"paths", alice(func(a *Account) {
			a.Permissions = permissions("/a/../b list", "rel list", "/a//b list", "/a/./b list", "/a\x00 list", "/"+long+" list", strings.Repeat("/a", 5000)+" list", "/ok/ list")
		}), []string{
			`t.toml:1:1: error: permissions: "/a/../b" has a component ".."`,
			`t.toml:2:1: error: permissions: "rel" is not absolute`,
			`t.toml:3:1: error: permissions: "/a//b" has an empty component`,
			`t.toml:4:1: error: permissions: "/a/./b" has a component "."`,
			`t.toml:5:1: error: permissions: "/a\x00" has a NUL byte`,
			`t.toml:6:1: error: permissions: "/aaa`,
			`t.toml:7:1: error: permissions: "/a/a`,
		}},
		{"verbs and globs", alice(func(a *Account) {
			a.Permissions = permissions("/a read list", "/[a list")
			a.Permissions[0].Verbs[0].At = at(9)
			a.FilePatterns = patterns("/a -[a", "/b -a/b", "/c")
			a.FilePatterns[0].Denied[0].At = at(10)
			a.FilePatterns[1].Denied[0].At = at(11)
			a.FilePatterns[2].DenyPolicy = setAt(12, "veil")
			a.FilePatterns[2].At = at(13)
		}), []string{
			`t.toml:2:1: error: permissions: "[a" is no shell glob`,
			`t.toml:9:1: error: "read" is no permission; there are *, list`,
			`t.toml:10:1: error: "[a" is no shell glob`,
			`t.toml:11:1: error: "a/b" can't match`,
			`t.toml:12:1: error: deny_policy is "deny" or "hide", not "veil"`,
			`t.toml:13:1: error: file_patterns: /c neither allows nor denies`,
		}},
		{"same path twice", alice(func(a *Account) {
			a.Permissions = permissions("/a list", "/%username% list", "/alice *", "/a/ *")
			a.VirtualFolders = folders("media /m", "media /m/")
			a.VirtualFolders[0].At, a.VirtualFolders[1].At = at(11), at(12)
		}), []string{
			`t.toml:3:1: error: permissions: /alice is set twice for account:alice, first at t.toml:2:1`,
			`t.toml:4:1: error: permissions: /a is set twice for account:alice, first at t.toml:1:1`,
			`t.toml:12:1: error: virtual_folders: /m is set twice`,
		}},
		{"folders", alice(func(a *Account) {
			a.VirtualFolders = folders("none /m", "media rel", "media /.ssh/x", "media /shared")
			a.VirtualFolders[0].Folder.At = at(1)
			a.VirtualFolders[1].Path.At = at(2)
			a.VirtualFolders[3].Subpath = setAt(5, "../up")
			a.VirtualFolders[3].QuotaSize, a.VirtualFolders[3].QuotaFiles = set(int64(-1)), set(int64(5))
		}), []string{
			`t.toml:1:1: error: virtual_folders: there is no folder "none"`,
			`t.toml:2:1: error: virtual_folders: "rel" is not absolute`,
			`t.toml:3:1: error: virtual_folders: /.ssh/x is a reserved name`,
			`t.toml:4:1: error: virtual_folders: /shared is a reserved name`,
			`t.toml:4:1: error: virtual_folders: quota_size and quota_files`,
			`t.toml:5:1: error: subpath: "../up" has a component ".."`,
		}},
		{"sources", Input{
			Point: "/srv/views",
			Folders: []Folder{
				{Name: "above", At: at(1), Source: setAt(1, "/srv")},
				{Name: "equal", At: at(2), Source: setAt(2, "/srv/views/")},
				{Name: "below", At: at(3), Source: setAt(3, "/srv/views/x")},
				{Name: "rel", At: at(4), Source: setAt(4, "srv")},
				{Name: "none", At: at(5)},
				{Name: "beside", At: at(6), Source: setAt(6, "/srv/views2")},
				{Name: "role", At: at(7), Source: setAt(7, "/x/%role%")},
			},
			Sites: []Site{{URI: "s", Source: "/", At: at(8)}, {URI: "a/b", Source: "/x", At: at(9)}, {URI: "t", Source: "/y", At: at(10), Preset: "drupal"}, {URI: "u", Source: "/z", At: at(11), OwnerAccount: "nobody"}},
		}, []string{
			`t.toml:1:1: error: folder "above": the source /srv overlaps the mount point`,
			`t.toml:2:1: error: folder "equal"`,
			`t.toml:2:1: warning: folder "equal": the source /srv/views lies in that of folder "above"`,
			`t.toml:3:1: error: folder "below"`,
			`t.toml:3:1: warning: folder "below": the source /srv/views/x lies in that of folder "equal"`,
			`t.toml:4:1: error: source: "srv" is not absolute`,
			`t.toml:5:1: error: folder "none" has no source`,
			`t.toml:6:1: warning: folder "beside": the source /srv/views2 lies in that of folder "above"`,
			`t.toml:7:1: error: source: "/x/%role%" has an unknown placeholder %role%`,
			`t.toml:8:1: error: site "s": the source / overlaps the mount point`,
			`t.toml:9:1: error: "a/b" can't be a site's name`,
			`t.toml:10:1: error: site "t": preset is "aegir" or "none", not "drupal"`,
			`t.toml:11:1: error: site "u": there is no account "nobody"`,
		}},
		{"placeholders", Input{
			Point:    "/srv/views",
			Accounts: []Account{{Name: "a", PrimaryGroup: set("g")}, {Name: "b", PrimaryGroup: set("g")}, {Name: "views", PrimaryGroup: set("h")}},
			Groups: []Group{
				group("g", func(g *Group) {
					g.HomeDir = setAt(1, "/srv/%client%")
					g.Permissions = []Permission{{Path: setAt(2, "/%instance%/x"), Verbs: words("list")}}
				}),
				group("h", func(g *Group) { g.HomeDir = setAt(3, "/srv/%username%") }),
			},
		}, []string{
			`t.toml:1:1: error: home_dir: %client% in "/srv/%client%" expands to nothing (account "a" and 1 more)`,
			`t.toml:2:1: error: permissions: %instance% in "/%instance%/x" expands to nothing (account "a" and 1 more)`,
			`t.toml:3:1: error: home_dir: /srv/views overlaps the mount point /srv/views (account "views")`,
		}},
		{"ties", alice(func(a *Account) {
			a.Permissions = permissions("/a*b/x list", "/?ab/x list", "/ab*/x list", "/abc/x list", "/a*c/y list")
		}), []string{
			`t.toml:2:1: error: permissions: /?ab/x and /a*b/x (t.toml:1:1)`,
			`t.toml:3:1: error: permissions: /ab*/x and /a*b/x (t.toml:1:1)`,
		}},
		{"contradictions", alice(func(a *Account) {
			a.DefaultSharesExpiration = setAt(2, 3*time.Hour)
			a.MaxSharesExpiration = setAt(3, time.Hour)
			a.DeniedLoginMethods = words("publickey password keyboard-interactive TLSCertificate")
			a.DeniedLoginMethods[3].At = at(4)
			a.DeniedProtocols = words("SSH")
			a.TwoFactorProtocols = []Setting[string]{setAt(6, "SSH")}
			a.ExpiresIn = setAt(7, time.Hour)
		}), []string{
			`t.toml:1:1: error: account "alice" inherits expires_in from account:alice (t.toml:7:1) and needs created_at`,
			`t.toml:2:1: error: default_shares_expiration of account:alice exceeds`,
			`t.toml:4:1: error: denied_login_methods leaves nothing: publickey by account:alice, password by`,
			`t.toml:6:1: error: two_factor_protocols of account:alice asks for SSH, which account:alice denies`,
		}},
		{"site and folder at one path", Input{
			Accounts: []Account{{Name: "a", Settings: Settings{VirtualFolders: folders("media /sites/s.test")}}},
			Folders:  []Folder{folder("media", "/srv/media")},
			Sites:    []Site{{URI: "s.test", Source: "/x", OwnerAccount: "a", At: at(9)}},
		}, []string{`t.toml:1:1: error: folder:media and site:s.test (t.toml:9:1) are both mounted at /sites/s.test`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := Compile(tt.in)
			if s != nil {
				t.Error("Compile returned a Set in spite of errors")
			}
			for i, p := range problems {
				if i >= len(tt.want) {
					t.Errorf("unexpected: %s", p)
				} else if !strings.Contains(p.String(), tt.want[i]) {
					t.Errorf("problem %d = %s\nwant %s", i, p, tt.want[i])
				}
			}
			for _, w := range tt.want[min(len(problems), len(tt.want)):] {
				t.Errorf("missing: %s", w)
			}
		})
	}
}

// A conflict between secondary groups is a warning that names both, or an error
// if the configuration says so.
func TestConflicts(t *testing.T) {
	in := Input{
		Accounts: []Account{
			home(Account{Name: "a", SecondaryGroups: words("one two")}),
			home(Account{Name: "b", SecondaryGroups: words("one two")}),
			home(Account{Name: "c", PrimaryGroup: set("one"), SecondaryGroups: words("two")}),
		},
		Groups: []Group{
			group("one", func(g *Group) { g.Permissions = []Permission{{Path: setAt(1, "/x"), Verbs: words("list")}} }),
			group("two", func(g *Group) { g.Permissions = []Permission{{Path: setAt(2, "/x"), Verbs: words("*")}} }),
		},
	}
	text := `permissions: /x of group:two is not used: group:one, written before it, sets it at t.toml:1:1 (account "a" and 1 more)`
	for _, strict := range []bool{false, true} {
		in.StrictConflicts = strict
		want := []Problem{{At: at(2), Severity: SeverityWarning, Text: text}}
		if strict {
			want[0].Severity = SeverityError
		}
		s, got := Compile(in)
		if diff := cmp.Diff(want, got); diff != "" || (s == nil) != strict {
			t.Errorf("strict %v: Set %v, problems (-want +got):\n%s", strict, s != nil, diff)
		}
	}
}

// Whatever the order of the input, the result is the same; and Compile leaves
// its input alone.
func TestCompileIgnoresOrder(t *testing.T) {
	in := host()
	in.Accounts = append(in.Accounts, Account{Name: "bad name"}, Account{Name: "x", UID: setAt[uint32](3, 9)}, Account{Name: "y", UID: setAt[uint32](4, 9)})
	in.Sites[0].Source += "/"
	before := in.Sites[0].Source
	_, want := Compile(in)
	slices.Reverse(in.Accounts)
	slices.Reverse(in.Folders)
	slices.Reverse(in.Sites)
	_, got := Compile(in)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 2 {
		t.Errorf("problems of the reversed input (-want +got):\n%s\nwant 2: %v", diff, want)
	}
	if after := in.Sites[len(in.Sites)-1].Source; after != before {
		t.Errorf("Compile changed a site's source from %q to %q", before, after)
	}
}

func TestSetAccessors(t *testing.T) {
	a := Account{Name: "bob", UID: set(uint32(7)), Enabled: set(false), PrimaryGroup: set("g"), PasswordHash: set("$6$")}
	s := compile(t, Input{Accounts: []Account{{Name: "zoe"}, a}, Groups: []Group{{Name: "g"}}})
	var names []string
	for _, v := range s.Views() {
		names = append(names, v.Account())
	}
	if diff := cmp.Diff([]string{"bob", "zoe"}, names); diff != "" {
		t.Errorf("Views() (-want +got):\n%s", diff)
	}
	v := view(t, s, "bob")
	primary, _, _ := v.Groups()
	if v.UID().Value != 7 || v.Enabled() || v.Main() || primary != "g" || v.PasswordHash().Value != "$6$" {
		t.Errorf("bob: uid %v enabled %v main %v primary %q", v.UID(), v.Enabled(), v.Main(), primary)
	}
	if !view(t, s, "zoe").Enabled() {
		t.Error("an account that does not say so is enabled")
	}
	if _, ok := s.View("nobody"); ok {
		t.Error("View(nobody) found a view")
	}
}
