package aegir

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/config"
	"grantfs/policy"
)

func said(v string) policy.Setting[string] { return policy.Setting[string]{Value: v, Set: true} }

// found is an instance with one site for each "uri client" and what is marked
// after it.
func found(name string, sites ...string) Instance {
	inst := Instance{Name: name, Dir: "/data/disk/" + name, At: policy.Pos{File: "g.toml", Line: 1}}
	for _, line := range sites {
		f := strings.Fields(line)
		s := Site{URI: f[0], Source: inst.Dir + "/p/sites/" + f[0], At: policy.Pos{File: f[0]}, Enabled: true}
		for _, word := range f[1:] {
			switch word {
			case "off":
				s.Enabled = false
			case "missing":
				s.Missing = true
			case "barred":
				s.Barred = true
			default:
				s.Client = word
			}
		}
		inst.Sites = append(inst.Sites, s)
	}
	return inst
}

func account(name string) policy.Account {
	a := policy.Account{Name: name}
	a.At = policy.Pos{File: "c.toml", Line: 1}
	return a
}

// accountLines describes accounts: "name [instance/client] [main] [groups]".
func accountLines(accounts []policy.Account) []string {
	var list []string
	for _, a := range accounts {
		line := a.Name
		if a.Discovered {
			line += " " + a.Instance + "/" + a.Client
		}
		if a.Main {
			line += " main"
		}
		if a.PrimaryGroup.Value != "" {
			line += " " + a.PrimaryGroup.Value
		}
		for _, g := range a.SecondaryGroups {
			line += " +" + g.Value
		}
		list = append(list, line)
	}
	slices.Sort(list)
	return list
}

// siteLines describes sites: "uri owner [unowned] [off] preset".
func siteLines(sites []policy.Site) []string {
	var list []string
	for _, s := range sites {
		line := fmt.Sprintf("%s/%s %q", s.Instance, s.URI, s.OwnerAccount)
		if s.Unowned {
			line += " unowned"
		}
		if !s.Enabled {
			line += " off"
		}
		list = append(list, line+" "+s.Preset)
	}
	return list
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name      string
		instances []Instance
		in        policy.Input
		cfg       config.Aegir
		accounts  []string
		sites     []string
		problems  []string
	}{
		{
			name:      "clients and their sites",
			instances: []Instance{found("o1", "a.test foo", "b.test foo off", "c.test bar off", "d.test"), found("o2", "a.test foo")},
			accounts:  []string{"o1.foo o1/foo", "o1.ftp o1/ main", "o2.foo o2/foo", "o2.ftp o2/ main"},
			sites: []string{
				`o1/a.test "o1.foo" aegir`, `o1/b.test "o1.foo" off aegir`, `o1/c.test "" off aegir`,
				`o1/d.test "" unowned aegir`, `o2/a.test "o2.foo" aegir`,
			},
		},
		{
			name:      "what attaches no client",
			instances: []Instance{found("o1", "a.test foo missing", "b.test bar barred", "c.test baz", "d.test baz missing", "e.test baz barred")},
			accounts:  []string{"o1.baz o1/baz", "o1.ftp o1/ main"},
			sites: []string{
				`o1/a.test "" aegir`, `o1/b.test "" aegir`, `o1/c.test "o1.baz" aegir`,
				`o1/d.test "o1.baz" aegir`, `o1/e.test "" aegir`,
			},
		},
		{
			name:      "refused logins",
			instances: []Instance{found("o1", "a.test foo_bar", "b.test foobar", "c.test web", "d.test x_y", "e.test x-y")},
			accounts:  []string{"o1.foobar o1/foobar", "o1.ftp o1/ main"},
			sites: []string{
				`o1/a.test "" aegir`, `o1/b.test "o1.foobar" aegir`, `o1/c.test "" aegir`,
				`o1/d.test "" aegir`, `o1/e.test "" aegir`,
			},
			problems: []string{
				`a.test: warning: client "foo_bar" of o1 gets no account: the login o1.foobar would also be that of "foobar"`,
				`c.test: warning: client "web" of o1 gets no account: the login o1.web is reserved`,
				`d.test: warning: client "x_y" of o1 gets no account: the login o1.xy would also be that of "x-y"`,
				`e.test: warning: client "x-y" of o1 gets no account: the login o1.xy would also be that of "x_y"`,
			},
		},
		{
			name:      "groups of discovered accounts",
			instances: []Instance{found("o1", "a.test foo", "b.test bar")},
			in: policy.Input{Accounts: []policy.Account{
				{Name: "o1.bar", PrimaryGroup: said("own")},
				{Name: "alice", PrimaryGroup: said("own")},
			}},
			cfg: config.Aegir{
				ClientPrimaryGroup:    said("agency"),
				ClientSecondaryGroups: []policy.Setting[string]{said("print"), said("video")},
				MainPrimaryGroup:      said("mains"),
			},
			accounts: []string{"alice own", "o1.bar o1/bar own +print +video", "o1.foo o1/foo agency +print +video", "o1.ftp o1/ main mains"},
			sites:    []string{`o1/a.test "o1.foo" aegir`, `o1/b.test "o1.bar" aegir`},
		},
		{
			name:      "empty and refused groups",
			instances: []Instance{found("o1", "a.test foo", "b.test bar")},
			in: policy.Input{Accounts: []policy.Account{
				{Name: "o1.bar", PrimaryGroup: said(""), SecondaryGroups: []policy.Setting[string]{said("own")}},
			}},
			cfg: config.Aegir{
				ClientPrimaryGroup:    said("agency"),
				ClientSecondaryGroups: []policy.Setting[string]{said("print")},
				MainPrimaryGroup:      said(""),
			},
			accounts: []string{"o1.bar o1/bar +own", "o1.foo o1/foo agency +print", "o1.ftp o1/ main"},
			sites:    []string{`o1/a.test "o1.foo" aegir`, `o1/b.test "o1.bar" aegir`},
		},
		{
			name:      "configured accounts without a site",
			instances: []Instance{found("o1", "a.test foo off", "b.test x_y", "c.test x-y"), found("o1.x", "d.test foo")},
			in: policy.Input{Accounts: []policy.Account{
				account("o1.foo"), account("o1.gone"), account("o1.ftp"), account("o1.web"), account("o1.xy"),
				account("o1.x.foo"), account("o1.x.gone"), account("o3.foo"), account("o1"), account("bob"),
			}},
			accounts: []string{"bob", "o1", "o1.ftp o1/ main", "o1.x.foo o1.x/foo", "o1.x.ftp o1.x/ main", "o3.foo"},
			sites:    []string{`o1/a.test "" off aegir`, `o1/b.test "" aegir`, `o1/c.test "" aegir`, `o1.x/d.test "o1.x.foo" aegir`},
			problems: []string{
				`b.test: warning: client "x_y" of o1 gets no account: the login o1.xy would also be that of "x-y"`,
				"c.test: warning: client \"x-y\" of o1 gets no account: the login o1.xy would also be that of \"x_y\"",
				"c.toml:1: warning: account o1.foo grants nothing: no site of o1 is attached to it",
				"c.toml:1: warning: account o1.gone grants nothing: no site of o1 is attached to it",
				"c.toml:1: warning: account o1.web grants nothing: no site of o1 is attached to it",
				"c.toml:1: warning: account o1.x.gone grants nothing: no site of o1.x is attached to it",
				"c.toml:1: warning: account o1.xy grants nothing: no site of o1 is attached to it",
			},
		},
		{
			name:      "sites of the files",
			instances: []Instance{found("o1", "a.test foo off", "b.test x_y", "c.test x-y")},
			in: policy.Input{
				Accounts: []policy.Account{account("alice"), account("o1.kept"), account("o1.xy"), account("o1.web")},
				Sites: []policy.Site{
					{URI: "1.test", OwnerAccount: "alice", Preset: "none", Enabled: true},
					{URI: "2.test", OwnerAccount: "o1.foo", Preset: "none", Enabled: true},
					{URI: "3.test", OwnerAccount: "o1.kept", Preset: "none", Enabled: true},
					{URI: "4.test", OwnerAccount: "o1.gone", Preset: "none", Enabled: true, At: policy.Pos{File: "s.toml", Line: 4}},
					{URI: "5.test", OwnerAccount: "o1.xy", Preset: "none", Enabled: true, At: policy.Pos{File: "s.toml", Line: 5}},
					{URI: "6.test", OwnerAccount: "o1.web", Preset: "none", Enabled: true, At: policy.Pos{File: "s.toml", Line: 6}},
					{URI: "7.test", OwnerAccount: "typo", Preset: "none", Enabled: true},
					{URI: "8.test", OwnerAccount: "o1.ftp", Preset: "none", Enabled: true},
				},
			},
			accounts: []string{"alice", "o1.foo o1/foo", "o1.ftp o1/ main", "o1.kept"},
			sites: []string{
				`/1.test "alice" none`, `/2.test "o1.foo" none`, `/3.test "o1.kept" none`, `/4.test "" none`,
				`/5.test "" none`, `/6.test "" none`, `/7.test "typo" none`, `/8.test "o1.ftp" none`,
				`o1/a.test "o1.foo" off aegir`, `o1/b.test "" aegir`, `o1/c.test "" aegir`,
			},
			problems: []string{
				`b.test: warning: client "x_y" of o1 gets no account: the login o1.xy would also be that of "x-y"`,
				`c.test: warning: client "x-y" of o1 gets no account: the login o1.xy would also be that of "x_y"`,
				"c.toml:1: warning: account o1.web grants nothing: no site of o1 is attached to it",
				"c.toml:1: warning: account o1.xy grants nothing: no site of o1 is attached to it",
				"s.toml:4: warning: site 4.test has no owner: there is no account o1.gone",
				"s.toml:5: warning: site 5.test has no owner: there is no account o1.xy",
				"s.toml:6: warning: site 6.test has no owner: there is no account o1.web",
			},
		},
		{
			name:      "an instance whose name makes no login",
			instances: []Instance{found("O1", "a.test foo")},
			sites:     []string{`O1/a.test "" aegir`},
			problems: []string{
				`a.test: warning: client "foo" of O1 gets no account: "O1.foo" can't be a login`,
				`g.toml:1: warning: instance /data/disk/O1 gets no main account: "O1.ftp" can't be a login`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			snap := &Snapshot{Instances: c.instances}
			got, problems := snap.Merge(c.in, c.cfg)
			if diff := cmp.Diff(c.accounts, accountLines(got.Accounts)); diff != "" {
				t.Errorf("accounts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.sites, siteLines(got.Sites)); diff != "" {
				t.Errorf("sites (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.problems, tree{top: "/none"}.lines(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever the files set stays; folders are added where the account has none.
func TestMergeKeyByKey(t *testing.T) {
	inst := found("o1", "a.test foo")
	inst.Trees = []Tree{
		{Name: "backups", Path: "/backups", Source: "/data/disk/o1/backups", ReadOnly: true},
		{Name: "static", Path: "/static", Source: "/data/disk/o1/static"},
	}
	main, foo := account("o1.ftp"), account("o1.foo")
	main.VirtualFolders = []policy.Mounting{{Folder: said("mine"), Path: said("/static/")}}
	foo.MaxSessions = policy.Setting[policy.Limit]{Value: policy.Limit{N: 2}, Set: true}
	foo.Enabled = policy.Setting[bool]{Set: true}
	in := policy.Input{
		Accounts: []policy.Account{main, foo},
		Folders:  []policy.Folder{{Name: "o1.backups", Source: said("/elsewhere")}},
	}
	before := fmt.Sprintf("%+v", in)
	got, problems := (&Snapshot{Instances: []Instance{inst}}).Merge(in, config.Aegir{Unowned: said("all")})
	if len(problems) != 0 {
		t.Errorf("problems: %v", problems)
	}
	if after := fmt.Sprintf("%+v", in); after != before {
		t.Errorf("Merge changed its argument:\n%s\n%s", before, after)
	}
	if !got.UnownedAll {
		t.Error("UnownedAll is not set")
	}
	var mounts, folders []string
	for _, a := range got.Accounts {
		for _, v := range a.VirtualFolders {
			mounts = append(mounts, fmt.Sprint(a.Name, " ", v.Path.Value, " ", v.Folder.Value, " ", v.ReadOnly.Value))
		}
		if a.Name == "o1.foo" && (a.MaxSessions.Value.N != 2 || !a.Enabled.Set || a.Enabled.Value || a.At != foo.At) {
			t.Errorf("o1.foo lost what the file set: %+v", a)
		}
	}
	for _, f := range got.Folders {
		folders = append(folders, fmt.Sprint(f.Name, " ", f.Source.Value, " ", f.GroupWrite.Value, " ", f.Owner.Value))
	}
	if diff := cmp.Diff([]string{"o1.ftp /static/ mine false", "o1.ftp /backups o1.backups true"}, mounts); diff != "" {
		t.Errorf("virtual folders (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"o1.backups /elsewhere false ", "o1.static /data/disk/o1/static true inherit"}, folders); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
}

func TestMergeNothing(t *testing.T) {
	in := policy.Input{Accounts: []policy.Account{account("bob")}, Point: "/srv/views"}
	for _, snap := range []*Snapshot{nil, {}} {
		got, problems := snap.Merge(in, config.Aegir{})
		if diff := cmp.Diff(in.Accounts[0].Name, got.Accounts[0].Name); diff != "" || got.Point != in.Point || len(problems) != 0 {
			t.Errorf("Merge of nothing = %+v, %v", got, problems)
		}
	}
}
