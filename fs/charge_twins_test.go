package fs_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/quota"
	"grantfs/policy"
)

// TestTwins: two folders whose sources a bind mount makes one directory, each with a
// folder inside that is reached by one of the two paths, are counted once, whoever
// writes through which; when the mount goes, each holds its own again.
func TestTwins(t *testing.T) {
	one, two := tree(t, "d/", "old", "in/", "in/x"), tree(t, "hidden")
	inner := filepath.Join(two, "in")
	in := policy.Input{Folders: []policy.Folder{
		{Name: "one", Source: set(one)}, {Name: "two", Source: set(two)}, {Name: "inner", Source: set(inner)},
	}}
	ids := map[string]policy.IDs{}
	for name, uid := range map[string]uint32{"alice": aliceUID, "bob": bobUID} {
		a := policy.Account{Name: name, Settings: policy.Settings{HomeDir: set(tree(t))}}
		for _, f := range in.Folders {
			m := policy.Mounting{Folder: set(f.Name), Path: set("/" + f.Name), QuotaSize: set(int64(100_000))}
			a.VirtualFolders = append(a.VirtualFolders, m)
		}
		in.Accounts = append(in.Accounts, a)
		ids[name] = policy.IDs{UID: uid, GID: uid}
	}
	bind := func() {
		t.Helper()
		if err := unix.Mount(one, two, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
	}
	unbind := func() error { return unix.Unmount(two, unix.MNT_DETACH) }
	bind()
	bound := true
	t.Cleanup(func() {
		if bound {
			if err := unbind(); err != nil {
				t.Error(err)
			}
		}
	})
	m := mount(t, in, ids)
	is := func(when string, want map[string]quota.Charge) {
		t.Helper()
		for name, c := range want {
			var got quota.Charge
			for end := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
				if got = m.Ledger().Usage("folder:" + name).Used; got == c {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%s: folder %s holds %+v by the ledger, %+v on the disk", when, name, got, c)
				}
			}
		}
	}
	all := func() map[string]quota.Charge {
		whole := scan(t, one)
		return map[string]quota.Charge{"one": whole, "two": whole, "inner": scan(t, filepath.Join(one, "in"))}
	}
	m.CheckSources()
	waitFor(t, func() bool { return m.CountedAs(two) == m.CountedAs(one) })
	is("at the start", all())
	for i, p := range []string{"alice/one/a", "alice/two/b", "bob/two/d/c", "bob/one/in/y", "alice/two/in/z", "bob/inner/w", "bob/two/old"} {
		uid := []int{aliceUID, aliceUID, bobUID, bobUID, aliceUID, bobUID, bobUID}[i]
		as(uid, func() {
			if err := os.WriteFile(filepath.Join(m.point, p), make([]byte, 1000+i), 0o600); err != nil {
				t.Error(err)
			}
		})
		is(p, all())
	}
	as(aliceUID, func() {
		if err := os.WriteFile(filepath.Join(m.point, "alice/two/much"), make([]byte, 100_000), 0o600); errnoOf(err) != unix.EDQUOT {
			t.Errorf("more than the limit is written: %v", err)
		}
		for _, p := range []string{"alice/two/much", "alice/two/a"} {
			if err := os.Remove(filepath.Join(m.point, p)); err != nil {
				t.Error(err)
			}
		}
	})
	is("after removals", all())
	m.count(t, m.CountedAs(one), m.CountedAs(inner))
	is("after a scan", all())

	bound = false
	if err := unbind(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		m.CheckSources()
		return m.CountedAs(two) == two && m.CountedAs(one) == one
	})
	is("apart", map[string]quota.Charge{"one": scan(t, one), "two": scan(t, two)})
	bind()
	bound = true
	waitFor(t, func() bool {
		m.CheckSources()
		return m.CountedAs(two) == m.CountedAs(one)
	})
	is("together again", all())
}
