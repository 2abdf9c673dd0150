package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// drawn writes a branch, one line for each directory.
func drawn(b *Branch) string {
	var out strings.Builder
	var draw func(*Branch)
	draw = func(b *Branch) {
		fmt.Fprintf(&out, "%s %s %s [%s]", b.Path, b.Kind, strings.Join(b.Verbs.Names(), ","), strings.Join(b.Buckets, " "))
		if b.Preset != "" {
			out.WriteString(" " + b.Preset)
		}
		if b.ReadOnly {
			out.WriteString(" read-only")
		}
		if b.Hidden {
			out.WriteString(" hidden")
		}
		fmt.Fprintf(&out, " %s\n", b.Origin)
		for _, c := range b.Children {
			draw(c)
		}
	}
	draw(b)
	return out.String()
}

func trimLines(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n") + "\n"
}

func TestTree(t *testing.T) {
	s := compile(t, explainInput())
	for _, c := range []struct{ account, path, want string }{
		{"alice", "/", `
			/ home list,download,upload [account:alice] account:alice
			/.ssh keys list,download,overwrite,delete_files,chmod,chtimes [] hidden default
			/a synthetic list [account:alice] default
			/a/b synthetic list [account:alice] default
			/a/b/deep folder list,download,upload [folder:deep] group:agency
			/dark directory  [account:alice] account:alice
			/dark/deep directory  [account:alice] default
			/dark/deep/x directory list,download [account:alice] account:alice
			/drop folder list,upload [folder:drop] group:agency
			/g* directory list [account:alice] account:alice
			/in directory list,upload [account:alice] account:alice
			/media folder list,download,copy [folder:media] read-only group:agency
			/move directory * [account:alice] account:alice
			/move/blind directory list,overwrite,rename [account:alice] account:alice
			/only directory list,download,upload [account:alice] default
			/print directory list [account:alice] group:print
			/shy directory list,download,upload [account:alice] default
			/sites synthetic list [] default
			/sites/a.org site list,download,overwrite,chmod,chown,chtimes,copy [account:alice site:a.org] aegir site:a.org
			/sites/b.org site * [account:alice site:b.org] site:b.org
			/sites/c.org site list,download,overwrite,chmod,chown,chtimes,copy [account:alice site:o1/c.org instance:o1] aegir site:o1/c.org`},
		{"alice", "/a/b/deep/", `/a/b/deep folder list,download,upload [folder:deep] group:agency`},
		{"alice", "/in/some/where", `/in/some/where directory list,upload [account:alice] default`},
		{"bob", "/", `
			/ synthetic list [] default
			/.ssh keys list,download,overwrite,delete_files,chmod,chtimes [] hidden default
			/pool synthetic list [] default
			/pool/media folder list [folder:media] account:bob`},
		{"o1.ftp", "/", `
			/ home * [account:o1.ftp instance:o1] account:o1.ftp
			/.ssh keys list,download,overwrite,delete_files,chmod,chtimes [] hidden default
			/sites synthetic list [] default
			/sites/c.org site list,download,overwrite,chmod,chown,chtimes,copy [account:alice site:o1/c.org instance:o1] aegir site:o1/c.org
			/users users list,download,overwrite,delete_files,chmod,chtimes [] default`},
	} {
		b, v, err := view(t, s, c.account).Tree(c.path)
		if err != nil || !v.Allowed() {
			t.Errorf("%s: Tree(%s) = %v, %v", c.account, c.path, v, err)
			continue
		}
		if diff := cmp.Diff(trimLines(c.want), trimLines(drawn(b))); diff != "" {
			t.Errorf("%s: Tree(%s) (-want +got):\n%s", c.account, c.path, diff)
		}
	}
}

func TestTreeUnreachable(t *testing.T) {
	s := compile(t, explainInput())
	for _, c := range []struct{ account, path, want string }{
		{"bob", "/elsewhere", "no_such_place ENOENT"},
		{"alice", "/shy/secret", "hidden ENOENT"},
		{"alice", "/.shares", "hidden ENOENT"},
	} {
		b, v, err := view(t, s, c.account).Tree(c.path)
		if b != nil || err != nil || say(v) != c.want {
			t.Errorf("%s: Tree(%s) = %v, %s, %v, want %s", c.account, c.path, b, say(v), err, c.want)
		}
	}
	if _, _, err := view(t, s, "bob").Tree("/a/../b"); err == nil {
		t.Error("Tree(/a/../b) = nil error")
	}
}

func TestTreeHiddenMount(t *testing.T) {
	a := home(Account{Name: "alice"})
	a.FilePatterns = patterns("/ hide -media")
	a.VirtualFolders = folders("media /media")
	b, _, err := view(t, compile(t, Input{Accounts: []Account{a}, Folders: []Folder{folder("media", "/srv/media")}}), "alice").Tree("/")
	if err != nil || len(b.Children) != 2 || !b.Children[1].Hidden || b.Pattern == nil || b.Pattern.Path != "/" {
		t.Errorf("Tree(/) = %+v, %v, want a hidden child and its pattern", b, err)
	}
}

func TestBuckets(t *testing.T) {
	group := Group{Name: "shared", QuotaScope: set("group")}
	group.QuotaSize = set(Limit{N: 1})
	a := home(Account{Name: "o1.foo", Instance: "o1", Client: "foo"})
	a.PrimaryGroup = set("shared")
	a.VirtualFolders = folders("own /own", "own /charged", "media /media")
	a.VirtualFolders[1].QuotaSize, a.VirtualFolders[1].QuotaFiles = set(int64(-1)), set(int64(-1))
	a.VirtualFolders[2].Subpath = set("%username%")
	s := compile(t, Input{
		Accounts: []Account{a},
		Groups:   []Group{group},
		Folders:  []Folder{folder("own", "/srv/own/%username%"), folder("media", "/srv/media")},
		Sites: []Site{
			{URI: "mine", Instance: "o1", Source: "/o1/mine", OwnerAccount: "o1.foo", Preset: "aegir"},
			{URI: "ours", Instance: "o1", Source: "/o1/ours", Unowned: true, Preset: "aegir"},
		},
		UnownedAll: true,
	})
	want := map[string]string{
		"/":           "account:o1.foo group:shared instance:o1",
		"/own":        "folder:own/o1.foo",
		"/charged":    "account:o1.foo group:shared instance:o1 folder:own/o1.foo",
		"/media":      "folder:media/o1.foo",
		"/sites/mine": "account:o1.foo group:shared site:o1/mine instance:o1",
		"/sites/ours": "site:o1/ours",
	}
	v := view(t, s, "o1.foo")
	got := map[string]string{}
	for _, m := range v.Mounts() {
		got[m.Path] = strings.Join(v.Buckets(m), " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Buckets (-want +got):\n%s", diff)
	}
}
