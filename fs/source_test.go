package fs_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestMissingSource: one place that is missing answers ENOENT, everything else
// works, and it is there when it comes back, be it as another directory.
func TestMissingSource(t *testing.T) {
	site, store := aegirSite(t)
	in, ids := siteInput(site, store)
	other := tree(t, "here")
	in.Folders = []policy.Folder{{Name: "other", Source: set(other)}}
	in.Accounts[0].VirtualFolders = []policy.Mounting{{Folder: set("other"), Path: set("/other")}}
	away := site + "-away"
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	shop := filepath.Join(view, "sites", "shop.test")
	// The kernel knows a name for the entry timeout, the daemon a source for as long.
	until := func(want func(error) bool) {
		t.Helper()
		waitFor(t, func() (done bool) {
			as(aliceUID, func() { done = want(unix.Lstat(filepath.Join(shop, "settings.php"), new(unix.Stat_t))) })
			return done
		})
	}
	until(func(err error) bool { return err == nil })
	if err := os.Rename(site, away); err != nil {
		t.Fatal(err)
	}
	until(func(err error) bool { return errnoOf(err) == ENOENT })
	as(aliceUID, func() {
		if got := names(t, filepath.Join(view, "other")); !slices.Equal(got, []string{"here"}) {
			t.Errorf("the other mount shows %v", got)
		}
	})
	if got := m.MissingSources(); !slices.Equal(got, []string{site}) {
		t.Errorf("MissingSources() = %v, want %s", got, site)
	}
	if err := os.Mkdir(site, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(site, "settings.php"), []byte("another"), 0o644); err != nil {
		t.Fatal(err)
	}
	until(func(err error) bool { return err == nil })
	as(aliceUID, func() {
		if got := readAll(t, filepath.Join(shop, "settings.php")); got != "another" {
			t.Errorf("the new site holds %q", got)
		}
	})
	if got := m.MissingSources(); len(got) != 0 {
		t.Errorf("MissingSources() = %v afterwards", got)
	}
}

// TestLinkInSource: links are resolved when the policy is loaded; one that
// comes later could lead anywhere, also for root's own.
func TestLinkInSource(t *testing.T) {
	dir := openDir(t)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(tree(t, "f"), link); err != nil {
		t.Fatal(err)
	}
	in, ids := home(link, nil)
	m := mount(t, in, ids)
	as(aliceUID, func() {
		if err := unix.Lstat(filepath.Join(m.point, "alice", "f"), new(unix.Stat_t)); errnoOf(err) != ENOENT {
			t.Errorf("through a link: %v, want ENOENT", err)
		}
	})
	if got := m.MissingSources(); !slices.Equal(got, []string{link}) {
		t.Errorf("MissingSources() = %v, want %s", got, link)
	}
}

// TestHomeIsMade: a home that is missing is made when its view is entered, as
// home_owner and home_mode say, and what is made in it is its owner's.
func TestHomeIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*policy.Account)
		uid, gid uint32
		mode     os.FileMode
	}{
		"by default": {nil, aliceUID, aliceUID, 0o700},
		"as configured": {func(a *policy.Account) {
			a.HomeOwner, a.HomeOwnerIDs = set("owner:group"), &policy.IDs{UID: ownerUID, GID: groupGID}
			a.HomeMode = set(uint32(0o750))
		}, ownerUID, groupGID, 0o750},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(openDir(t), "alice")
			in, ids := home(dir, c.change)
			m := mount(t, in, ids)
			as(aliceUID, func() { create(t, filepath.Join(m.point, "alice/f")).Close() })
			for p, mode := range map[string]os.FileMode{dir: c.mode | os.ModeDir, filepath.Join(dir, "f"): c.mode & 0o660} {
				fi, err := os.Stat(p)
				if err != nil {
					t.Fatal(err)
				}
				st := fi.Sys().(*syscall.Stat_t)
				if fi.Mode() != mode || st.Uid != c.uid || st.Gid != c.gid {
					t.Errorf("%s is %s of %d:%d, want %s of %d:%d", p, fi.Mode(), st.Uid, st.Gid, mode, c.uid, c.gid)
				}
			}
		})
	}
}
