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

// aegirSite lays out one site whose files are in a store beside it, and one
// link that leads elsewhere.
func aegirSite(t *testing.T) (site, store string) {
	site = tree(t, "modules/", "settings.php", "local.settings.php", "drushrc.php", "other.txt")
	store = tree(t, ".htaccess", "image.png")
	elsewhere := tree(t, "secret")
	for name, text := range map[string]string{"files": store, "private": elsewhere, "abs": "/etc/passwd"} {
		if err := os.Symlink(text, filepath.Join(site, name)); err != nil {
			t.Fatal(err)
		}
	}
	return site, store
}

func siteInput(site, store string) (policy.Input, map[string]policy.IDs) {
	in := policy.Input{
		Accounts: []policy.Account{{Name: "alice"}},
		Sites: []policy.Site{{
			URI: "shop.test", Source: site, OwnerAccount: "alice", Enabled: true, Preset: "aegir",
			Stores: []policy.Store{{Name: "files", Path: store}, {Name: "private", Path: store + "-private"}},
		}},
	}
	return in, map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}}
}

func TestAegirSite(t *testing.T) {
	site, store := aegirSite(t)
	in, ids := siteInput(site, store)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice", "sites", "shop.test")
	write := func(name string) error { return os.WriteFile(filepath.Join(view, name), []byte("x"), 0o600) }
	as(aliceUID, func() {
		want := []string{"files", "local.settings.php", "modules", "other.txt", "settings.php"}
		if got := names(t, view); !slices.Equal(got, want) {
			t.Errorf("the site shows %v, want %v", got, want)
		}
		if st := lstat(t, filepath.Join(view, "files")); st.Mode != unix.S_IFDIR|0o755 || st.Uid != aliceUID {
			t.Errorf("files is shown as %o of %d, want an own directory", st.Mode, st.Uid)
		}
		look := func(name string) func() error {
			return func() error {
				_, err := os.Lstat(filepath.Join(view, name))
				return err
			}
		}
		put := func(name string) func() error { return func() error { return write(name) } }
		for _, try := range []struct {
			what string
			do   func() error
			want syscall.Errno
		}{
			{"write settings.php", put("settings.php"), EACCES},
			{"write a locked local.settings.php", put("local.settings.php"), EACCES},
			{"create in the top level", put("new.php"), EACCES},
			{"look at drushrc.php", look("drushrc.php"), ENOENT},
			{"create drushrc.php", put("drushrc.php"), EACCES},
			{"look at a link elsewhere", look("private"), ENOENT},
			{"look at an absolute link", look("abs"), ENOENT},
			{"rename the store", func() error { return os.Rename(filepath.Join(view, "files"), filepath.Join(view, "x")) }, EACCES},
			{"remove the store", func() error { return unix.Rmdir(filepath.Join(view, "files")) }, EACCES},
			{"write files/.htaccess", put("files/.htaccess"), EACCES},
			{"overwrite in files", put("files/image.png"), ok},
			{"create in files", put("files/second.png"), ok},
			{"create in modules", put("modules/new.module"), ok},
			{"create a drush command", put("modules/x.drush.inc"), EACCES},
			{"symlink in files", func() error { return os.Symlink("image.png", filepath.Join(view, "files/l")) }, EACCES},
			{"move from code to store", func() error {
				return os.Rename(filepath.Join(view, "modules/new.module"), filepath.Join(view, "files/moved"))
			}, ok},
			{"overwrite what was moved", put("files/moved"), ok},
		} {
			if got := errnoOf(try.do()); got != try.want {
				t.Errorf("%s: %v, want %v", try.what, got, try.want)
			}
		}
		if got, want := names(t, filepath.Join(view, "files")), []string{".htaccess", "image.png", "moved", "second.png"}; !slices.Equal(got, want) {
			t.Errorf("files shows %v, want %v", got, want)
		}
	})
	st := lstat(t, filepath.Join(store, "second.png"))
	if target, err := os.Readlink(filepath.Join(site, "files")); err != nil || target != store {
		t.Errorf("the link in the site is %q, %v", target, err)
	}
	if st.Uid != ownerUID || st.Gid != groupGID || st.Mode != unix.S_IFREG|0o664 {
		t.Errorf("born %o %d:%d in the store, want 0664 %d:%d", st.Mode, st.Uid, st.Gid, ownerUID, groupGID)
	}
}

// TestLockedWhileOpen: a handle from before the lock writes no more.
func TestLockedWhileOpen(t *testing.T) {
	site, store := aegirSite(t)
	in, ids := siteInput(site, store)
	m := mount(t, in, ids)
	back := filepath.Join(site, "local.settings.php")
	if err := os.Chmod(back, 0o660); err != nil {
		t.Fatal(err)
	}
	as(aliceUID, func() {
		fd, err := unix.Open(filepath.Join(m.point, "alice/sites/shop.test/local.settings.php"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		if _, err := unix.Write(fd, []byte("<?php")); err != nil {
			t.Errorf("write while it is unlocked: %v", err)
		}
		as(0, func() {
			if err := os.Chmod(back, 0o440); err != nil {
				t.Error(err)
			}
		})
		if _, err := unix.Write(fd, []byte("more")); errnoOf(err) != EACCES {
			t.Errorf("write after the lock: %v, want EACCES", err)
		}
		if err := unix.Ftruncate(fd, 0); errnoOf(err) != EACCES {
			t.Errorf("ftruncate after the lock: %v, want EACCES", err)
		}
	})
}

// TestUnlockedSettings: Aegir unlocks local.settings.php by its mode on disk.
func TestUnlockedSettings(t *testing.T) {
	site, store := aegirSite(t)
	in, ids := siteInput(site, store)
	m := mount(t, in, ids)
	p := filepath.Join(m.point, "alice/sites/shop.test/local.settings.php")
	for _, step := range []struct {
		mode os.FileMode
		want syscall.Errno
	}{{0o440, EACCES}, {0o660, ok}, {0o440, EACCES}} {
		if err := os.Chmod(filepath.Join(site, "local.settings.php"), step.mode); err != nil {
			t.Fatal(err)
		}
		as(aliceUID, func() {
			if got := errnoOf(opened(p, unix.O_WRONLY|unix.O_TRUNC, func(fd int) error {
				_, err := unix.Write(fd, []byte("<?php"))
				return err
			})); got != step.want {
				t.Errorf("with mode %o: %v, want %v", step.mode, got, step.want)
			}
		})
	}
}
