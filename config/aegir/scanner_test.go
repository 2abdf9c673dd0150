package aegir

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"grantfs/config/watch"
	"grantfs/policy"
)

// scan returns what s finds in o1 at a time: "URI client" of each site, and the
// problems.
func (tr tree) scan(s *Scanner, now time.Time) (sites, problems []string, found Found) {
	tr.t.Helper()
	found = s.Discover([]policy.Setting[string]{{Value: tr.top + "/o1", Set: true}}, Options{Mounts: tr.top + "/mnt"}, now)
	for _, site := range found.Instances[0].Sites {
		sites = append(sites, site.URI+" "+site.Client)
	}
	return sites, tr.lines(found.Problems), found
}

func TestScannerGrace(t *testing.T) {
	const at = ".drush/a.test" + aliasSuffix
	start := time.Unix(1_000_000, 0)
	end := start.Add(Grace)
	tr := newTree(t)
	tr.site("a.test", "client_name", "'foo'")
	tr.site("b.test", "client_name", "'bar'")
	whole := siteText("a.test", "client_name", "'new'")
	var s Scanner
	for _, step := range []struct {
		name     string
		do       func()
		after    time.Duration
		sites    []string
		problems []string
		again    time.Time
		stale    int
	}{
		{"both", func() {}, 0, []string{"a.test foo", "b.test bar"}, nil, time.Time{}, 0},
		{
			"half written", func() { tr.alias("a.test", whole[:len(whole)/2]) }, 0,
			[]string{"a.test foo", "b.test bar"},
			[]string{at + ":5:3: warning: alias not understood, what it said before holds for 10s: a string that is never closed"},
			end, 1,
		},
		{
			"empty", func() { tr.alias("a.test", "") }, Grace - 1,
			[]string{"a.test foo", "b.test bar"},
			[]string{at + `:1:1: warning: alias not understood, what it said before holds for 10s: expected "<?php" at the beginning, found the end of the file`},
			end, 1,
		},
		{
			"time is up", func() {}, Grace,
			[]string{"b.test bar"},
			[]string{at + `:1:1: warning: alias ignored: expected "<?php" at the beginning, found the end of the file`},
			time.Time{},
			1,
		},
		{"whole", func() { tr.alias("a.test", whole) }, Grace, []string{"a.test new", "b.test bar"}, nil, time.Time{}, 0},
		{
			"half written again", func() { tr.alias("a.test", whole[:6]) }, time.Hour,
			[]string{"a.test new", "b.test bar"},
			[]string{at + `:1:7: warning: alias not understood, what it said before holds for 10s: no alias is defined`},
			start.Add(time.Hour + Grace), 1,
		},
		{"removed", func() { tr.remove(at) }, time.Hour, []string{"b.test bar"}, nil, time.Time{}, 0},
		{
			"never understood", func() { tr.alias("a.test", "junk") }, time.Hour,
			[]string{"b.test bar"},
			[]string{at + `:1:1: warning: alias ignored: expected "<?php" at the beginning, found "junk"`},
			time.Time{},
			1,
		},
		{
			"a link in its place", func() { tr.remove(at); tr.link("b.test"+aliasSuffix, "o1/"+at) }, time.Hour,
			[]string{"b.test bar"},
			nil,
			time.Time{},
			0,
		},
	} {
		step.do()
		sites, problems, found := tr.scan(&s, start.Add(step.after))
		if diff := cmp.Diff(step.sites, sites); diff != "" {
			t.Errorf("%s: sites (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.problems, problems); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", step.name, diff)
		}
		if !found.Again.Equal(step.again) || found.Stale != step.stale {
			t.Errorf("%s: again %s, %d stale; want %s, %d", step.name, found.Again, found.Stale, step.again, step.stale)
		}
	}
}

// TestScannerLosesDirectory: .drush that can't be listed is somebody's half-done
// work, too; once it is there again it alone counts.
func TestScannerLosesDirectory(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	tr := newTree(t)
	tr.site("a.test", "client_name", "'foo'")
	tr.site("b.test", "client_name", "'bar'")
	var s Scanner
	tr.scan(&s, start)
	drush := filepath.Join(tr.top, "o1/.drush")
	if err := os.Rename(drush, drush+".away"); err != nil {
		t.Fatal(err)
	}
	sites, _, found := tr.scan(&s, start.Add(time.Second))
	if diff := cmp.Diff([]string{"a.test foo", "b.test bar"}, sites); diff != "" || !found.Again.Equal(start.Add(time.Second+Grace)) {
		t.Errorf("without .drush, again %s: %s", found.Again, diff)
	}
	tr.site("b.test", "client_name", "'bar'")
	if sites, problems, _ := tr.scan(&s, start.Add(2*time.Second)); !cmp.Equal(sites, []string{"b.test bar"}) || problems != nil {
		t.Errorf("with another .drush: %q, %q", sites, problems)
	}
	if err := os.RemoveAll(drush); err != nil {
		t.Fatal(err)
	}
	tr.scan(&s, start.Add(time.Minute))
	if sites, problems, _ := tr.scan(&s, start.Add(time.Minute+Grace)); sites != nil || len(problems) != 1 {
		t.Errorf("when the time is up: %q, %q", sites, problems)
	}
}

// TestScannerReadsWhatChanged: a file is read again when it changed, and only then,
// even if it is as large as before and was written in the same tick of the clock.
func TestScannerReadsWhatChanged(t *testing.T) {
	tr := newTree(t)
	tr.site("a.test", "client_name", "'one'")
	var s Scanner
	tr.scan(&s, time.Now())
	for i := range 200 {
		client := fmt.Sprintf("c%02d", i%100)
		tr.alias("a.test", siteText("a.test", "client_name", "'"+client+"'"))
		if sites, problems, _ := tr.scan(&s, time.Now()); len(sites) != 1 || sites[0] != "a.test "+client {
			t.Fatalf("after %s was written: %q, %q", client, sites, problems)
		}
	}
	file := s.instances[tr.top+"/o1"].files["a.test"+aliasSuffix]
	for file.stamp == (stamp{}) { // until its clock has moved on
		tr.scan(&s, time.Now())
	}
	file.records[0].alias.Value.Entries = nil
	if sites, _, _ := tr.scan(&s, time.Now()); sites != nil {
		t.Errorf("a file that has not changed was read again: %q", sites)
	}
}

// TestScannerDirs: every directory is named in which a change would change the
// answer, and none below the sites.
func TestScannerDirs(t *testing.T) {
	tr := newTree(t)
	tr.site("a.test")
	tr.site("gone.test", "root", "'TOP/o1/q/web'", "site_path", "'TOP/o1/q/web/sites/gone.test'")
	tr.dir("o1/q")
	tr.dir("o1/clients/foo")
	tr.dir("o1/static")
	_, _, found := tr.scan(new(Scanner), time.Now())
	var got []string
	for _, dir := range found.Dirs {
		got = append(got, strings.TrimPrefix(dir, tr.top))
	}
	want := []string{"", "/o1", "/o1/.drush", "/o1/clients", "/o1/clients/foo", "/o1/p", "/o1/p/sites", "/o1/q", "/o1/static"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("to be watched (-want +got):\n%s", diff)
	}
}

// TestScannerSaved: another Scanner goes on where one was, as far as that is not
// too long ago.
func TestScannerSaved(t *testing.T) {
	tr := newTree(t)
	tr.site("a.test", "client_name", "'foo'")
	tr.site("b.test", "client_name", "'bar'")
	var first Scanner
	tr.scan(&first, time.Now())
	saved := first.Changes()
	if len(saved) != 2 || len(first.Changes()) != 0 {
		t.Fatalf("changes: %q", saved)
	}
	tr.alias("a.test", "<?php half")
	tr.remove(".drush/b.test" + aliasSuffix)
	for _, c := range []struct {
		after time.Duration
		want  []string
	}{{0, []string{"a.test foo"}}, {Grace, nil}} {
		s := Scanner{Saved: maps.Clone(saved)}
		if sites, problems, _ := tr.scan(&s, time.Now().Add(c.after)); !cmp.Equal(sites, c.want) || len(problems) != 1 {
			t.Errorf("%s later: %q, %q, want %q", c.after, sites, problems, c.want)
		}
	}
	tr.scan(&first, time.Now())
	first.Discover(nil, Options{}, time.Now()) // by a configuration that is half written
	if sites, _, _ := tr.scan(&first, time.Now()); !cmp.Equal(sites, []string{"a.test foo"}) {
		t.Errorf("after nobody asked for o1: %q", sites)
	}
	tr.scan(&first, time.Now().Add(Grace))
	changes := first.Changes()
	if len(changes) != 2 || changes[tr.top+"/o1/.drush/a.test"+aliasSuffix] != nil {
		t.Errorf("changes when the time was up and one was removed: %q", changes)
	}
}

func (tr tree) remove(name string) {
	tr.t.Helper()
	if err := os.Remove(filepath.Join(tr.top, "o1", name)); err != nil {
		tr.t.Fatal(err)
	}
}

// BenchmarkScanner looks at 10,000 sites of which one has changed.
func BenchmarkScanner(b *testing.B) {
	top := b.TempDir()
	write := func(i, generation int) {
		uri := fmt.Sprintf("s%05d.test", i)
		text := strings.ReplaceAll(siteText(uri, "client_name", fmt.Sprintf("'c%d'", i+generation)), "TOP", top)
		if err := os.WriteFile(top+"/o1/.drush/"+uri+aliasSuffix, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.MkdirAll(top+"/o1/p/sites/"+uri, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.MkdirAll(top+"/o1/.drush", 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		write(i, 0)
	}
	time.Sleep(2 * watch.Granularity)
	var s Scanner
	instances := []policy.Setting[string]{{Value: top + "/o1", Set: true}}
	s.Discover(instances, Options{}, time.Now())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		write(0, i)
		if found := s.Discover(instances, Options{}, time.Now()); len(found.Instances[0].Sites) != 10_000 {
			b.Fatal("sites are missing")
		}
	}
}
