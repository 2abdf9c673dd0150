package fs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// keep opens a file or directory of alice's view and keeps it.
func keep(t *testing.T, p string) int {
	t.Helper()
	var fd int
	as(aliceUID, func() {
		var err error
		if fd, err = unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// stale waits until nothing can be reached or made through a kept directory.
func stale(t *testing.T, fd int, name string) {
	t.Helper()
	waitFor(t, func() (done bool) {
		as(aliceUID, func() {
			done = errnoOf(unix.Fstatat(fd, name, new(unix.Stat_t), 0)) == syscall.ESTALE &&
				errnoOf(unix.Mkdirat(fd, "planted", 0o755)) == syscall.ESTALE
		})
		return done
	})
}

// TestKeptDirectoryIsMoved: a directory that is kept open does not take its
// rights along when another account moves it to where there are none.
func TestKeptDirectoryIsMoved(t *testing.T) {
	dir := tree(t, "out/", "out/d/", "out/d/f", "priv/")
	in, ids := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/priv"), Verbs: []policy.Setting[string]{}}}
	})
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(dir)}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	fd := keep(t, filepath.Join(m.point, "alice/out/d"))
	var listing int
	as(aliceUID, func() {
		var err error
		if listing, err = unix.Open(filepath.Join(m.point, "alice/out/d"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	defer unix.Close(listing)
	as(bobUID, func() {
		if err := os.Rename(filepath.Join(m.point, "bob/out/d"), filepath.Join(m.point, "bob/priv/d")); err != nil {
			t.Error(err)
		}
	})
	stale(t, fd, "f")
	as(aliceUID, func() {
		if n, err := unix.Getdents(listing, make([]byte, 4096)); errnoOf(err) != EACCES {
			t.Errorf("list the kept directory: %d bytes, %v, want EACCES", n, err)
		}
	})
	if got := names(t, filepath.Join(dir, "priv/d")); len(got) > 2 || got[0] != "f" {
		t.Errorf("the moved directory holds %v", got)
	}
}

// TestKeptFileIsMoved: neither does a file of which no more is kept than where it
// lay.
func TestKeptFileIsMoved(t *testing.T) {
	dir := tree(t, "out/", "out/f", "out/g", "priv/")
	in, ids := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/priv"), Verbs: []policy.Setting[string]{}}}
	})
	m := mountFor(t, in, ids, 0)
	kept := fmt.Sprintf("/proc/self/fd/%d", keep(t, filepath.Join(m.point, "alice/out/f")))
	try := func(want error) {
		for what, change := range map[string]func() error{
			"open":     func() error { return opened(kept, unix.O_WRONLY, none) },
			"truncate": func() error { return unix.Truncate(kept, 0) },
			"chmod":    func() error { return unix.Chmod(kept, 0o600) },
			"times":    func() error { return unix.UtimesNanoAt(unix.AT_FDCWD, kept, make([]unix.Timespec, 2), 0) },
		} {
			as(aliceUID, func() {
				if err := change(); err != want {
					t.Errorf("%s: %v, want %v", what, err, want)
				}
			})
		}
	}
	try(nil)
	moved := filepath.Join(dir, "priv/f")
	if err := os.Rename(filepath.Join(dir, "out/f"), moved); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(moved, []byte("private"), 0); err != nil {
		t.Fatal(err)
	}
	try(syscall.ESTALE)
	if text := readAll(t, moved); text != "private" {
		t.Errorf("the moved file holds %q", text)
	}

	// What has no name any more lies nowhere.
	as(aliceUID, func() {
		g := filepath.Join(m.point, "alice/out/g")
		if err := opened(g, unix.O_RDWR, func(fd int) error {
			return errors.Join(unix.Unlink(g), unix.Fchmod(fd, 0o600), unix.Futimes(fd, make([]unix.Timeval, 2)), unix.Ftruncate(fd, 0))
		}); err != nil {
			t.Errorf("remove an open file and change it: %v", err)
		}
	})
}

// TestKeptSourceIsReplaced: neither does one whose source was moved away.
func TestKeptSourceIsReplaced(t *testing.T) {
	site, store := aegirSite(t)
	in, ids := siteInput(site, store)
	m := mount(t, in, ids)
	modules := keep(t, filepath.Join(m.point, "alice/sites/shop.test/modules"))
	if err := os.Rename(site, site+"-given-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(site, 0o755); err != nil {
		t.Fatal(err)
	}
	stale(t, modules, "x")
}

// TestOneFolderAtTwoPaths: each path has its own rights, whichever was looked at
// last.
func TestOneFolderAtTwoPaths(t *testing.T) {
	dir := tree(t, "d/", "d/f")
	in := policy.Input{
		Folders: []policy.Folder{{Name: "x", Source: set(dir)}},
		Accounts: []policy.Account{{Name: "alice", Settings: policy.Settings{
			VirtualFolders: []policy.Mounting{
				{Folder: set("x"), Path: set("/rw")},
				{Folder: set("x"), Path: set("/ro"), ReadOnly: set(true)},
			},
			Permissions: []policy.Permission{{Path: set("/rw"), Verbs: []policy.Setting[string]{set("*")}}, {Path: set("/ro"), Verbs: []policy.Setting[string]{set("*")}}},
		}}},
	}
	m := mount(t, in, map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}})
	rw, ro := filepath.Join(m.point, "alice/rw/d/f"), filepath.Join(m.point, "alice/ro/d/f")
	as(aliceUID, func() {
		fd, err := unix.Open(rw, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		for range 3 {
			if st := lstat(t, ro); st.Uid != 0 || st.Mode != unix.S_IFREG|0o444 {
				t.Errorf("ro/d/f is shown as %o of %d", st.Mode, st.Uid)
			}
			if _, err := unix.Write(fd, []byte("x")); err != nil {
				t.Errorf("write to rw/d/f after a look at ro/d/f: %v", err)
			}
			if err := opened(ro, unix.O_WRONLY, none); errnoOf(err) != EACCES {
				t.Errorf("open ro/d/f for writing: %v, want EACCES", err)
			}
			if err := opened(rw, unix.O_WRONLY, none); err != nil {
				t.Errorf("open rw/d/f for writing: %v", err)
			}
		}
	})
}

// TestKeptDirectoryOfForgottenRules: whether a kept directory lies at its place
// can also be found out when the rules of what is above it were pushed out of
// memory by many other nodes.
func TestKeptDirectoryOfForgottenRules(t *testing.T) {
	const more = 1<<14 + 100 // than the node table keeps with their rules
	dir := crowd(t, 1, more)
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	fd := keep(t, filepath.Join(m.point, "alice/d0"))
	var order []string
	as(aliceUID, func() {
		walked(t, filepath.Join(m.point, "alice/d0"), func(dir int, name string) {
			stat(t)(dir, name)
			order = append(order, name)
		})
		// The directory comes back with the first, the view goes with one of the
		// others.
		for _, name := range slices.Backward(order) {
			if err := unix.Statx(fd, name, unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, new(unix.Statx_t)); err != nil {
				t.Errorf("statx %s: %v", name, err)
			}
		}
	})
	if n := m.Nodes(); n < more {
		t.Fatalf("%d nodes are known, want %d", n, more)
	}
	kept, i := time.Now(), 0
	waitFor(t, func() bool { // until its place is looked at
		as(aliceUID, func() {
			if err := unix.Unlinkat(fd, fmt.Sprintf("f%03d", i), 0); err != nil {
				t.Errorf("unlink: %v", err)
			}
		})
		i++
		return t.Failed() || time.Since(kept) > 3*time.Second/2
	})
}
