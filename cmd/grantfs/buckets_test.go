package main

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

// TestAbout: what each name means.
func TestAbout(t *testing.T) {
	list := func(path, folder string) policy.Mounting {
		return policy.Mounting{Folder: policy.Setting[string]{Value: folder, Set: true}, Path: policy.Setting[string]{Value: path, Set: true}}
	}
	text := func(s string) policy.Setting[string] { return policy.Setting[string]{Value: s, Set: true} }
	set, problems := policy.Compile(policy.Input{
		Accounts: []policy.Account{
			{Name: "alice", Settings: policy.Settings{HomeDir: text("/srv/alice"), VirtualFolders: []policy.Mounting{list("/a", "own"), list("/b", "media")}}},
			{Name: "media", Settings: policy.Settings{HomeDir: text("/srv/m")}},
			{Name: "poor"},
		},
		Folders: []policy.Folder{{Name: "own", Source: text("/srv/own/%username%")}, {Name: "media", Source: text("/srv/media")}},
		Sites:   []policy.Site{{URI: "shop", Source: "/data/shop", OwnerAccount: "alice", Preset: "none"}},
	})
	if set == nil {
		t.Fatal(problems)
	}
	b := newBuckets(set)
	for name, want := range map[string][]string{
		"alice":         {"account:alice", "folder:media", "folder:own/alice", "site:shop"},
		"own":           {"folder:own/alice"},
		"media":         {"account:media", "folder:media"}, // an account and a folder
		"folder:media":  {"folder:media"},
		"shop":          {"site:shop"},
		"poor":          nil,
		"nobody":        nil,
		"folder:nobody": nil,
	} {
		limits, ok := b.about(name)
		var got []string
		for _, l := range limits {
			got = append(got, l.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("about %s (-want +got):\n%s", name, diff)
		}
		if known := want != nil || name == "poor"; ok != known {
			t.Errorf("about %s: known is %v", name, ok)
		}
	}
	if all, ok := b.about(""); !ok || len(all) != 5 {
		t.Errorf("about everything: %d, %v", len(all), ok)
	}
}

// TestLatest: who asks for the buckets of a policy waits for them, and has those of
// the one before if that lasts too long.
func TestLatest(t *testing.T) {
	sets := [2]*policy.Set{}
	for i := range sets {
		sets[i], _ = policy.Compile(policy.Input{})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	l := newLatest()
	if b := l.of(ended, sets[0]); b != nil {
		t.Errorf("there is something before anything: %v", b)
	}

	ctx, cancel := context.WithCancel(t.Context())
	force := make(chan *policy.Set, 1)
	kept := make(chan error)
	in := sets[0]
	go func() {
		kept <- l.keep(ctx, func() *policy.Set {
			select {
			case in = <-force:
			default:
			}
			return in
		})
	}()
	if b := l.of(t.Context(), sets[0]); b.set != sets[0] {
		t.Error("these are another policy's")
	}
	if b := l.of(ended, sets[1]); b == nil || b.set != sets[0] {
		t.Errorf("instead of what is to come there is %v, want what is in force", b)
	}
	force <- sets[1]
	l.changed()
	if b := l.of(t.Context(), sets[1]); b.set != sets[1] {
		t.Error("these are not the next policy's")
	}
	cancel()
	if err := <-kept; err != nil {
		t.Error(err)
	}
}
