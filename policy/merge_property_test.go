package policy

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// absorbed returns the account with everything that it has from its groups
// written down as its own; it keeps the groups.
func absorbed(a Account, e *Effective) Account {
	a.Settings = e.Scalars
	a.Permissions, a.FilePatterns, a.VirtualFolders = nil, nil, nil
	for _, g := range e.Permissions {
		if !g.implied {
			a.Permissions = append(a.Permissions, Permission{Path: set(g.Path), Verbs: words(strings.ReplaceAll(g.Verbs.String(), ",", " "))})
			if g.Verbs == 0 {
				a.Permissions[len(a.Permissions)-1].Verbs = nil
			}
		}
	}
	for _, p := range e.FilePatterns {
		f := FilePatterns{Path: set(p.Path), Allowed: words(strings.Join(p.Allowed, " ")), Denied: words(strings.Join(p.Denied, " "))}
		if p.Hide {
			f.DenyPolicy = set("hide")
		}
		a.FilePatterns = append(a.FilePatterns, f)
	}
	for _, v := range e.VirtualFolders {
		m := *v.Entry
		m.Path = set(v.Path)
		a.VirtualFolders = append(a.VirtualFolders, m)
	}
	for _, s := range e.DeniedProtocols {
		a.DeniedProtocols = append(a.DeniedProtocols, set(s.Value))
	}
	return a
}

// TestMergeTwice: an account that says itself what its groups say is the same
// account.
func TestMergeTwice(t *testing.T) {
	grew := 0
	for seed := range uint64(200) {
		in := randomInput(rand.New(rand.NewPCG(seed, 1)))
		s := compile(t, in)
		again := in
		again.Accounts = nil
		for _, a := range in.Accounts {
			e := view(t, s, a.Name).Effective()
			b := absorbed(a, e)
			if len(b.Permissions) > len(a.Permissions) {
				grew++
			}
			again.Accounts = append(again.Accounts, b)
		}
		if got := Plan(s, compile(t, again)); len(got) != 0 {
			t.Fatalf("seed %d: what was merged is another policy when it is merged again:\n%s", seed, planned(got))
		}
	}
	if grew < 20 {
		t.Errorf("only %d accounts had anything from a group", grew)
	}
}

// TestUnrelatedGroupsCommute: the order of secondary groups that say nothing
// about the same thing does not matter; that of those that do, does.
func TestUnrelatedGroupsCommute(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	group := func(name, dir string) Group {
		g := Group{Name: name}
		for _, p := range []string{"", "/a", "/a/*", "/b"} {
			g.Permissions = append(g.Permissions, permissions(dir+p+" "+pick("list", "list download", "*"))...)
		}
		g.FilePatterns = patterns(dir + "/a " + pick("-*.exe", "+*.txt", "hide -x*"))
		g.VirtualFolders = folders("media " + dir + "/m")
		return g
	}
	in := func(order string, groups []Group) Input {
		return Input{
			Accounts: []Account{home(Account{Name: "alice", SecondaryGroups: words(order)})},
			Groups:   groups,
			Folders:  []Folder{folder("media", "/srv/media")},
		}
	}
	swapped := func(groups ...Group) []Change {
		return Plan(compile(t, in("one two", groups)), compile(t, in("two one", groups)))
	}
	differ := 0
	for range 100 {
		if got := swapped(group("one", "/one"), group("two", "/two")); len(got) != 0 {
			t.Fatalf("the order of unrelated groups matters:\n%s", planned(got))
		}
		if len(swapped(group("one", "/same"), group("two", "/same"))) > 0 {
			differ++
		}
	}
	if differ == 0 {
		t.Error("the order of groups that say different things about one path never mattered")
	}
}
