package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planned writes changes, one a line.
func planned(list []Change) string {
	var b strings.Builder
	for _, c := range list {
		what := "changed"
		switch {
		case c.Gained:
			what = "gained"
		case c.Lost:
			what = "lost"
		}
		fmt.Fprintf(&b, "%s %s\n", c.Account, what)
		for _, m := range c.Mounts {
			side := func(b *Backing) string {
				switch {
				case b == nil:
					return "nothing"
				case !b.Root:
					return "part of " + b.Mount + " " + b.Source
				}
				return b.Mount + " " + b.Source
			}
			fmt.Fprintf(&b, "mount %s %s -> %s\n", m.Path, side(m.Old), side(m.New))
			for _, r := range m.Rights {
				fmt.Fprintf(&b, "  %s %s -> %s%s\n", r.Path, r.Old, r.New, map[bool]string{true: " names"}[r.Names])
			}
		}
		for _, v := range c.Verbs {
			names := ""
			if v.Names {
				names = " names"
			}
			fmt.Fprintf(&b, "%s +%s -%s%s\n", v.Path, strings.Join(v.Gained.Names(), ","), strings.Join(v.Lost.Names(), ","), names)
		}
		for _, l := range c.Limits {
			fmt.Fprintf(&b, "%s%s %v -> %v\n", l.Path, l.Key, l.Old, l.New)
		}
	}
	return b.String()
}

// planBase is what the cases of TestPlan change.
func planBase() Input {
	alice := home(Account{Name: "alice"})
	alice.PrimaryGroup = set("agency")
	alice.Permissions = permissions("/ list download", "/in list upload")
	agency := Group{Name: "agency"}
	agency.MaxSessions = set(Limit{N: 4})
	agency.VirtualFolders = folders("media /media")
	return Input{
		Accounts: []Account{alice, {Name: "bob"}},
		Groups:   []Group{agency, {Name: "print"}},
		Folders:  []Folder{folder("media", "/srv/media"), folder("other", "/srv/other")},
		Sites:    []Site{{URI: "a.org", Source: "/srv/www/a.org", OwnerAccount: "alice", Preset: "none", Enabled: true}},
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(in *Input)
		want   string
	}{
		{"nothing", func(*Input) {}, ""},
		{"account lost", func(in *Input) { in.Accounts = in.Accounts[:1] }, `
			bob lost
			/ + -list
			/.ssh + -list,download,overwrite,delete_files,chmod,chtimes`},
		{"account gained", func(in *Input) {
			a := Account{Name: "carl"}
			a.VirtualFolders = folders("media /m")
			in.Accounts = append(in.Accounts, a)
		}, `
			carl gained
			mount /m nothing -> folder:media /srv/media
			/ +list -
			/.ssh +list,download,overwrite,delete_files,chmod,chtimes -
			/m +list -`},
		{"verbs", func(in *Input) { in.Accounts[0].Permissions = permissions("/ list download", "/in list download") }, `
			alice changed
			/in +download -upload`},
		{"an entry that changes nothing", func(in *Input) {
			in.Accounts[0].Permissions = permissions("/ list download", "/in list upload", "/in/sub list upload", "/x* list download", "/media download list")
		}, ``},
		{"an entry below", func(in *Input) {
			in.Accounts[0].Permissions = permissions("/ list download", "/in list upload", "/in/sub/*x *")
		}, `
			alice changed
			/in/sub/*x +download,overwrite,delete,rename,create_dirs,create_symlinks,chmod,chown,chtimes,copy -`},
		{"from the group instead", func(in *Input) {
			in.Groups[0].Permissions = in.Accounts[0].Permissions
			in.Accounts[0].Permissions = nil
			in.Accounts[0].MaxSessions = set(Limit{N: 4})
			in.Groups[0].MaxSessions = Setting[Limit]{}
		}, ``},
		{"another group of the same content", func(in *Input) {
			g := in.Groups[0]
			g.Name = "same"
			in.Groups = append(in.Groups, g)
			in.Accounts[0].PrimaryGroup = set("same")
		}, ``},
		{"a limit", func(in *Input) { in.Groups[0].MaxSessions = set(Limit{N: 5}) }, `
			alice changed
			max_sessions 4 -> 5`},
		{"no limit, said", func(in *Input) { in.Accounts[0].QuotaSize = set(Limit{Unlimited: true}) }, ``},
		{"no limit", func(in *Input) { in.Groups[0].MaxSessions = Setting[Limit]{} }, `
			alice changed
			max_sessions 4 -> <nil>`},
		{"disabled", func(in *Input) { in.Accounts[0].Enabled = set(false) }, `
			alice changed
			enabled true -> <nil>`},
		{"a mount moves", func(in *Input) { in.Groups[0].VirtualFolders = folders("media /m") }, `
			alice changed
			mount /m part of home /srv/homes/alice/m -> folder:media /srv/media
			/m list,download -> list,download
			mount /media folder:media /srv/media -> part of home /srv/homes/alice/media
			/media list,download -> list,download`},
		{"a source", func(in *Input) { in.Folders[0].Source = set("/srv/m") }, `
			alice changed
			mount /media folder:media /srv/media -> folder:media /srv/m
			/media list,download -> list,download`},
		{"a mount where rights differ from the home's", func(in *Input) {
			in.Groups[0].VirtualFolders = nil
			in.Accounts[0].Permissions = permissions("/ list download", "/in list upload", "/media *", "/media/sub list")
			in.Accounts[0].FilePatterns = patterns("/media/sub -*.exe")
		}, `
			alice changed
			mount /media folder:media /srv/media -> part of home /srv/homes/alice/media
			/media list,download -> *
			/media/sub list,download -> list
			/media/sub/*.exe list,download -> - names`},
		{"read-only", func(in *Input) {
			in.Accounts[0].Permissions = permissions("/ *")
			in.Groups[0].VirtualFolders = folders("media /media ro")
		}, `
			alice changed
			/ +upload,overwrite,delete,rename,create_dirs,create_symlinks,chmod,chown,chtimes,copy -
			/in +download,overwrite,delete,rename,create_dirs,create_symlinks,chmod,chown,chtimes,copy -
			/media +copy -`},
		{"a mount's quota", func(in *Input) { in.Groups[0].VirtualFolders[0].QuotaSize = set(int64(7)) }, `
			alice changed
			/mediaquota_size <nil> -> 7`},
		{"a pattern", func(in *Input) { in.Accounts[0].FilePatterns = patterns("/in -*.exe") }, `
			alice changed
			/in/*.exe + -list,upload names`},
		{"a pattern that changes nothing", func(in *Input) { in.Accounts[0].FilePatterns = patterns("/in +*") }, ``},
		{"an allow-list", func(in *Input) { in.Accounts[0].FilePatterns = patterns("/in +*.txt") }, `
			alice changed
			/in/* + -list,upload names`},
		{"a site's preset", func(in *Input) { in.Sites[0].Preset = "aegir" }, `
			alice changed
			/sites/a.org + -upload,delete,rename,create_dirs,create_symlinks
			/sites/a.org/files + -create_symlinks
			/sites/a.org/libraries + -create_symlinks
			/sites/a.org/modules + -create_symlinks
			/sites/a.org/private + -create_symlinks
			/sites/a.org/themes + -create_symlinks
			/sites/a.org/vendor + -create_symlinks
			/sites/a.orgpreset <nil> -> aegir`},
		{"a site's owner", func(in *Input) { in.Sites[0].OwnerAccount = "bob" }, `
			alice changed
			mount /sites/a.org site:a.org /srv/www/a.org -> nothing
			/sites + -list
			/sites/a.org + -*
			bob changed
			mount /sites/a.org nothing -> site:a.org /srv/www/a.org
			/sites +list -
			/sites/a.org +* -`},
		{"a list", func(in *Input) { in.Accounts[0].DeniedProtocols = words("FTP") }, `
			alice changed
			denied_protocols <nil> -> [FTP]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := planBase()
			c.change(&in)
			before, after := compile(t, planBase()), compile(t, in)
			if diff := cmp.Diff(trimLines(c.want), trimLines(planned(Plan(before, after)))); diff != "" {
				t.Errorf("Plan (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(Plan(before, after), turned(Plan(after, before))); diff != "" {
				t.Errorf("Plan back and forth differ:\n%s", diff)
			}
		})
	}
}

// turned swaps what is gained and what is lost.
func turned(list []Change) []Change {
	for i := range list {
		c := &list[i]
		c.Gained, c.Lost = c.Lost, c.Gained
		for j := range c.Mounts {
			m := &c.Mounts[j]
			m.Old, m.New = m.New, m.Old
			for k := range m.Rights {
				r := &m.Rights[k]
				r.Old, r.New = r.New, r.Old
			}
		}
		for j := range c.Verbs {
			v := &c.Verbs[j]
			v.Gained, v.Lost = v.Lost, v.Gained
		}
		for j := range c.Limits {
			l := &c.Limits[j]
			l.Old, l.New = l.New, l.Old
		}
	}
	return list
}

func TestPlanVisible(t *testing.T) {
	in := planBase()
	in.Accounts[0].FilePatterns = patterns("/in -*.exe")
	hides := planBase()
	hides.Accounts[0].FilePatterns = patterns("/in hide -*.exe")
	got := planned(Plan(compile(t, in), compile(t, hides)))
	if want := "alice changed\n/in/*.exevisible true -> false\n"; got != want {
		t.Errorf("Plan = %q, want %q", got, want)
	}
}

func TestPlanListOrder(t *testing.T) {
	with := func(methods string) *Set {
		in := planBase()
		in.Accounts[0].DeniedLoginMethods = words(methods)
		return compile(t, in)
	}
	if got := Plan(with("password publickey"), with("publickey password")); len(got) != 0 {
		t.Errorf("Plan of one list in two orders:\n%s", planned(got))
	}
	if got := Plan(with("password publickey"), with("publickey")); len(got) != 1 {
		t.Errorf("Plan of a shorter list = %v, want a change", got)
	}
}

// TestPlanProperties: a policy differs in nothing from itself, however its tables
// are ordered, and Plan is the same both ways round.
func TestPlanProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var sets []*Set
	for seed := range uint64(60) {
		s := compile(t, randomInput(rand.New(rand.NewPCG(seed, 0))))
		sets = append(sets, s)
		in := randomInput(rand.New(rand.NewPCG(seed, 0)))
		shuffle(rng, &in)
		if got := Plan(s, compile(t, in)); len(got) != 0 {
			t.Fatalf("Plan of a policy and itself in another order:\n%s", planned(got))
		}
	}
	changed := 0
	for i, a := range sets {
		b := sets[(i+1)%len(sets)]
		there := Plan(a, b)
		if len(there) > 0 {
			changed++
		}
		if diff := cmp.Diff(there, turned(Plan(b, a))); diff != "" {
			t.Errorf("Plan back and forth differ:\n%s", diff)
		}
		// What is not among the changes is equal: probe it.
		if len(there) == 0 {
			for _, v := range a.Views() {
				w := view(t, b, v.Account())
				for _, p := range samplePaths {
					if x, y := explain(t, v, "download "+p), explain(t, w, "download "+p); x.Allowed() != y.Allowed() {
						t.Errorf("Plan is empty, but %s download %s = %v, %v", v.Account(), p, x.Allowed(), y.Allowed())
					}
				}
			}
		}
	}
	if changed < 20 {
		t.Errorf("%d of %d pairs differ, want more", changed, len(sets))
	}
}

// randomInput is a small policy of what rng gives.
func randomInput(rng *rand.Rand) Input {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	paths := []string{"/in", "/in/sub", "/g*", "/media", "/a/b", "/sites", "/x/*/y"}
	settings := func(s *Settings) {
		rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		for _, p := range paths[:rng.IntN(4)] {
			s.Permissions = append(s.Permissions, permissions(p+" "+pick("list", "list download", "*", "upload list"))...)
		}
		for _, p := range paths[:rng.IntN(2)] {
			s.FilePatterns = append(s.FilePatterns, patterns(p+" "+pick("-*.exe", "+*.txt", "hide -x*", "+* -y"))...)
		}
		if rng.IntN(2) == 0 {
			s.VirtualFolders = folders("media " + pick("/media", "/a/b/m") + pick("", " ro", " list download"))
		}
		if rng.IntN(2) == 0 {
			s.MaxSessions = set(Limit{N: int64(rng.IntN(3) + 1)})
		}
		if rng.IntN(3) == 0 {
			s.DeniedProtocols = words("FTP")
		}
	}
	in := Input{
		Groups:  []Group{{Name: "one"}, {Name: "two"}},
		Folders: []Folder{folder("media", "/srv/media")},
	}
	for i := range in.Groups {
		settings(&in.Groups[i].Settings)
	}
	for _, name := range []string{"alice", "bob", "carl"}[:1+rng.IntN(3)] {
		a := Account{Name: name}
		if rng.IntN(2) == 0 {
			a = home(a)
		}
		settings(&a.Settings)
		switch rng.IntN(3) {
		case 0:
			a.PrimaryGroup = set("one")
		case 1:
			a.PrimaryGroup, a.SecondaryGroups = set("two"), words("one")
		}
		in.Accounts = append(in.Accounts, a)
		if rng.IntN(2) == 0 {
			in.Sites = append(in.Sites, Site{URI: name + ".org", Source: "/srv/www/" + name, OwnerAccount: name, Enabled: true, Preset: pick("aegir", "none")})
		}
	}
	return in
}

// shuffle orders in anew, where order means nothing.
func shuffle(rng *rand.Rand, in *Input) {
	rng.Shuffle(len(in.Accounts), func(i, j int) { in.Accounts[i], in.Accounts[j] = in.Accounts[j], in.Accounts[i] })
	rng.Shuffle(len(in.Groups), func(i, j int) { in.Groups[i], in.Groups[j] = in.Groups[j], in.Groups[i] })
	rng.Shuffle(len(in.Sites), func(i, j int) { in.Sites[i], in.Sites[j] = in.Sites[j], in.Sites[i] })
	settings := func(s *Settings) {
		rng.Shuffle(len(s.Permissions), func(i, j int) { s.Permissions[i], s.Permissions[j] = s.Permissions[j], s.Permissions[i] })
		rng.Shuffle(len(s.FilePatterns), func(i, j int) { s.FilePatterns[i], s.FilePatterns[j] = s.FilePatterns[j], s.FilePatterns[i] })
	}
	for i := range in.Accounts {
		settings(&in.Accounts[i].Settings)
	}
	for i := range in.Groups {
		settings(&in.Groups[i].Settings)
	}
}
