package aegir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIsHostname(t *testing.T) {
	for s, want := range map[string]bool{
		"shop.example.org": true, "a": true, "1.2": true, "xn--bcher-kva.ch": true,
		strings.Repeat("a", 63) + ".b": true,
		"":                             false, ".": false, "..": false, "a..b": false, ".a": false, "a.": false,
		"all": false, "default": false, "a/b": false, "../etc": false, "-a.b": false, "a-.b": false,
		"A.b": false, "a_b": false, "bücher.ch": false, "a b": false, "a\n": false, "a%b": false,
		strings.Repeat("a", 64):            false,
		strings.Repeat("a.", 126) + "aaaa": false,
	} {
		if got := isHostname(s); got != want {
			t.Errorf("isHostname(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestAliasName(t *testing.T) {
	for file, want := range map[string]string{
		"a.test" + aliasSuffix: "a.test", "f1" + aliasSuffix: "f1", "platform_X" + aliasSuffix: "platform_X",
		"hm" + aliasSuffix: "", "none" + aliasSuffix: "", "self" + aliasSuffix: "",
		"hostmaster" + aliasSuffix: "", "hostmaster2" + aliasSuffix: "", "server_master" + aliasSuffix: "",
		"x.test.restore" + aliasSuffix: "", "x.test" + aliasSuffix + ".restore": "",
		".x" + aliasSuffix: "", aliasSuffix: "", "drushrc.php": "", "x.aliases.drushrc.php": "",
	} {
		got, ok := aliasName(file)
		if ok != (want != "") || ok && got != want {
			t.Errorf("aliasName(%q) = %q, %v, want %q", file, got, ok, want)
		}
	}
}

func TestLoginOf(t *testing.T) {
	for client, want := range map[string]string{
		"foo": "o1.foo", "Foo_Bar-2": "o1.foobar2", "a.b c": "o1.abc", "Ünïx": "o1.nx", "___": "o1.",
		"\u212aelvin": "o1.elvin", // the Kelvin sign is no k
	} {
		if got := loginOf("o1", client); got != want {
			t.Errorf("loginOf(o1, %q) = %q, want %q", client, got, want)
		}
	}
}

func TestOwners(t *testing.T) {
	site := func(client string) Site { return Site{URI: "x.test", Client: client, Enabled: true} }
	off := func(client string) Site { return Site{URI: "x.test", Client: client} }
	for _, c := range []struct {
		name     string
		instance string
		sites    []Site
		want     []string // client login [attached] [: refused]
	}{
		{"several sites of one", "o1", []Site{off("foo"), site("foo"), off("foo")}, []string{"foo o1.foo attached"}},
		{"disabled", "o1", []Site{off("foo")}, []string{"foo o1.foo"}},
		{"missing directory", "o1", []Site{{Client: "foo", Enabled: true, Missing: true}}, []string{"foo o1.foo"}},
		{"barred", "o1", []Site{{Client: "foo", Enabled: true, Barred: true}}, []string{"foo o1.foo"}},
		{"nobody", "o1", []Site{site("")}, nil},
		{"the exact name keeps the login", "o1", []Site{site("foo_bar"), site("foobar"), site("foo-bar")}, []string{
			`foo-bar o1.foobar attached: the login o1.foobar would also be that of "foo_bar", "foobar"`,
			`foo_bar o1.foobar attached: the login o1.foobar would also be that of "foo-bar", "foobar"`,
			"foobar o1.foobar attached",
		}},
		{"no exact name", "o1", []Site{site("foo_bar"), site("Foobar")}, []string{
			`Foobar o1.foobar attached: the login o1.foobar would also be that of "foo_bar"`,
			`foo_bar o1.foobar attached: the login o1.foobar would also be that of "Foobar"`,
		}},
		{"one of them has only a disabled site", "o1", []Site{site("fo_o"), off("f_oo")}, []string{
			`f_oo o1.foo: the login o1.foo would also be that of "fo_o"`,
			`fo_o o1.foo attached: the login o1.foo would also be that of "f_oo"`,
		}},
		{"reserved", "o1", []Site{site("ftp"), site("W_eb"), site("Admin")}, []string{
			"Admin o1.admin attached: the login o1.admin is reserved",
			"W_eb o1.web attached: the login o1.web is reserved",
			"ftp o1.ftp attached: the login o1.ftp is reserved",
		}},
		{"no letters", "o1", []Site{site("___")}, []string{"___ o1. attached: its name has neither letters nor digits"}},
		{"long", "o1", []Site{site(strings.Repeat("a", 29)), site(strings.Repeat("b", 30))}, []string{
			strings.Repeat("a", 29) + " o1." + strings.Repeat("a", 29) + " attached",
			strings.Repeat("b", 30) + " o1." + strings.Repeat("b", 30) + " attached: the login o1." + strings.Repeat("b", 30) + " is longer than 32 characters",
		}},
		{"paths and placeholders", "o1", []Site{site("../etc"), site("a/b"), site("%username%"), site("a*"), site("a\nb")}, []string{
			"%username% o1.username attached: its name can't be a directory's name",
			"../etc o1.etc attached: its name can't be a directory's name",
			"a\nb o1.ab attached: its name can't be a directory's name",
			"a* o1.a attached: its name can't be a directory's name",
			"a/b o1.ab attached: its name can't be a directory's name",
		}},
		{"instance's name", "O1", []Site{site("foo")}, []string{`foo O1.foo attached: "O1.foo" can't be a login`}},
	} {
		var got []string
		for _, o := range (Instance{Name: c.instance, Sites: c.sites}).owners() {
			line := fmt.Sprintf("%s %s", o.client, o.login)
			if o.attached {
				line += " attached"
			}
			if o.refused != "" {
				line += ": " + o.refused
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: owners (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	site := func(uri, client string) Site { return Site{URI: uri, Client: client, Enabled: true} }
	s := &Snapshot{Instances: []Instance{{Name: "o1", Sites: []Site{
		site("a.test", "foo"), site("b.test", "f_oo"), site("c.test", "b_ar"), site("d.test", "b-ar"), site("e.test", "web"), site("f.test", "ok"),
	}}}}
	want := map[string]string{
		"o1.bar": `the login o1.bar would also be that of "b-ar"`,
		"o1.web": "the login o1.web is reserved",
	}
	if diff := cmp.Diff(want, s.Refused()); diff != "" {
		t.Errorf("Refused (-want +got):\n%s", diff)
	}
}
