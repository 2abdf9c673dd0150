package aegir

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClientLinks(t *testing.T) {
	const at = ".drush/a.test" + aliasSuffix
	for _, c := range []struct {
		name     string
		make     func(tr tree)
		opts     Options
		sites    []string
		problems []string
	}{
		{name: "links name the owner where no alias does", make: func(tr tree) {
			tr.site("a.test")
			tr.site("b.test", "client_name", "NULL")
			tr.link(tr.top+"/o1/p/sites/a.test", "o1/clients/foo/a.test")
			tr.link(tr.top+"/o1/p/sites/b.test/", "o1/clients/bar/b.test")
		}, sites: []string{`a.test p/sites/a.test "foo"`, `b.test p/sites/b.test "bar"`}},
		{name: "one alias that names a client is enough", make: func(tr tree) {
			tr.site("a.test")
			tr.site("b.test", "client_name", "'admin'")
			tr.link(tr.top+"/o1/p/sites/a.test", "o1/clients/foo/a.test")
		}, sites: []string{`a.test p/sites/a.test ""`, `b.test p/sites/b.test ""`}},
		{name: "admin owns nothing", make: func(tr tree) {
			tr.site("a.test")
			tr.link(tr.top+"/o1/p/sites/a.test", "o1/clients/admin/a.test")
		}, sites: []string{`a.test p/sites/a.test ""`}},
		{name: "links elsewhere do not count", make: func(tr tree) {
			tr.site("a.test")
			tr.site("b.test")
			tr.link(tr.top+"/o1/p/sites/b.test", "o1/clients/foo/a.test")
			tr.link("../../p/sites/a.test", "o1/clients/bar/a.test")
			tr.dir("o1/clients/baz/a.test")
			tr.link(tr.top+"/o1/p/sites/a.test", "evil/a.test")
			tr.link("../../evil", "o1/clients/evil")
		}, sites: []string{`a.test p/sites/a.test ""`, `b.test p/sites/b.test ""`}},
		{name: "two links", make: func(tr tree) {
			tr.site("a.test")
			tr.link(tr.top+"/o1/p/sites/a.test", "o1/clients/foo/a.test")
			tr.link(tr.top+"/o1/p/sites/a.test", "o1/clients/bar/a.test")
		}, sites: []string{`a.test p/sites/a.test "bar" barred`}, problems: []string{
			at + `:2:1: warning: site a.test gets no owner: both "bar" and "foo" have a link to it in clients`,
		}},
		{name: "directory required", opts: Options{RequireClientLink: true}, make: func(tr tree) {
			tr.site("a.test", "client_name", "'foo'")
			tr.site("b.test", "client_name", "'foo'")
			tr.site("c.test", "client_name", "'bar'")
			tr.site("d.test", "client_name", "'../p'")
			tr.site("e.test", "client_name", "'link'")
			tr.site("f.test")
			tr.dir("o1/clients/bar")
			tr.link("bar", "o1/clients/link")
		}, sites: []string{
			`a.test p/sites/a.test "foo" barred`, `b.test p/sites/b.test "foo" barred`, `c.test p/sites/c.test "bar"`,
			`d.test p/sites/d.test "../p" barred`, `e.test p/sites/e.test "link" barred`, `f.test p/sites/f.test ""`,
		}, problems: []string{
			at + `:2:1: warning: client "foo" of o1 gets nothing: "clients/foo" is not a directory`,
			".drush/d.test" + aliasSuffix + `:2:1: warning: client "../p" of o1 gets nothing: "clients/../p" is not a directory`,
			".drush/e.test" + aliasSuffix + `:2:1: warning: client "link" of o1 gets nothing: "clients/link" is not a directory`,
		}},
		{
			name: "directory not required", make: func(tr tree) { tr.site("a.test", "client_name", "'foo'") },
			sites: []string{`a.test p/sites/a.test "foo"`},
		},
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
