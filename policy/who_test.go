package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWho(t *testing.T) {
	in := explainInput()
	in.Accounts[1].Enabled = set(false)
	in.Sites[0].Stores = []Store{{Name: "files", Path: "/srv/static/a.org/files"}}
	nested := home(Account{Name: "nest"})
	nested.HomeDir = set("/srv/nest")
	nested.VirtualFolders = folders("media /m", "sub /m/sub", "media /again")
	in.Accounts = append(in.Accounts, nested)
	in.Folders = append(in.Folders, folder("sub", "/srv/media/deep"))
	s := compile(t, in)
	for _, c := range []struct {
		path string
		kind FileType
		want string
	}{
		{"/srv/media/x", TypeNone, `
			alice /media/x folder:media list,download,copy
			bob disabled /pool/media/x folder:media list
			nest /again/x folder:media *
			nest /m/x folder:media *`},
		{"/srv/media", TypeNone, `
			alice /media folder:media list,download,copy
			bob disabled /pool/media folder:media list
			nest /again folder:media *
			nest /m folder:media *`},
		{"/srv/media/x.exe", TypeFile, `
			alice /media/x.exe folder:media 
			bob disabled /pool/media/x.exe folder:media list
			nest /again/x.exe folder:media *
			nest /m/x.exe folder:media *`},
		{"/srv/media/sub/x", TypeNone, `
			alice /media/sub/x folder:media list,download,copy
			bob disabled /pool/media/sub/x folder:media list
			nest /again/sub/x folder:media *`},
		{"/srv/media/sub", TypeFile, `
			alice /media/sub folder:media list,download,copy
			bob disabled /pool/media/sub folder:media list
			nest /again/sub folder:media *`},
		{"/srv/media/deep/x", TypeNone, `
			alice /media/deep/x folder:media list,download,copy
			bob disabled /pool/media/deep/x folder:media list
			nest /again/deep/x folder:media *
			nest /m/deep/x folder:media *
			nest /m/sub/x folder:sub *`},
		{"/srv/www/a.org/settings.php", TypeNone, `alice /sites/a.org/settings.php site:a.org list,download,copy`},
		{"/srv/www/a.org/drushrc.php", TypeNone, ``},
		{"/srv/static/a.org/files/x", TypeNone, `alice /sites/a.org/files/x site:a.org list,download,upload,overwrite,delete,rename,create_dirs,chmod,chown,chtimes,copy`},
		{"/srv/www/c.org/", TypeNone, `
			alice /sites/c.org site:o1/c.org list,download,overwrite,chmod,chown,chtimes,copy
			o1.ftp /sites/c.org site:o1/c.org list,download,overwrite,chmod,chown,chtimes,copy`},
		{"/srv/nest/m", TypeNone, ``},
		{"/srv/nest/a/m", TypeNone, `nest /a/m home *`},
		{"/srv", TypeDir, ``},
		{"/", TypeNone, ``},
		{"/srv/mediax", TypeNone, ``},
	} {
		list, err := s.Who(c.path, c.kind)
		if err != nil {
			t.Errorf("Who(%s): %v", c.path, err)
			continue
		}
		var got strings.Builder
		for _, r := range list {
			name := r.Account
			if !r.Enabled {
				name += " disabled"
			}
			fmt.Fprintf(&got, "%s %s %s %s\n", name, r.VPath, r.Mount, strings.Join(r.Verbs.Names(), ","))
		}
		if diff := cmp.Diff(trimLines(c.want), trimLines(got.String())); diff != "" {
			t.Errorf("Who(%s) (-want +got):\n%s", c.path, diff)
		}
	}
	for _, bad := range []string{"", "x", "/a//b", "/a/..", "/a\x00"} {
		if _, err := s.Who(bad, TypeNone); !errors.Is(err, ErrQuestion) {
			t.Errorf("Who(%q) = %v, want ErrQuestion", bad, err)
		}
	}
}

// TestWhoIsExplain: the verbs of a file are those that explain allows at its
// vpath.
func TestWhoIsExplain(t *testing.T) {
	s := compile(t, explainInput())
	for _, p := range []string{"/srv/media/x", "/srv/media/x.exe", "/srv/drop/x", "/srv/www/a.org/settings.php", "/srv/www/a.org/files/x", "/srv/www/b.org/x", "/srv/www/c.org/drushrc.php", "/srv/deep/d/x"} {
		list, err := s.Who(p, TypeFile)
		if err != nil || len(list) == 0 {
			t.Errorf("Who(%s) = %v, %v", p, list, err)
		}
		for _, r := range list {
			for _, subject := range subjects {
				q := Question{Verb: subject.verb.Names()[0], Path: r.VPath}
				if subject.verb == VerbList {
					q.Type = TypeSymlink // list, asked about a name in a directory
				}
				e, err := view(t, s, r.Account).Explain(q)
				if err != nil {
					t.Fatal(err)
				}
				if got := r.Verbs&subject.verb != 0; got != e.Allowed() {
					t.Errorf("Who(%s): %s %s %s = %v, explain says %v", p, r.Account, r.VPath, q.Verb, got, e.Allowed())
				}
			}
		}
	}
}

// TestWhoBelow: a directory above what accounts reach says who reaches it.
func TestWhoBelow(t *testing.T) {
	in := explainInput()
	in.Sites[0].Stores = []Store{{Name: "files", Path: "/srv/static/a.org/files"}}
	s := compile(t, in)
	for path, want := range map[string]string{
		"/srv/media":   "",
		"/srv/media/x": "",
		"/srv/med":     "",
		"/srv/static":  "alice /srv/static/a.org/files /sites/a.org/files\n",
		"/srv/www/":    "alice /srv/www/a.org /sites/a.org\nalice /srv/www/b.org /sites/b.org\nalice /srv/www/c.org /sites/c.org\no1.ftp /srv/www/c.org /sites/c.org\n",
	} {
		list, err := s.WhoBelow(path)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, r := range list {
			fmt.Fprintf(&got, "%s %s %s\n", r.Account, r.Path, r.VPath)
		}
		if got.String() != want {
			t.Errorf("WhoBelow(%s) =\n%swant\n%s", path, &got, want)
		}
	}
	if _, err := s.WhoBelow("x"); !errors.Is(err, ErrQuestion) {
		t.Errorf("WhoBelow(x) = %v, want ErrQuestion", err)
	}
}
