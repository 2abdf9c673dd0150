package aegir

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/policy"
)

// tree is an instance called o1 in a temporary directory.
type tree struct {
	t   *testing.T
	top string // holds o1 and mnt
}

func newTree(t *testing.T) tree {
	t.Helper()
	tr := tree{t, t.TempDir()}
	tr.dir("o1/.drush")
	return tr
}

func (tr tree) dir(name string) {
	tr.t.Helper()
	if err := os.MkdirAll(filepath.Join(tr.top, name), 0o755); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) file(name, text string) {
	tr.t.Helper()
	tr.dir(filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(tr.top, name), []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr tree) link(target, name string) {
	tr.t.Helper()
	tr.dir(filepath.Dir(name))
	if err := os.Symlink(target, filepath.Join(tr.top, name)); err != nil {
		tr.t.Fatal(err)
	}
}

// alias writes an alias file whose text names the temporary directory TOP.
func (tr tree) alias(name, text string) {
	tr.t.Helper()
	tr.file("o1/.drush/"+name+aliasSuffix, strings.ReplaceAll(text, "TOP", tr.top))
}

// site writes the alias of a site and makes its directory. The keys are added to
// those that every site has; of a key given twice the last is written.
func (tr tree) site(uri string, keys ...string) {
	tr.t.Helper()
	tr.dir("o1/p/sites/" + uri)
	tr.alias(uri, siteText(uri, keys...))
}

func siteText(uri string, keys ...string) string {
	all := append([]string{
		"context_type", "'site'", "uri", "'" + uri + "'", "root", "'TOP/o1/p'",
		"site_path", "'TOP/o1/p/sites/" + uri + "'",
	}, keys...)
	values := map[string]string{}
	var order []string
	for i := 0; i < len(all); i += 2 {
		if _, ok := values[all[i]]; !ok {
			order = append(order, all[i])
		}
		values[all[i]] = all[i+1]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<?php \n$aliases['%s'] = array (\n", uri)
	for _, k := range order {
		if values[k] != "" {
			fmt.Fprintf(&b, "  '%s' => %s,\n", k, values[k])
		}
	}
	b.WriteString(");\n")
	return b.String()
}

// discover returns what is found in o1: one line a site, and the problems.
func (tr tree) discover(opts Options) (inst Instance, sites, problems []string) {
	tr.t.Helper()
	opts.Mounts = tr.top + "/mnt"
	snap, ps := Discover([]policy.Setting[string]{{Value: tr.top + "/o1", Set: true}}, opts)
	inst = snap.Instances[0]
	for _, s := range inst.Sites {
		line := s.URI + " " + strings.TrimPrefix(s.Source, tr.top+"/o1/") + " " + fmt.Sprintf("%q", s.Client)
		for _, f := range []struct {
			on   bool
			name string
		}{{!s.Enabled, " off"}, {s.Missing, " missing"}, {s.Barred, " barred"}} {
			if f.on {
				line += f.name
			}
		}
		sites = append(sites, line)
	}
	return inst, sites, tr.lines(ps)
}

// lines returns problems as text without the temporary directory.
func (tr tree) lines(ps []policy.Problem) []string {
	var list []string
	for _, p := range ps {
		text := strings.ReplaceAll(p.String(), tr.top+"/o1/", "")
		list = append(list, strings.ReplaceAll(text, tr.top, "TOP"))
	}
	slices.Sort(list)
	return list
}

func TestDiscoverSites(t *testing.T) {
	const at = ".drush/a.test" + aliasSuffix
	for _, c := range []struct {
		name     string
		make     func(tr tree)
		opts     Options
		sites    []string
		problems []string
	}{
		{
			name: "owned", make: func(tr tree) { tr.site("a.test", "client_name", "'foo'") },
			sites: []string{`a.test p/sites/a.test "foo"`},
		},
		{
			name: "owner NULL", make: func(tr tree) { tr.site("a.test", "client_name", "NULL") },
			sites: []string{`a.test p/sites/a.test ""`},
		},
		{
			name: "owner empty", make: func(tr tree) { tr.site("a.test", "client_name", "''") },
			sites: []string{`a.test p/sites/a.test ""`},
		},
		{
			name: "owner admin", make: func(tr tree) { tr.site("a.test", "client_name", "'admin'") },
			sites: []string{`a.test p/sites/a.test ""`},
		},
		{
			name: "owner of a wrong type", make: func(tr tree) { tr.site("a.test", "client_name", "array()") },
			problems: []string{at + ":7:3: warning: site a.test ignored: client_name is an array, not a string"},
		},
		{name: "switched on and off", make: func(tr tree) {
			for i, v := range []string{"true", "1", "'1'", "NULL", "false", "0", "'0'", "''"} {
				tr.site(fmt.Sprintf("s%d.test", i), "site_enabled", v, "client_name", "'foo'")
			}
		}, sites: []string{
			`s0.test p/sites/s0.test "foo"`, `s1.test p/sites/s1.test "foo"`, `s2.test p/sites/s2.test "foo"`,
			`s3.test p/sites/s3.test "foo"`, `s4.test p/sites/s4.test "foo" off`, `s5.test p/sites/s5.test "foo" off`,
			`s6.test p/sites/s6.test "foo" off`, `s7.test p/sites/s7.test "foo" off`,
		}},
		{
			name: "switched to nonsense", make: func(tr tree) { tr.site("a.test", "site_enabled", "'yes'") },
			problems: []string{at + ":7:3: warning: site a.test ignored: site_enabled is neither true nor false"},
		},
		{
			name: "no directory", make: func(tr tree) {
				tr.alias("a.test", siteText("a.test", "client_name", "'foo'"))
			}, sites: []string{`a.test p/sites/a.test "foo" missing`},
			problems: []string{at + ":2:1: warning: site a.test: p: no such file or directory"},
		},
		{name: "a file for a directory", make: func(tr tree) {
			tr.alias("a.test", siteText("a.test"))
			tr.file("o1/p/sites/a.test", "")
		}, problems: []string{at + ":2:1: warning: site a.test ignored: p/sites/a.test: not a directory"}},
		{name: "a link for a directory", make: func(tr tree) {
			tr.alias("a.test", siteText("a.test"))
			tr.dir("o1/p/sites/b.test")
			tr.link("b.test", "o1/p/sites/a.test")
		}, problems: []string{at + ":2:1: warning: site a.test ignored: p/sites/a.test is a link: not a directory"}},
		{name: "a link on the way", make: func(tr tree) {
			tr.alias("a.test", siteText("a.test"))
			tr.dir("else/sites/a.test")
			tr.link("../else", "o1/p")
		}, problems: []string{at + ":2:1: warning: site a.test ignored: p is a link: not a directory"}},
		{
			name: "site_path outside", make: func(tr tree) { tr.site("a.test", "site_path", "'/etc/sites/a.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path "/etc/sites/a.test" is not inside TOP/o1`},
		},
		{
			name: "site_path of the neighbour", make: func(tr tree) { tr.site("a.test", "site_path", "'TOP/o12/sites/a.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path "TOP/o12/sites/a.test" is not inside TOP/o1`},
		},
		{
			name: "site_path climbs", make: func(tr tree) { tr.site("a.test", "site_path", "'TOP/o1/../o2/sites/a.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path "../o2/sites/a.test" has ".", ".." or empty components`},
		},
		{
			name: "site_path relative", make: func(tr tree) { tr.site("a.test", "site_path", "'p/sites/a.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path "p/sites/a.test" is not absolute`},
		},
		{
			name: "site_path of another site", make: func(tr tree) { tr.site("a.test", "site_path", "'TOP/o1/p/sites/b.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path "p/sites/b.test" does not end in /sites/a.test`},
		},
		{
			name: "site_path all", make: func(tr tree) { tr.site("a.test", "uri", "'all'", "site_path", "'TOP/o1/p/sites/all'") },
			problems: []string{at + `:4:3: warning: site ignored: uri "all" is not a host name`},
		},
		{
			name: "site_path in .drush", make: func(tr tree) { tr.site("a.test", "site_path", "'TOP/o1/.drush/sites/a.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path ".drush/sites/a.test" lies in .drush, where no site is`},
		},
		{
			name: "site_path with a placeholder", make: func(tr tree) { tr.site("a.test", "site_path", "'TOP/o1/%client%/sites/a.test'") },
			problems: []string{at + `:6:3: warning: site a.test ignored: site_path "%client%/sites/a.test" has characters that no path of an instance has`},
		},
		{name: "site_path too long", make: func(tr tree) {
			tr.site("a.test", "site_path", "'TOP/o1/"+strings.Repeat("x", 256)+"/sites/a.test'")
		}, problems: []string{at + `:6:3: warning: site a.test ignored: site_path "` + strings.Repeat("x", 256) + `/sites/a.test" is too long`}},
		{
			name: "site_path with a slash at the end", make: func(tr tree) { tr.site("a.test", "site_path", "'TOP/o1/p/sites/a.test/'") },
			sites: []string{`a.test p/sites/a.test ""`},
		},
		{
			name: "site_path from root", make: func(tr tree) { tr.site("a.test", "site_path", "") },
			sites: []string{`a.test p/sites/a.test ""`},
		},
		{name: "site_path from the platform", make: func(tr tree) {
			tr.site("a.test", "site_path", "", "root", "", "platform", "'@platform_P'")
			tr.alias("platform_P", "<?php $aliases['platform_P'] = ['context_type' => 'platform', 'root' => 'TOP/o1/p'];")
		}, sites: []string{`a.test p/sites/a.test ""`}},
		{
			name: "no path at all", make: func(tr tree) { tr.site("a.test", "site_path", "", "root", "") },
			problems: []string{at + `:2:1: warning: site a.test ignored: site_path "" is not absolute`},
		},
		{
			name: "uri no host name", make: func(tr tree) { tr.site("a.test", "uri", "'../b'") },
			problems: []string{at + `:4:3: warning: site ignored: uri "../b" is not a host name`},
		},
		{
			name: "uri missing", make: func(tr tree) { tr.site("a.test", "uri", "") },
			problems: []string{at + `:2:1: warning: site ignored: uri "" is not a host name`},
		},
		{name: "the panel", make: func(tr tree) {
			tr.site("a.test", "root", "'TOP/o1/aegir/distro/1'", "client_name", "'x'")
			tr.site("b.test", "root", "", "site_path", "'TOP/o1/aegir/d/sites/b.test'")
			tr.site("c.test", "root", "'TOP/o1/p/../aegir/'")
		}},
		{name: "no site", make: func(tr tree) {
			tr.alias("a.test", "<?php $aliases['a'] = ['uri' => 'a.test'];")
			tr.alias("platform_a", siteText("a.test"))
			tr.alias("server_a", "broken")
			tr.alias("hm", "broken")
			tr.alias("x.restore", "broken")
			tr.file("o1/.drush/notes.txt", "broken")
		}},
		{name: "links and no files", make: func(tr tree) {
			tr.file("a", siteText("a.test"))
			tr.link("../../a", "o1/.drush/a.test"+aliasSuffix)
			tr.link("/nowhere", "o1/.drush/b.test"+aliasSuffix)
			tr.dir("o1/.drush/c.test" + aliasSuffix)
			if err := syscall.Mkfifo(tr.top+"/o1/.drush/d.test"+aliasSuffix, 0o600); err != nil {
				tr.t.Fatal(err)
			}
		}},
		{name: "broken beside good", make: func(tr tree) {
			tr.site("b.test", "client_name", "'foo'")
			tr.alias("a.test", "<?php\n$aliases['a.test'] = array('uri' => system('id'));")
			tr.alias("c.test", "")
			tr.alias("d.test", "<?php "+strings.Repeat(" ", MaxAliasSize))
		}, sites: []string{`b.test p/sites/b.test "foo"`}, problems: []string{
			at + `:2:37: warning: alias ignored: expected a literal, found "system"`,
			".drush/c.test" + aliasSuffix + `:1:1: warning: alias ignored: expected "<?php" at the beginning, found the end of the file`,
			".drush/d.test" + aliasSuffix + `:1:1: warning: alias ignored: larger than 262144 bytes`,
		}},
		{name: "copies", make: func(tr tree) {
			tr.site("a.test", "client_name", "'foo'")
			tr.alias("1", siteText("a.test", "client_name", "'bar'"))
			tr.alias("z", siteText("a.test", "site_enabled", "false"))
		}, sites: []string{`a.test p/sites/a.test "foo"`}},
		{name: "copies without the site's own", make: func(tr tree) {
			tr.dir("o1/p/sites/a.test")
			tr.alias("1", siteText("a.test", "client_name", "'foo'"))
			tr.alias("2", siteText("a.test", "client_name", "'foo'", "site_enabled", "false"))
		}, sites: []string{`a.test p/sites/a.test "foo" off`}},
		{name: "copies disagree on the owner", make: func(tr tree) {
			tr.dir("o1/p/sites/a.test")
			tr.alias("1", siteText("a.test", "client_name", "'foo'"))
			tr.alias("2", siteText("a.test", "client_name", "'bar'"))
		}, sites: []string{`a.test p/sites/a.test "foo" barred`}, problems: []string{
			".drush/2" + aliasSuffix + `:2:1: warning: site a.test gets no owner: its aliases name "foo" and "bar"`,
		}},
		{name: "other places, own alias", make: func(tr tree) {
			tr.site("a.test", "client_name", "'foo'")
			tr.alias("1", siteText("a.test", "site_path", "'TOP/o1/q/sites/a.test'"))
		}, sites: []string{`a.test p/sites/a.test "foo"`}, problems: []string{
			".drush/1" + aliasSuffix + ":2:1: warning: alias 1 ignored: it puts site a.test at q/sites/a.test, the site's own alias at p/sites/a.test",
		}},
		{name: "other places, no own alias", make: func(tr tree) {
			tr.dir("o1/p/sites/a.test")
			tr.alias("1", siteText("a.test"))
			tr.alias("2", siteText("a.test", "site_path", "'TOP/o1/q/sites/a.test'"))
		}, problems: []string{
			".drush/1" + aliasSuffix + ":2:1: warning: site a.test ignored: several aliases put it at different places, this one at p/sites/a.test",
			".drush/2" + aliasSuffix + ":2:1: warning: site a.test ignored: several aliases put it at different places, this one at q/sites/a.test",
		}},
		{name: "several aliases in a file", make: func(tr tree) {
			tr.site("b.test")
			tr.site("a.test")
			one, two := siteText("a.test"), siteText("b.test", "client_name", "'foo'")
			tr.alias("a.test", one+strings.TrimPrefix(two, "<?php"))
		}, sites: []string{`a.test p/sites/a.test ""`, `b.test p/sites/b.test ""`}},
		{name: "Grav", make: func(tr tree) {
			tr.site("a.test", "client_name", "'foo'")
			tr.file("o1/p/sites/a.test/bin/grav", "")
			tr.file("o1/p/sites/a.test/system/defines.php", "")
		}, sites: []string{`a.test p/sites/a.test "foo" barred`}, problems: []string{
			at + ":2:1: warning: site a.test is shown to the main account only: it is a whole Grav code base",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := newTree(t)
			c.make(tr)
			_, sites, problems := tr.discover(c.opts)
			if diff := cmp.Diff(c.sites, sites); diff != "" {
				t.Errorf("sites (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiscoverInstances(t *testing.T) {
	tr := newTree(t)
	tr.dir("other/o1")
	tr.dir("bare")
	tr.dir("linked")
	tr.link("../o1/.drush", "linked/.drush")
	tr.file("file", "")
	var dirs []policy.Setting[string]
	for i, dir := range []string{"/o1/", "/other/o1", "/none", "/bare", "/linked", "/file", "/x/../o1"} {
		dirs = append(dirs, policy.Setting[string]{Value: tr.top + dir, At: policy.Pos{File: "g.toml", Line: i + 1}})
	}
	dirs = append(dirs, policy.Setting[string]{Value: "o1", At: policy.Pos{File: "g.toml", Line: 8}})
	snap, problems := Discover(dirs, Options{})
	var names []string
	for _, inst := range snap.Instances {
		names = append(names, inst.Name)
	}
	if diff := cmp.Diff([]string{"bare", "file", "linked", "none", "o1"}, names); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	want := []string{
		"TOP/bare/.drush: warning: aliases of bare: open TOP/bare/.drush: no such file or directory",
		"TOP/linked/.drush: warning: aliases of linked: open TOP/linked/.drush: not a directory",
		`g.toml:2: error: instances TOP/o1 and TOP/other/o1 have the same name "o1"`,
		"g.toml:3: warning: instance TOP/none: no such file or directory",
		"g.toml:6: warning: instance TOP/file is not a directory",
		`g.toml:7: error: instance "TOP/x/../o1" is not a clean absolute path`,
		`g.toml:8: error: instance "o1" is not a clean absolute path`,
	}
	if diff := cmp.Diff(want, tr.lines(problems)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
