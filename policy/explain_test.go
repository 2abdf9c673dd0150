package policy

import (
	"errors"
	"strings"
	"testing"
)

// ask reads "verb path [path2]" and explains it.
func explain(t *testing.T, v *View, question string) Explanation {
	t.Helper()
	f := strings.Fields(question)
	q := Question{Verb: f[0], Path: f[1]}
	if len(f) > 2 {
		q.To = f[2]
	}
	e, err := v.Explain(q)
	if err != nil {
		t.Fatalf("Explain(%s): %v", question, err)
	}
	return e
}

// explainInput has something of everything that can refuse.
func explainInput() Input {
	alice := home(Account{Name: "alice"})
	alice.PrimaryGroup = set("agency")
	alice.SecondaryGroups = words("print")
	alice.MembershipGroups = words("billing")
	alice.Permissions = permissions("/ list download upload", "/in list upload", "/dark", "/dark/deep/x list download", "/g* list", "/move *", "/move/blind list rename overwrite")
	alice.FilePatterns = patterns("/ -*.exe", "/shy hide -*.key -secret", "/only +*.txt")
	agency := Group{Name: "agency"}
	agency.VirtualFolders = folders("media /media ro", "drop /drop list upload", "deep /a/b/deep")
	agency.Permissions = permissions("/media *", "/drop *")
	agency.Permissions[0].Path.At, agency.VirtualFolders[0].At = at(40), at(41)
	printers := Group{Name: "print"}
	printers.Permissions = permissions("/print list", "/drop list")
	printers.FilePatterns = patterns("/print +*.pdf")

	bob := Account{Name: "bob"}
	bob.VirtualFolders = folders("media /pool/media")
	return Input{
		Accounts: []Account{alice, bob, home(Account{Name: "o1.ftp", Main: true, Instance: "o1"})},
		Groups:   []Group{agency, printers, {Name: "billing"}},
		Folders:  []Folder{folder("media", "/srv/media"), folder("drop", "/srv/drop"), folder("deep", "/srv/deep")},
		Sites: []Site{
			{URI: "a.org", At: at(70), Source: "/srv/www/a.org", OwnerAccount: "alice", Enabled: true, Preset: "aegir"},
			{URI: "b.org", At: at(71), Source: "/srv/www/b.org", OwnerAccount: "alice", Enabled: true, Preset: "none"},
			{URI: "c.org", Instance: "o1", At: at(72), Source: "/srv/www/c.org", OwnerAccount: "alice", Enabled: true, Preset: "aegir"},
		},
	}
}

func TestExplain(t *testing.T) {
	s := compile(t, explainInput())
	for _, c := range []struct{ account, question, want string }{
		{"alice", "download /x", "ok"},
		{"alice", "open-read /x", "ok"},
		{"alice", "list /", "ok"},
		{"alice", "list /nowhere/deep", "ok"},
		{"alice", "upload /in/x", "ok"},
		{"alice", "download /in/x", "no_permission EACCES"},
		{"alice", "delete /in/x", "no_permission EACCES"},
		{"alice", "delete_files /sites/b.org/x", "ok"},
		{"alice", "delete /sites/b.org/x", "ok"},
		{"alice", "rename /sites/b.org/x", "ok"},
		{"alice", "rename /sites/b.org/x /sites/b.org/y", "ok"},
		{"alice", "* /sites/b.org/x", "ok"},
		{"alice", "* /sites/a.org/files/x", "preset EACCES"},
		{"alice", "rename /move/blind/x /move/y", "gains_download EACCES"},
		{"alice", "rename /sites/b.org/x /x", "no_permission EACCES"},
		{"alice", "rename /move/x /sites/b.org/x", "across_mounts EXDEV"},
		{"alice", "copy /move/x /in/x", "ok"},
		{"alice", "copy /move/x /dark/x", "no_permission EACCES"},
		{"alice", "copy /in/x", "no_permission EACCES"},
		{"alice", "lookup /dark/deep/x/y", "ok"},
		{"alice", "lookup /dark/deep/x", "ok"},
		{"alice", "lookup /dark/other", "no_permission ENOENT"},
		{"alice", "download /dark/other/x", "no_permission ENOENT"},
		{"alice", "list /gallery", "ok"},
		{"alice", "upload /gallery/x", "no_permission EACCES"},
		{"alice", "upload /x.EXE", "pattern EACCES"},
		{"alice", "upload /x.exe/below", "pattern EACCES"},
		{"alice", "download /shy/a.key", "hidden ENOENT"},
		{"alice", "upload /shy/a.key", "hidden EACCES"},
		{"alice", "download /shy/secret/x", "hidden ENOENT"},
		{"alice", "upload /only/x", "pattern EACCES"},
		{"alice", "upload /only/x.txt", "ok"},
		{"alice", "upload /media/x", "mount_read_only EACCES"},
		{"alice", "download /media/x", "ok"},
		{"alice", "download /drop/x", "mount_read_only EACCES"},
		{"alice", "delete_dirs /media", "mount_point EBUSY"},
		{"alice", "rename_dirs /a", "mount_point EBUSY"},
		{"alice", "create_dirs /sites", "mount_point EBUSY"},
		{"alice", "upload /sites/x", "synthetic EACCES"},
		{"alice", "upload /sites/x/y", "no_such_place ENOENT"},
		{"alice", "overwrite /sites/a.org/settings.php", "preset EACCES"},
		{"alice", "overwrite /sites/a.org/local.settings.php", "preset EACCES"},
		{"alice", "download /sites/a.org/drushrc.php", "hidden ENOENT"},
		{"alice", "upload /sites/a.org/modules/x", "ok"},
		{"alice", "link /x", "never EOPNOTSUPP"},
		{"alice", "release /x", "ok"},
		{"alice", "upload /.shares/x", "hidden ENOENT"},
		{"alice", "lookup /", "ok"},
		{"alice", "chmod /", "synthetic EACCES"},
		{"alice", "delete_dirs /", "mount_point EBUSY"},
		{"alice", "rename / /x", "mount_point EBUSY"},
		{"bob", "upload /x", "synthetic EACCES"},
		{"bob", "list /", "ok"},
		{"bob", "list /pool", "ok"},
		{"bob", "download /pool/media/x", "no_permission EACCES"},
		{"bob", "lookup /elsewhere", "no_such_place ENOENT"},
		{"o1.ftp", "download /sites/c.org/drushrc.php", "ok"},
		{"o1.ftp", "upload /users/x", "synthetic EACCES"},
	} {
		if got := say(explain(t, view(t, s, c.account), c.question).Verdict); got != c.want {
			t.Errorf("%s: %s = %s, want %s", c.account, c.question, got, c.want)
		}
	}
}

func TestExplainType(t *testing.T) {
	v := view(t, compile(t, explainInput()), "alice")
	for _, c := range []struct {
		q    Question
		want string
	}{
		{Question{Verb: "overwrite", Path: "/sites/a.org/notes", Type: TypeFile}, "ok"},
		{Question{Verb: "chmod", Path: "/sites/a.org/notes", Type: TypeFile}, "ok"},
		{Question{Verb: "chmod", Path: "/sites/a.org/notes/"}, "preset EACCES"},
		{Question{Verb: "chmod", Path: "/sites/a.org/notes", Type: TypeDir}, "preset EACCES"},
		{Question{Verb: "delete", Path: "/sites/b.org/d/"}, "ok"},
		{Question{Verb: "list", Path: "/in/l", Type: TypeSymlink}, "ok"},
		{Question{Verb: "rename", Path: "/sites/b.org/l", To: "/sites/b.org/m", Type: TypeSymlink}, "ok"},
	} {
		e, err := v.Explain(c.q)
		if err != nil {
			t.Errorf("Explain(%+v): %v", c.q, err)
		} else if got := say(e.Verdict); got != c.want {
			t.Errorf("Explain(%+v) = %s, want %s", c.q, got, c.want)
		}
	}
}

func TestExplainBadQuestion(t *testing.T) {
	v := view(t, compile(t, explainInput()), "alice")
	for _, q := range []Question{
		{Verb: "fly", Path: "/x"},
		{Verb: "", Path: "/x"},
		{Verb: "none", Path: "/x"},
		{Verb: "list", Path: "x"},
		{Verb: "list", Path: ""},
		{Verb: "list", Path: "/a/../b"},
		{Verb: "list", Path: "/a/./b"},
		{Verb: "list", Path: "/a//b"},
		{Verb: "list", Path: "/a\x00b"},
		{Verb: "list", Path: "/" + strings.Repeat("x", 300)},
		{Verb: "list", Path: strings.Repeat("/x", 5000)},
		{Verb: "rename", Path: "/x", To: "/a/.."},
		{Verb: "rename", Path: "/x", To: "y"},
		{Verb: "download", Path: "/x", To: "/y"},
		{Verb: "delete_files", Path: "/x/"},
		{Verb: "rename_dirs", Path: "/x", Type: TypeFile},
		{Verb: "upload", Path: "/x/", Type: TypeFile},
	} {
		if e, err := v.Explain(q); !errors.Is(err, ErrQuestion) {
			t.Errorf("Explain(%.80q) = %+v, %v, want ErrQuestion", q.Path, e, err)
		}
	}
}

func TestExplainRule(t *testing.T) {
	s := compile(t, explainInput())
	for _, c := range []struct{ account, question, want string }{
		{"alice", "download /x", "account:alice / t.toml:1"},
		{"alice", "download /in/x", "account:alice /in t.toml:2"},
		{"alice", "upload /gallery/x", "account:alice /g* t.toml:5"},
		{"alice", "upload /x.exe", "account:alice / t.toml:1"},
		{"alice", "upload /media/x", "group:agency /media t.toml:41"},
		{"alice", "download /media/x", "group:agency /media t.toml:40"},
		{"alice", "delete_dirs /media", "group:agency /media t.toml:41"},
		{"alice", "upload /sites/b.org/x", "default /sites -"},
		{"alice", "delete_dirs /sites/b.org", "site:b.org /sites/b.org t.toml:71"},
		{"alice", "delete_dirs /sites/c.org", "site:o1/c.org /sites/c.org t.toml:72"},
		{"alice", "overwrite /sites/a.org/settings.php", "preset:aegir /sites/a.org t.toml:70"},
		{"alice", "list /print", "group:print /print t.toml:1"},
		{"alice", "link /x", "none"},
		{"bob", "upload /x", "none"},
		{"bob", "list /", "default / -"},
	} {
		got := "none"
		if r := explain(t, view(t, s, c.account), c.question).Rule; r != nil {
			got = r.Origin + " " + r.Path + " " + r.At.line()
		}
		if got != c.want {
			t.Errorf("%s: %s is decided by %s, want %s", c.account, c.question, got, c.want)
		}
	}
}

func TestWouldAllow(t *testing.T) {
	s := compile(t, explainInput())
	for _, c := range []struct{ account, question, want string }{
		{"alice", "download /x", ""},
		{"alice", "download /in/x", `in the permissions of [accounts.alice] (t.toml:1): "/in" = ["list", "download", "upload"] # instead of t.toml:2`},
		{"alice", "delete /in/sub/x", `in the permissions of [accounts.alice] (t.toml:1): "/in/sub" = ["list", "upload", "delete"]`},
		{"alice", "upload /gallery/x", `in the permissions of [accounts.alice] (t.toml:1): "/gallery" = ["list", "upload"]`},
		{"alice", "lookup /dark/other", `in the permissions of [accounts.alice] (t.toml:1): "/dark" = ["list"] # instead of t.toml:3`},
		{"alice", "download /dark/other/x", `in the permissions of [accounts.alice] (t.toml:1): "/dark/other" = ["download"]`},
		{"alice", "upload /x.exe", `in the file_patterns of [accounts.alice] (t.toml:1): { path = "/", allowed = ["*"] } # instead of t.toml:1`},
		{"alice", "download /shy/a.key", `in the file_patterns of [accounts.alice] (t.toml:1): { path = "/shy", denied = ["secret"], deny_policy = "hide" } # instead of t.toml:2`},
		{"alice", "upload /print/x", `in the file_patterns of [accounts.alice] (t.toml:1): { path = "/print", allowed = ["*.pdf", "x"] }` + "\n" + `in the permissions of [accounts.alice] (t.toml:1): "/print" = ["list", "upload"]`},
		{"alice", "upload /media/x", `in [groups.agency] (t.toml:41), the virtual_folders entry for "/media": read_only = false`},
		{"alice", "download /drop/x", `in [groups.agency] (t.toml:2), the virtual_folders entry for "/drop": permissions = ["list", "download", "upload"]`},
		{"alice", "rename /move/blind/x /move/y", `in the permissions of [accounts.alice] (t.toml:1): "/move/blind" = ["list", "download", "overwrite", "rename"] # instead of t.toml:7`},
		{"alice", "upload /a[b/x\\y/z", ""},
		{"alice", "overwrite /a[b/x", `in the permissions of [accounts.alice] (t.toml:1): "/a\\[b" = ["list", "download", "upload", "overwrite"]`},
		{"alice", "link /x", "nothing: it is refused to everybody"},
		{"alice", "delete_dirs /media", "nothing: /media is a mount point, or one lies below it"},
		{"alice", "overwrite /sites/a.org/settings.php", "nothing: the site's preset protects /sites/a.org/settings.php"},
		{"alice", "download /sites/a.org/drushrc.php", "nothing: the site's preset hides /sites/a.org/drushrc.php"},
		{"alice", "upload /.shares", "nothing: the name /.shares is reserved"},
		{"alice", "upload /.ssh/x", "nothing: /.ssh holds what grantfs keeps, and nothing else can be made there"},
		{"bob", "download /pool/media/x", `under [accounts.bob] (a new table): permissions."/pool/media" = ["list", "download"]`},
		{"bob", "upload /x", "nothing: only the view provides /, no directory; a home_dir or a folder mounted there would"},
		{"bob", "lookup /y/x", "nothing: no home, site or folder of bob holds /y; one mounted there would"},
		{"o1.ftp", "upload /sites/c.org/x", "nothing: the site's preset protects /sites/c.org/x"},
	} {
		if got := explain(t, view(t, s, c.account), c.question).WouldAllow; got != c.want {
			t.Errorf("%s: %s would be allowed by\n%s\nwant\n%s", c.account, c.question, got, c.want)
		}
	}
}

// TestWouldAllowTable: an edit says in which table its line belongs.
func TestWouldAllowTable(t *testing.T) {
	a := home(Account{Name: "o1.foo"})
	a.At = at(23)
	a.FilePatterns = nil
	a.PrimaryGroup = set("g")
	g := Group{Name: "g"}
	g.Permissions, g.FilePatterns = permissions("/in list"), patterns("/in -*.exe")
	v := view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{g}}), "o1.foo")
	for question, want := range map[string]string{
		"upload /in/x":       `under [accounts."o1.foo"] (t.toml:23): permissions."/in" = ["list", "upload"]`,
		"readlink /in/a.exe": `under [accounts."o1.foo"] (t.toml:23): file_patterns = [{ path = "/in", allowed = ["*"] }]`,
	} {
		if got := explain(t, v, question).WouldAllow; got != want {
			t.Errorf("%s would be allowed by\n%s\nwant\n%s", question, got, want)
		}
	}
}

// TestWouldAllowCopy: a move that no edit allows may be a copy only where that is
// allowed.
func TestWouldAllowCopy(t *testing.T) {
	const nothing = "nothing: the two places have different owners, birth rules or buckets"
	for verbs, want := range map[string]string{
		"*": nothing + "; copy it, then delete it",
		"list download upload create_dirs rename delete":      nothing,
		"list download upload create_dirs copy rename":        nothing,
		"list download upload create_dirs copy rename delete": nothing + "; copy it, then delete it",
	} {
		in := explainInput()
		in.Accounts[0].Permissions = permissions("/ "+verbs, "/sites "+verbs)
		v := view(t, compile(t, in), "alice")
		if got := explain(t, v, "rename_dirs /x /sites/b.org/x").WouldAllow; got != want {
			t.Errorf("with %s: %q, want %q", verbs, got, want)
		}
	}
}
