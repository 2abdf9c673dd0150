package extrausers

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"grantfs/integration/userdb"
)

// fixed is a directory of users, all in one group.
type fixed struct {
	userdb.Directory
	users []userdb.User
	group userdb.Group
}

func (f fixed) Users() iter.Seq[userdb.User]   { return slices.Values(f.users) }
func (f fixed) Groups() iter.Seq[userdb.Group] { return slices.Values([]userdb.Group{f.group}) }

func (f fixed) Memberships(_, group string) iter.Seq[userdb.Membership] {
	return func(yield func(userdb.Membership) bool) {
		for _, u := range f.users {
			if !yield(userdb.Membership{User: u.Name, Group: group}) {
				return
			}
		}
	}
}

func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = info.Mode().String() + "\n" + string(text)
	}
	return found
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "extrausers")
	d := fixed{group: userdb.Group{Name: "grantfs-2fa", GID: 7}, users: []userdb.User{
		{Name: "a", UID: 1001, GID: 5, Hash: "$6$x"},
		{Name: "b", UID: 1002, GID: 5, Hash: "$6$y", Locked: true},
		{Name: "c", UID: 1003, GID: 5},
		{Name: "d", UID: 1004, GID: 5, Hash: "x::::::\nroot2:x:0:0::/:/bin/sh"},
	}}
	if err := Clear(dir, d); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("nothing was to be cleared, and now there is %s: %v", dir, err)
	}
	if err := Write(dir, d); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"passwd": "-rw-r--r--\na:x:1001:5::/:/usr/sbin/nologin\nb:x:1002:5::/:/usr/sbin/nologin\nc:x:1003:5::/:/usr/sbin/nologin\nd:x:1004:5::/:/usr/sbin/nologin\n",
		"shadow": "-rw-------\na:$6$x:::::::\nb:!*::::::1:\nc:!*:::::::\nd:!*:::::::\n",
		"group":  "-rw-r--r--\ngrantfs-2fa:x:7:a,b,c,d\n",
	}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	// Somebody else's line, without its end, is kept; a file that is as it is to be
	// is not touched.
	if err := os.WriteFile(dir+"/passwd", []byte("a:x:1:1::/:/bin/sh\nother:x:9:9::/:/bin/sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(dir + "/shadow")
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, d); err != nil {
		t.Fatal(err)
	}
	want["passwd"] = want["passwd"][:11] + "other:x:9:9::/:/bin/sh\n" + want["passwd"][11:]
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Errorf("files beside another's line (-want +got):\n%s", diff)
	}
	if after, err := os.Stat(dir + "/shadow"); err != nil || !os.SameFile(before, after) {
		t.Errorf("the shadow file was written again: %v", err)
	}

	if err := Clear(dir, d); err != nil {
		t.Fatal(err)
	}
	want = map[string]string{"passwd": "-rw-r--r--\nother:x:9:9::/:/bin/sh\n", "shadow": "-rw-------\n", "group": "-rw-r--r--\n"}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" {
		t.Errorf("files after clearing (-want +got):\n%s", diff)
	}
}
