package policy

import (
	"strings"
	"testing"
	"time"
)

// Each warning is there, with its place; and what is right is not warned about.
func TestWarnings(t *testing.T) {
	alice := Account{Name: "alice", PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
	bob := home(Account{Name: "bob", PrimaryGroup: set("staff")})
	for _, tt := range []struct {
		name     string
		accounts []Account
		staff    func(*Group)
		print    func(*Group)
		sites    []Site
		folders  []Folder
		want     []string // parts of each problem, in order; none: nothing may be said
	}{
		{
			name: "leads nowhere", accounts: []Account{alice},
			staff: func(g *Group) {
				g.Permissions = permissions("/ list", "/docs list", "/media list", "/media/in/deep list", "/team list", "/team/m2 list", "/d* list", "/sites/x.test list", "/m* list")
				g.FilePatterns = patterns("/media -*.exe", "/docs -*.exe")
				g.VirtualFolders = folders("media /media", "media /team/m2")
				g.StartDirectory = setAt(30, "/docs")
			},
			want: []string{
				`t.toml:2:1: warning: file_patterns: /docs leads nowhere: there is no home, and no folder or site lies at, above or below it (account "alice")`,
				`t.toml:2:1: warning: permissions: /docs leads nowhere`,
				`t.toml:7:1: warning: permissions: /d* leads nowhere`,
				`t.toml:9:1: warning: permissions: /m* is not used: /media decides about all that it could stand for (t.toml:3:1)`,
				`t.toml:30:1: warning: start_directory: /docs leads nowhere`,
			},
		},
		{
			name: "leads somewhere for one member", accounts: []Account{alice, bob},
			staff: func(g *Group) {
				g.Permissions = permissions("/docs list", "/d* list")
				g.FilePatterns = patterns("/docs -*.exe")
				g.StartDirectory = setAt(30, "/docs")
			},
		},
		{
			name: "nobody inherits it", accounts: []Account{{Name: "carol"}},
			staff: func(g *Group) { g.Permissions = permissions("/docs list") },
		},
		{
			name: "a glob that has something left", accounts: []Account{alice},
			staff: func(g *Group) {
				g.Permissions = permissions("/media list", "/m* list", "/*/x list")
				g.VirtualFolders = folders("media /media", "media /m2")
			},
		},
		{
			name: "/ of a secondary group", accounts: []Account{alice},
			print: func(g *Group) {
				g.Permissions = permissions("/ list")
				g.VirtualFolders = folders("media /")
			},
			want: []string{
				`t.toml:1:1: warning: permissions: / of group:print is not used: a secondary group gives nothing for / (account "alice")`,
				`t.toml:1:1: warning: virtual_folders: / of group:print is not used`,
			},
		},
		{
			name: "/ of a group that is primary elsewhere", accounts: []Account{alice, {Name: "carol", PrimaryGroup: set("print")}},
			print: func(g *Group) {
				g.Permissions = permissions("/ list")
				g.VirtualFolders = folders("media /")
			},
		},
		{
			name: "single values of a group that is primary for nobody", accounts: []Account{{Name: "carol", SecondaryGroups: words("print"), MembershipGroups: words("staff")}},
			staff: func(g *Group) { g.MaxSessions = setAt(2, Limit{N: 4}) },
			print: func(g *Group) {
				g.MaxSessions, g.HomeDir, g.QuotaScope = setAt(3, Limit{N: 4}), setAt(4, "/srv/x"), setAt(5, "group")
			},
			want: []string{
				`t.toml:3:1: warning: group "print": max_sessions is not used: only a primary group gives it, and this one is nobody's`,
				`t.toml:4:1: warning: group "print": home_dir is not used`,
				`t.toml:5:1: warning: group "print": quota_scope is not used`,
			},
		},
		{
			name: "single values of a group that is primary for another", accounts: []Account{alice, {Name: "carol", PrimaryGroup: set("print")}},
			print: func(g *Group) { g.MaxSessions = setAt(3, Limit{N: 4}) },
		},
		{
			name: "nothing left by the mount", accounts: []Account{bob},
			staff: func(g *Group) {
				g.Permissions = permissions("/media upload delete", "/open upload", "/none", "/media/open upload")
				g.VirtualFolders = folders("media /media ro", "docs /open", "media /none ro")
			},
			want: []string{
				`t.toml:1:1: warning: permissions: /media gives upload,delete_files,delete_dirs, of which folder:media leaves nothing: it allows list,download,copy (t.toml:1:1) (account "bob")`,
				`t.toml:4:1: warning: permissions: /media/open gives upload`,
			},
		},
		{
			name: "something left by a mount below", accounts: []Account{bob},
			staff: func(g *Group) {
				g.Permissions = permissions("/media upload")
				g.VirtualFolders = folders("media /media ro", "docs /media/in")
			},
		},
		{
			name: "deny beats allow", accounts: []Account{bob},
			staff: func(g *Group) {
				g.FilePatterns = patterns("/ +*.jpg +*.png -*", "/a +*.JPG +*.gif -*.jpg", "/b +*.txt -secret*")
			},
			want: []string{
				`-: warning: file_patterns: allowed "*.JPG" has no effect: denied "*.jpg"`,
				`-: warning: file_patterns: allowed "*.jpg" has no effect: denied "*" (-) beats it`,
				`-: warning: file_patterns: allowed "*.png" has no effect`,
			},
		},
		{
			name: "networks", accounts: []Account{alice},
			staff: func(g *Group) {
				g.AllowedIP = networks("10.1.0.0/16", "192.0.2.0/24")
				g.BandwidthLimits = []BandwidthLimit{
					{At: at(11), Sources: networks("10.0.0.0/8", "192.0.2.0/24")},
					{At: at(12), Sources: networks("10.1.0.0/16", "192.0.2.7/32")},
					{At: at(13), Sources: networks("10.1.0.0/16", "198.51.100.0/24")},
				}
				g.DataTransferLimits = []DataTransferLimit{{At: at(14), Sources: networks("0.0.0.0/0")}, {At: at(15), Sources: networks("::/0")}}
			},
			print: func(g *Group) {
				g.DeniedIP = networks("10.0.0.0/8")
				g.DataTransferLimits = []DataTransferLimit{{At: at(16), Sources: networks("10.0.0.0/8")}}
			},
			want: []string{
				`t.toml:1:1: warning: allowed_ip: 10.1.0.0/16 of group:staff is not used: 10.0.0.0/8, which group:print denies, contains it (t.toml:1:1) (account "alice")`,
				`t.toml:12:1: warning: bandwidth_limits: the entry of group:staff is not used: one of group:staff before it has all of its networks (t.toml:11:1)`,
				`t.toml:16:1: warning: data_transfer_limits: the entry of group:print is not used: one of group:staff before it`,
			},
		},
		{
			name: "quotas", accounts: []Account{
				{Name: "carol", Settings: Settings{QuotaSize: setAt(3, Limit{N: 1 << 30}), QuotaFiles: setAt(4, Limit{N: 11}), QuotaInodes: setAt(5, Limit{N: 10})}, PrimaryGroup: set("staff")},
			},
			staff: func(g *Group) {
				g.QuotaScope = set("group")
				g.QuotaSize = setAt(6, Limit{N: 1 << 29})
				g.VirtualFolders = folders("media /m", "media /n", "inner /o", "docs /p")
				for i, n := range []int64{5, 6, 7, 8} {
					g.VirtualFolders[i].QuotaSize = setAt(20+i, n)
				}
			},
			folders: []Folder{{Name: "inner", Source: setAt(40, "/srv/media/inner")}},
			sites: []Site{
				{URI: "a.test", Source: "/var/www/a", OwnerAccount: "carol", At: at(8), QuotaSize: setAt(8, Limit{N: 1<<30 + 1})},
				{URI: "b.test", Source: "/var/www/b", OwnerAccount: "carol", At: at(9), QuotaSize: setAt(9, Limit{N: 1 << 30}), QuotaFiles: set(Limit{Unlimited: true})},
			},
			want: []string{
				`t.toml:3:1: warning: account "carol": quota_size of 1GiB exceeds 512MiB that group "staff" shares among its members (t.toml:6:1)`,
				`t.toml:4:1: warning: quota_files of account:carol, 11, exceeds quota_inodes of account:carol, 10`,
				`t.toml:8:1: warning: site "a.test": quota_size of 1073741825 exceeds 1GiB of its owner "carol" (account:carol, t.toml:3:1)`,
				`t.toml:21:1: warning: virtual_folders: quota_size of 6 at /n exceeds 5 at /m, whose folder holds the same files (t.toml:20:1)`,
				`t.toml:22:1: warning: virtual_folders: quota_size of 7 at /o exceeds 5 at /m`,
				`t.toml:22:1: warning: virtual_folders: quota_size of 7 at /o exceeds 6 at /n`,
				`t.toml:40:1: warning: folder "inner": the source /srv/media/inner lies in that of folder "media"`,
			},
		},
		{
			name: "sources", accounts: []Account{{Name: "carol", Settings: Settings{HomeDir: setAt(3, "/srv/media/x")}}, {Name: "dave", Settings: Settings{HomeDir: setAt(4, "/srv/homes/%username%")}, PrimaryGroup: set("staff")}},
			staff:   func(g *Group) { g.HomeDir = setAt(5, "/srv/homes/%username%") },
			folders: []Folder{{Name: "one", Source: setAt(40, "/srv/u/%username%")}, {Name: "two", Source: setAt(41, "/srv/u/%username%")}, {Name: "found", Source: setAt(42, "/srv/u/x"), Discovered: true}},
			sites: []Site{
				{URI: "a.test", Source: "/srv/docs/a", At: at(8)},
				{URI: "b.test", Source: "/srv/docs/b", Instance: "o1", At: at(9)},
				{URI: "c.test", Source: "/srv/docs-c", At: at(10)},
			},
			want: []string{
				`t.toml:3:1: warning: home_dir of account:carol: the source /srv/media/x lies in that of folder "media" (t.toml:91:1)`,
				`t.toml:8:1: warning: site "a.test": the source /srv/docs/a lies in that of folder "docs" (t.toml:91:1)`,
				`t.toml:41:1: warning: folder "two": the source /srv/u/%username% lies in that of folder "one" (t.toml:40:1)`,
			},
		},
		{
			name: "second factor for a protocol that is denied", accounts: []Account{alice},
			staff: func(g *Group) { g.TwoFactorProtocols = wordsAt(3, "SSH FTP") },
			print: func(g *Group) { g.DeniedProtocols = wordsAt(6, "FTP") },
			want:  []string{`t.toml:4:1: warning: two_factor_protocols of group:staff asks for FTP, which group:print denies (t.toml:6:1) (account "alice")`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := Input{Accounts: tt.accounts, Sites: tt.sites, Folders: append([]Folder{folder("media", "/srv/media"), folder("docs", "/srv/docs")}, tt.folders...)}
			for name, change := range map[string]func(*Group){"staff": tt.staff, "print": tt.print} {
				g := Group{Name: name}
				if change != nil {
					change(&g)
				}
				in.Groups = append(in.Groups, g)
			}
			expectProblems(t, in, tt.want)
		})
	}
}

// The merged result is judged again: what no table says by itself is an error
// that names where each part came from (product.md §4, decision 4).
func TestContradictions(t *testing.T) {
	for _, tt := range []struct {
		name         string
		account      func(*Account)
		staff, print func(*Group)
		want         string // "" for nothing
	}{
		{
			"every method", func(a *Account) { a.DeniedLoginMethods = wordsAt(1, "publickey") }, func(g *Group) { g.DeniedLoginMethods = wordsAt(2, "password") }, func(g *Group) { g.DeniedLoginMethods = wordsAt(3, "keyboard-interactive TLSCertificate") },
			`t.toml:4:1: error: denied_login_methods leaves nothing: publickey by account:alice, password by group:staff, keyboard-interactive by group:print, TLSCertificate by group:print (account "alice")`,
		},
		{
			"every protocol", nil, func(g *Group) { g.DeniedProtocols = wordsAt(2, "FTP") }, func(g *Group) { g.DeniedProtocols = wordsAt(3, "SSH") },
			`t.toml:2:1: error: denied_protocols leaves nothing: SSH by group:print, FTP by group:staff (account "alice")`,
		},
		{
			"every method of the protocol that is left", nil, func(g *Group) { g.DeniedProtocols = wordsAt(2, "FTP") }, func(g *Group) { g.DeniedLoginMethods = wordsAt(3, "publickey password keyboard-interactive") },
			`t.toml:5:1: error: denied_login_methods and denied_protocols leave no way to log in: publickey by group:print, password by group:print, keyboard-interactive by group:print, FTP by group:staff (account "alice")`,
		},
		{"one method is left", nil, func(g *Group) { g.DeniedProtocols = wordsAt(2, "FTP") }, func(g *Group) { g.DeniedLoginMethods = wordsAt(3, "publickey password") }, ""},
		{
			"second factor denied", nil, func(g *Group) { g.TwoFactorProtocols = wordsAt(2, "SSH") }, func(g *Group) { g.WebClient = wordsAt(3, "shares-disabled mfa-disabled") },
			`t.toml:2:1: error: two_factor_protocols of group:staff requires a second factor, which web_client of group:print denies with "mfa-disabled" (t.toml:4:1) (account "alice")`,
		},
		{
			"second factor for nothing", nil, func(g *Group) { g.TwoFactorProtocols = wordsAt(2, "SSH") }, func(g *Group) { g.DeniedProtocols = wordsAt(3, "SSH") },
			`t.toml:2:1: error: two_factor_protocols of group:staff asks for SSH, which group:print denies (t.toml:3:1) (account "alice")`,
		},
		{
			"anonymous and no FTP", func(a *Account) { a.Anonymous = setAt(1, true) }, func(g *Group) { g.DeniedProtocols = wordsAt(2, "FTP") }, nil,
			`error: denied_protocols leaves nothing: SSH by account:alice (anonymous), FTP by group:staff (account "alice")`,
		},
		{
			"anonymous and no password", nil, func(g *Group) { g.Anonymous = setAt(1, true) }, func(g *Group) { g.DeniedLoginMethods = wordsAt(2, "password") },
			`error: denied_login_methods leaves nothing: publickey by group:staff (anonymous), password by group:print`,
		},
		{
			"anonymous and a second factor", nil, func(g *Group) { g.Anonymous = setAt(1, true) }, func(g *Group) { g.TwoFactorProtocols = wordsAt(2, "FTP") },
			`t.toml:2:1: error: two_factor_protocols of group:print asks for FTP, and an anonymous account has no second factor (group:staff, t.toml:1:1)`,
		},
		{
			"default share expiration too long", func(a *Account) { a.DefaultSharesExpiration = setAt(1, 8*time.Hour) }, func(g *Group) { g.MaxSharesExpiration = setAt(2, time.Hour) }, nil,
			`t.toml:1:1: error: default_shares_expiration of account:alice exceeds max_shares_expiration of group:staff (t.toml:2:1) (account "alice")`,
		},
		{
			"default share expiration unlimited", func(a *Account) { a.DefaultSharesExpiration = setAt(1, time.Duration(0)) }, func(g *Group) { g.MaxSharesExpiration = setAt(2, time.Hour) }, nil,
			`t.toml:1:1: error: default_shares_expiration of account:alice exceeds`,
		},
		{"share expirations that fit", func(a *Account) { a.DefaultSharesExpiration = setAt(1, time.Hour) }, func(g *Group) { g.MaxSharesExpiration = setAt(2, time.Hour) }, nil, ""},
		{
			"no address", nil, func(g *Group) { g.AllowedIP = networks("10.0.0.0/9", "10.128.0.0/9") }, func(g *Group) { g.DeniedIP = networks("10.0.0.0/8") },
			`t.toml:1:1: error: allowed_ip leaves no address to log in from: 10.0.0.0/9 by group:print (denied_ip at t.toml:1:1), 10.128.0.0/9 by group:print (denied_ip at t.toml:1:1) (account "alice")`,
		},
		{
			"no address at all", nil, func(g *Group) { g.DeniedIP = networks("0.0.0.0/0") }, func(g *Group) { g.DeniedIP = networks("::/0") },
			`error: denied_ip leaves no address to log in from: 0.0.0.0/0 by group:staff (denied_ip at t.toml:1:1), ::/0 by group:print`,
		},
		{"IPv6 is left", nil, func(g *Group) { g.DeniedIP = networks("0.0.0.0/0") }, nil, ""},
		{
			"expires_in without created_at", nil, func(g *Group) { g.ExpiresIn = setAt(2, time.Hour) }, nil,
			`t.toml:9:1: error: account "alice" inherits expires_in from group:staff (t.toml:2:1) and needs created_at`,
		},
		{"expires_in of a discovered account", func(a *Account) { a.Discovered = true }, func(g *Group) { g.ExpiresIn = setAt(2, time.Hour) }, nil, ""},
		{
			"expires_in of a secondary group", nil, nil, func(g *Group) { g.ExpiresIn = setAt(2, time.Hour) },
			`t.toml:2:1: warning: group "print": expires_in is not used: only a primary group gives it, and this one is nobody's`,
		},
		{"expires_in and expires_at", func(a *Account) { a.ExpiresAt = set(noon) }, func(g *Group) { g.ExpiresIn = setAt(2, time.Hour) }, nil, ""},
		{
			"a zone that nobody resolved", nil, func(g *Group) { g.AccessTime = []AccessTime{{At: at(2), Zone: "Mars/Olympus"}} }, nil,
			`t.toml:2:1: error: access_time: "Mars/Olympus" is no time zone`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := Account{Name: "alice", Settings: Settings{At: at(9)}, PrimaryGroup: set("staff"), SecondaryGroups: words("print")}
			if tt.account != nil {
				tt.account(&a)
			}
			staff, print := Group{Name: "staff"}, Group{Name: "print"}
			if tt.staff != nil {
				tt.staff(&staff)
			}
			if tt.print != nil {
				tt.print(&print)
			}
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			expectProblems(t, Input{Accounts: []Account{a}, Groups: []Group{staff, print}}, want)
		})
	}
}

// expectProblems compiles in and compares what is said with parts of it.
func expectProblems(t *testing.T, in Input, want []string) {
	t.Helper()
	_, got := Compile(in)
	for i, p := range got {
		if i >= len(want) {
			t.Errorf("unexpected: %s", p)
		} else if !strings.Contains(p.String(), want[i]) {
			t.Errorf("problem %d = %s\nwant %s", i, p, want[i])
		}
	}
	for _, w := range want[min(len(got), len(want)):] {
		t.Errorf("missing: %s", w)
	}
}
