package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"grantfs/config"
	"grantfs/policy"
)

// aliasHost is an Aegir host with one instance, o1, in a temporary directory.
type aliasHost struct {
	t   *testing.T
	top string
}

func newAliasHost(t *testing.T, sites int) aliasHost {
	t.Helper()
	h := aliasHost{t, t.TempDir()}
	h.must(os.MkdirAll(h.top+"/o1/.drush", 0o755))
	h.must(os.MkdirAll(h.top+"/o1/p/sites", 0o755))
	for i := range sites {
		h.must(os.Mkdir(h.top+"/o1/p/sites/"+uri(i), 0o755))
		h.must(h.write(i, fmt.Sprintf("old%d", i)))
	}
	h.must(os.WriteFile(h.top+"/grantfs.toml", fmt.Appendf(nil, "[aegir]\ninstances = [%q]\n", h.top+"/o1"), 0o600))
	return h
}

func (h aliasHost) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func uri(i int) string { return fmt.Sprintf("s%04d.test", i) }

func (h aliasHost) alias(i int) string { return h.top + "/o1/.drush/" + uri(i) + ".alias.drushrc.php" }

// write writes an alias in place, as Aegir does: readers see it empty and half
// written.
func (h aliasHost) write(i int, client string) error {
	f, err := os.OpenFile(h.alias(i), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o440)
	if err != nil {
		return err
	}
	defer f.Close()
	head := fmt.Sprintf("<?php\n$aliases['%s'] = array (\n  'context_type' => 'site',\n  'uri' => '%s',\n", uri(i), uri(i))
	rest := fmt.Sprintf("  'site_path' => '%s/o1/p/sites/%s',\n  'client_name' => '%s',\n);\n", h.top, uri(i), client)
	for _, part := range []string{head, rest[:20], rest[20:]} {
		if _, err := f.WriteString(part); err != nil {
			return err
		}
	}
	return nil
}

// TestFollowNeverGuesses: while hundreds of aliases are rewritten in place, in any
// state of theirs, a site belongs to the client that its alias named before, or
// names now, and never to nobody; in the end to the one that it names.
func TestFollowNeverGuesses(t *testing.T) {
	const sites = 300
	h := newAliasHost(t, sites)
	var ld loader
	l, err := ld.load(read(h.top + "/grantfs.toml"))
	if err != nil || l.set == nil {
		t.Fatalf("%v, %v", err, l.problems)
	}
	accepted := l.config
	again := func(config.Users) (*config.Config, []policy.Problem) { return accepted, nil }

	var writers sync.WaitGroup
	enough := make(chan struct{})
	rewrite := func(do func(n int) error) {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-enough:
					return
				default:
				}
				if err := do(n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	names := []string{"new", "old"}
	rewrite(func(n int) error { // all of them, again and again
		i := 1 + n%(sites-1)
		return h.write(i, fmt.Sprintf("%s%d", names[n/(sites-1)%2], i))
	})
	rewrite(func(n int) error { // one of them without end, and junk
		junk := filepath.Join(h.top, "o1/.drush", fmt.Sprintf("junk%d.alias.drushrc.php", n%100))
		return errors.Join(h.write(0, names[n%2]+"0"),
			os.WriteFile(junk, []byte("<?php $aliases['s0001.test'] = array('client_name' => exec('x'));"), 0o600))
	})
	for range 6 {
		if l, err = ld.load(again); err != nil || l.set == nil {
			t.Fatalf("%v, %v", err, l.problems)
		}
		wantOwners(t, l, sites, names...)
	}
	close(enough)
	writers.Wait()
	for i := range sites {
		h.must(h.write(i, fmt.Sprintf("new%d", i)))
	}
	if l, err = ld.load(again); err != nil {
		t.Fatal(err)
	}
	wantOwners(t, l, sites, "new")
}

// wantOwners checks that each site is seen by the account of its client, whose name
// begins with one of these, and by no other.
func wantOwners(t *testing.T, l *loaded, sites int, prefixes ...string) {
	t.Helper()
	owners := map[string]string{}
	for _, v := range l.set.Views() {
		if v.Main() {
			continue
		}
		for _, s := range v.Sites() {
			if other, ok := owners[s.URI]; ok {
				t.Errorf("%s belongs to %s and %s", s.URI, other, v.Account())
			}
			owners[s.URI] = v.Account()
		}
	}
	for i := range sites {
		ok := false
		for _, p := range prefixes {
			ok = ok || owners[uri(i)] == fmt.Sprintf("o1.%s%d", p, i)
		}
		if !ok {
			t.Fatalf("%s belongs to %q", uri(i), owners[uri(i)])
		}
	}
}

// TestConfigStamp: every change of the files shows in the stamp, and nothing else.
func TestConfigStamp(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/grantfs.toml"
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/conf.d", 0o700); err != nil {
		t.Fatal(err)
	}
	stamp := configStamp(path)
	for _, step := range []struct {
		name    string
		do      func()
		changes bool
	}{
		{"made", func() { write("grantfs.toml", "x") }, true},
		{"nothing", func() {}, false},
		{"longer", func() { write("grantfs.toml", "xx") }, true},
		{"a draft beside it", func() { write("grantfs.toml.swp", "x") }, false},
		{"one more", func() { write("conf.d/a.toml", "x") }, true},
		{"removed", func() { os.Remove(dir + "/conf.d/a.toml") }, true},
	} {
		step.do()
		now := configStamp(path)
		if changed := now != stamp; changed != step.changes {
			t.Errorf("%s: changed %v\n%s%s", step.name, changed, stamp, now)
		}
		stamp = now
	}
}
