package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// twoFolders mounts a folder "a" and a folder "b" in alice's view.
func twoFolders(t *testing.T, a, b policy.Folder) *mounted {
	t.Helper()
	a.Name, b.Name = "a", "b"
	account := policy.Account{Name: "alice", Settings: policy.Settings{
		VirtualFolders: []policy.Mounting{{Folder: set("a"), Path: set("/a")}, {Folder: set("b"), Path: set("/b")}},
		Permissions: []policy.Permission{
			{Path: set("/a"), Verbs: []policy.Setting[string]{set("*")}},
			{Path: set("/b"), Verbs: []policy.Setting[string]{set("*")}},
			{Path: set("/b/kept"), Verbs: []policy.Setting[string]{set("list"), set("download"), set("upload"), set("rename")}},
		},
	}}
	return mount(t, policy.Input{Folders: []policy.Folder{a, b}, Accounts: []policy.Account{account}},
		map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}})
}

// exchange is RENAME_EXCHANGE.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// TestExchange swaps a file with a directory that is known, full and somebody's
// working directory.
func TestExchange(t *testing.T) {
	dir := tree(t, "d/", "d/in", "e/", "e/f")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		fd, err := unix.Open(filepath.Join(view, "d"), unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		file, err := unix.Open(filepath.Join(view, "e/f"), unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(file)
		if err := exchange(filepath.Join(view, "d"), filepath.Join(view, "e/f")); err != nil {
			t.Errorf("exchange: %v", err)
		}
		var st unix.Stat_t
		if err := unix.Fstatat(fd, "in", &st, 0); err != nil {
			t.Errorf("stat in the directory that was moved: %v", err)
		}
		if _, err := unix.Write(file, []byte("new")); err != nil {
			t.Errorf("write to the file that was moved: %v", err)
		}
		if err := unix.Lstat(filepath.Join(view, "e/f/in"), &st); err != nil {
			t.Errorf("stat at the new place: %v", err)
		}
	})
	if got := readAll(t, filepath.Join(dir, "d")); got[:3] != "new" {
		t.Errorf("the backing's d holds %q", got)
	}
	if st := lstat(t, filepath.Join(dir, "e/f/in")); st.Mode&unix.S_IFMT != unix.S_IFREG {
		t.Errorf("the backing's e/f/in is %o", st.Mode)
	}
}

// TestExchangeRefused: either way of an exchange may be what refuses it.
func TestExchangeRefused(t *testing.T) {
	a, b := tree(t, "f", "d/", "d/e/"), tree(t, "f", "kept/", "kept/f")
	if err := os.Symlink("../x", filepath.Join(a, "d/up")); err != nil {
		t.Fatal(err)
	}
	m := twoFolders(t, policy.Folder{Source: set(a)}, policy.Folder{Source: set(b), Owner: set("x:y"), OwnerIDs: &policy.IDs{UID: 71, GID: 72}})
	view := filepath.Join(m.point, "alice")
	before := []map[string]string{world(t, a), world(t, b)}
	for _, tt := range []struct {
		a, b string
		want syscall.Errno
	}{
		{"a/f", "b/f", syscall.EXDEV},    // other owners
		{"a/f", "b", syscall.EBUSY},      // a mount point
		{"a/d/up", "a/f", EACCES},        // the link would leave its mount
		{"a/f", "a/d/up", EACCES},        // either way
		{"a/f", "a/nothing", ENOENT},     //
		{"a/d", "a/d/e", syscall.EINVAL}, // one below the other
	} {
		as(aliceUID, func() {
			if got := errnoOf(exchange(filepath.Join(view, tt.a), filepath.Join(view, tt.b))); got != tt.want {
				t.Errorf("exchange %s and %s: %v, want %v", tt.a, tt.b, got, tt.want)
			}
		})
	}
	for i, dir := range []string{a, b} {
		for p, was := range before[i] {
			if now := world(t, dir)[p]; now != was {
				t.Errorf("%s was %s, is %s", p, was, now)
			}
		}
	}
}

// TestReown moves files to where objects are born with another owner, while
// somebody beside the mount watches each and writes to it.
func TestReown(t *testing.T) {
	const files = 200
	var all []string
	for i := range files {
		all = append(all, fmt.Sprint("f", i))
	}
	a, b := tree(t, all...), tree(t)
	if err := os.Chmod(b, 0o750); err != nil {
		t.Fatal(err)
	}
	m := twoFolders(t, policy.Folder{Source: set(a)}, policy.Folder{Source: set(b), Owner: set("x:y"), OwnerIDs: &policy.IDs{UID: 71, GID: 72}})
	view := filepath.Join(m.point, "alice")
	var current atomic.Int64
	stop := watch(t, func() []string {
		name := all[current.Load()]
		return []string{filepath.Join(a, name), filepath.Join(b, name)}
	}, func(st *unix.Stat_t) bool {
		mode := st.Mode & 0o7777
		if st.Uid == ownerUID && st.Gid == groupGID {
			return mode&^0o4764 == 0
		}
		// stat(2) may be so late for the one id and so early for the other.
		return (st.Uid == 71 || st.Uid == ownerUID) && (st.Gid == 72 || st.Gid == groupGID) && mode&^0o640 == 0
	})
	defer stop()
	for i, name := range all {
		if err := os.Chmod(filepath.Join(a, name), 0o764|os.ModeSetuid); err != nil {
			t.Fatal(err)
		}
		writer := must(os.OpenFile(filepath.Join(a, name), os.O_RDWR, 0))
		current.Store(int64(i))
		as(aliceUID, func() {
			if err := unix.Rename(filepath.Join(view, "a", name), filepath.Join(view, "b", name)); err != nil {
				t.Errorf("rename: %v", err)
			}
		})
		if _, err := writer.WriteAt([]byte("still"), 0); err != nil {
			t.Errorf("write by who had it open: %v", err)
		}
		writer.Close()
		st := lstat(t, filepath.Join(b, name))
		if st.Uid != 71 || st.Gid != 72 || st.Mode != unix.S_IFREG|0o640 {
			t.Fatalf("b/%s is %o %d:%d on disk, want 0640 71:72", name, st.Mode, st.Uid, st.Gid)
		}
		if got := readAll(t, filepath.Join(b, name)); got[:5] != "still" {
			t.Fatalf("b/%s holds %q", name, got)
		}
	}
	if left := names(t, a); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestReownOver replaces a file, where that is permitted.
func TestReownOver(t *testing.T) {
	a, b := tree(t, "over"), tree(t, "f", "kept/", "kept/over")
	if err := os.WriteFile(filepath.Join(b, "f"), []byte("moved"), 0); err != nil {
		t.Fatal(err)
	}
	m := twoFolders(t, policy.Folder{Source: set(a)}, policy.Folder{Source: set(b), Owner: set("x:y"), OwnerIDs: &policy.IDs{UID: 71, GID: 72}})
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		if err := unix.Rename(filepath.Join(view, "b/f"), filepath.Join(view, "a/over")); err != nil {
			t.Errorf("rename over: %v", err)
		}
		if got := readAll(t, filepath.Join(view, "a/over")); got != "moved" {
			t.Errorf("a/over shows %q", got)
		}
		if err := unix.Rename(filepath.Join(view, "a/over"), filepath.Join(view, "b/kept/over")); errnoOf(err) != EACCES {
			t.Errorf("rename over what may not be overwritten: %v, want EACCES", err)
		}
	})
	if st := lstat(t, filepath.Join(a, "over")); st.Uid != ownerUID || st.Gid != groupGID || st.Mode != unix.S_IFREG|0o664 {
		t.Errorf("a/over is %o %d:%d on disk, want 0664 %d:%d", st.Mode, st.Uid, st.Gid, ownerUID, groupGID)
	}
	if got := readAll(t, filepath.Join(b, "kept/over")); got == "moved" {
		t.Error("kept/over was replaced")
	}
}

// watch stats files over and over until the returned function is called, and
// says when right finds one of them wrong.
func watch(t *testing.T, paths func() []string, right func(*unix.Stat_t) bool) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			for _, p := range paths() {
				var st unix.Stat_t
				if unix.Lstat(p, &st) == nil && !right(&st) {
					t.Errorf("%s was seen as %o %d:%d", p, st.Mode, st.Uid, st.Gid)
					return
				}
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	return sync.OnceFunc(func() { close(done); ended.Wait() })
}

// TestReownRefused: what can't be moved between owners stays as it was.
func TestReownRefused(t *testing.T) {
	a, b := tree(t, "f", "linked", "open", "d/", "full/", "full/f"), tree(t)
	for _, err := range []error{
		os.Link(filepath.Join(a, "linked"), filepath.Join(a, "other")),
		os.Symlink("f", filepath.Join(a, "link")),
		os.Chmod(filepath.Join(a, "f"), 0o640),
		unix.Mount(b, b, "", unix.MS_BIND, ""), // the same device, but nothing goes across
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	defer unix.Unmount(b, unix.MNT_DETACH)
	m := twoFolders(t, policy.Folder{Source: set(a)}, policy.Folder{Source: set(b), Owner: set("x:y"), OwnerIDs: &policy.IDs{UID: 71, GID: 72}})
	view := filepath.Join(m.point, "alice")
	before := world(t, a)
	as(aliceUID, func() {
		fd, err := unix.Open(filepath.Join(view, "a/open"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		for _, name := range []string{"f", "linked", "open", "d", "full", "link"} {
			if err := unix.Rename(filepath.Join(view, "a", name), filepath.Join(view, "b", name)); errnoOf(err) != syscall.EXDEV {
				t.Errorf("rename %s: %v, want EXDEV", name, err)
			}
		}
	})
	after := world(t, a)
	for p, was := range before {
		if after[p] != was {
			t.Errorf("%s was %s, is %s", p, was, after[p])
		}
	}
}
