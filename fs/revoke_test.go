package fs_test

import (
	"cmp"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"weak"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// TestRevoked: handles that the policy does not allow any more are named, by
// account and mode, with who opened them, and logged once.
func TestRevoked(t *testing.T) {
	in, ids := twoHomes(t, "f", "d/")
	for i := range in.Accounts { // writes are mediated, reads are not
		in.Accounts[i].MaxUploadFileSize = set(policy.Limit{N: 1 << 40})
	}
	m := mount(t, in, ids)
	var fds []int
	open := func(account, name string, flags int) {
		fd, err := unix.Open(filepath.Join(m.point, account, name), flags|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Errorf("open %s: %v", name, err)
			return
		}
		fds = append(fds, fd)
	}
	defer func() { closeFDs(fds) }()
	tids := map[string]int{}
	for account, uid := range map[string]int{"alice": aliceUID, "bob": bobUID} {
		as(uid, func() {
			tids[account] = unix.Gettid()
			open(account, "f", unix.O_RDONLY)
			open(account, "f", unix.O_RDWR)
			open(account, "d", unix.O_RDONLY|unix.O_DIRECTORY)
		})
	}
	revoked := func() []fs.OpenHandle {
		list := m.Revoked()
		for i, h := range list {
			if (h.Ino == 0) != (h.Mode == fs.Directory) {
				t.Errorf("inode number %d of what is open as %v", h.Ino, h.Mode)
			}
			list[i].Ino = 0
		}
		slices.SortFunc(list, func(a, b fs.OpenHandle) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Mode, b.Mode))
		})
		return list
	}
	swap := func(in policy.Input, ids map[string]policy.IDs) {
		t.Helper()
		if err := m.Swap(fs.Policy{Set: compile(t, in), IDs: ids}); err != nil {
			t.Fatal(err)
		}
	}
	if got := revoked(); len(got) != 0 {
		t.Errorf("Revoked() = %v before anything is revoked", got)
	}
	reads := fs.Mediated
	if m.Features().Passthrough {
		reads = fs.Passthrough
	}

	less := in
	less.Accounts = slices.Clone(in.Accounts)
	less.Accounts[0].Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list"), set("overwrite")}}}
	swap(less, ids)
	want := []fs.OpenHandle{{Account: "alice", PID: tids["alice"], UID: aliceUID, Mode: fs.Mediated}, {Account: "alice", PID: tids["alice"], UID: aliceUID, Mode: reads}}
	if diff := gocmp.Diff(want, revoked()); diff != "" {
		t.Errorf("Revoked() without download (-want +got):\n%s", diff)
	}
	if reads == fs.Passthrough {
		if got := m.Stats().Revoked; got != 1 {
			t.Errorf("%d revoked handles are passed through, want 1", got)
		}
		waitFor(t, func() bool {
			return m.log.has("does not allow", "account=alice", "passthrough=1", "mediated=1", "directory=0")
		})
	}

	// A limit that what is passed through would escape.
	slow := in
	slow.Accounts = slices.Clone(in.Accounts)
	slow.Accounts[0].DownloadBandwidth = set(policy.Limit{N: 1 << 20})
	swap(slow, ids)
	for _, h := range revoked() {
		if h.Account != "alice" || h.Mode != fs.Passthrough {
			t.Errorf("a limit on alice's reads revokes %+v", h)
		}
	}
	if got := m.Stats(); m.Features().Passthrough && (got.Revoked == 0 || got.Revoked != got.Handles[fs.Passthrough]/2) {
		t.Errorf("a limit on alice's reads revokes %d of %d passed through", got.Revoked, got.Handles[fs.Passthrough])
	}

	gone := map[string]policy.IDs{"alice": ids["alice"]}
	swap(in, gone)
	want = []fs.OpenHandle{
		{Account: "bob", PID: tids["bob"], UID: bobUID, Mode: fs.Mediated},
		{Account: "bob", PID: tids["bob"], UID: bobUID, Mode: reads},
		{Account: "bob", PID: tids["bob"], UID: bobUID, Mode: fs.Directory},
	}
	if diff := gocmp.Diff(want, revoked()); diff != "" {
		t.Errorf("Revoked() without an account (-want +got):\n%s", diff)
	}
	swap(in, ids)
	if got := revoked(); len(got) != 0 {
		t.Errorf("Revoked() = %v when all is allowed again", got)
	}
}

// TestRevokedRequests: every request on a handle that was opened before is
// refused when what it is about is taken away: the right, the folder, the account.
func TestRevokedRequests(t *testing.T) {
	folder := tree(t, "f", "g")
	in, ids := home(tree(t), func(a *policy.Account) {
		mediated(a)
		a.VirtualFolders = []policy.Mounting{{Folder: set("folder"), Path: set("/folder")}}
	})
	in.Folders = []policy.Folder{{Name: "folder", Source: set(folder)}}
	m := mount(t, in, ids)
	var dir, f, g int
	as(aliceUID, func() {
		for name, fd := range map[string]*int{".": &dir, "f": &f, "g": &g} {
			flags := unix.O_RDWR
			if name == "." {
				flags = unix.O_RDONLY
			}
			var err error
			if *fd, err = unix.Open(filepath.Join(m.point, "alice/folder", name), flags|unix.O_CLOEXEC, 0); err != nil {
				t.Errorf("open %s: %v", name, err)
			}
		}
	})
	if t.Failed() {
		return
	}
	defer closeFDs([]int{dir, f, g})
	buf := make([]byte, 4096)
	requests := []struct {
		name  string
		right bool // refused when all rights are taken away, not only with the view
		do    func() error
	}{
		{"read", true, func() error { _, err := unix.Pread(f, buf, 0); return err }},
		{"write", true, func() error { _, err := unix.Pwrite(f, []byte("x"), 0); return err }},
		{"truncate", true, func() error { return unix.Ftruncate(f, 3) }},
		{"allocate", true, func() error { return unix.Fallocate(f, 0, 0, 8) }},
		{"copy", true, func() error {
			zero, start := int64(0), int64(0)
			_, err := unix.CopyFileRange(f, &zero, g, &start, 4, 0)
			return err
		}},
		{"list", true, func() error {
			if _, err := unix.Seek(dir, 0, 0); err != nil {
				return err
			}
			_, err := unix.Getdents(dir, buf)
			return err
		}},
		{"sync", false, func() error { return unix.Fsync(f) }},
		{"sync the directory", false, func() error { return unix.Fsync(dir) }},
		{"seek", false, func() error { _, err := unix.Seek(f, 0, unix.SEEK_DATA); return err }},
	}
	nothing := in
	nothing.Accounts = slices.Clone(in.Accounts)
	nothing.Accounts[0].Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{}}}
	unmounted := in
	unmounted.Accounts = slices.Clone(in.Accounts)
	unmounted.Accounts[0].VirtualFolders = nil
	removed := in
	removed.Accounts = nil

	for _, tt := range []struct {
		name string
		in   policy.Input
		ids  map[string]policy.IDs
		all  bool // not only what a right is needed for
	}{
		{"no rights", nothing, ids, false},
		{"no folder", unmounted, ids, true},
		{"account locked", in, nil, true},
		{"account removed", removed, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			step := func(in policy.Input, ids map[string]policy.IDs, revoked bool) {
				t.Helper()
				if err := m.Swap(fs.Policy{Set: compile(t, in), IDs: ids}); err != nil {
					t.Fatal(err)
				}
				before, err := os.ReadFile(filepath.Join(folder, "f"))
				if err != nil {
					t.Fatal(err)
				}
				as(aliceUID, func() {
					for _, r := range requests {
						want := unix.Errno(0)
						if revoked && (tt.all || r.right) {
							want = unix.EACCES
						}
						if err := r.do(); errnoOf(err) != want {
							t.Errorf("%s = %v, want %v", r.name, err, want)
						}
					}
				})
				if after := readAll(t, filepath.Join(folder, "f")); revoked && after != string(before) {
					t.Errorf("the file has changed from %q to %q", before, after)
				}
			}
			step(in, ids, false)
			step(tt.in, tt.ids, true)
			step(in, ids, false)
		})
	}
}

// TestRevokedAttributes: owner and mode show the rights of the new policy at
// once, though the kernel might have kept what it knew for an hour.
func TestRevokedAttributes(t *testing.T) {
	in, ids := home(tree(t, "d/", "d/f"), nil)
	m := mountFor(t, in, ids, time.Hour)
	dir := filepath.Join(m.point, "alice", "d")
	var fd int
	as(aliceUID, func() {
		var err error
		if fd, err = unix.Open(filepath.Join(dir, "f"), unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	defer unix.Close(fd)
	listed := func() (st syscall.Stat_t) {
		as(aliceUID, func() {
			list, err := os.ReadDir(dir)
			if err != nil || len(list) != 1 {
				t.Errorf("the directory lists %v, %v", list, err)
				return
			}
			info, err := list[0].Info()
			if err != nil {
				t.Error(err)
				return
			}
			st = *info.Sys().(*syscall.Stat_t)
		})
		return st
	}
	if st := listed(); st.Uid != aliceUID || st.Mode != unix.S_IFREG|0o644 {
		t.Errorf("a file that may be written is %o of %d", st.Mode, st.Uid)
	}
	less := in
	less.Accounts = slices.Clone(in.Accounts)
	less.Accounts[0].Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list"), set("download")}}}
	if err := m.Swap(fs.Policy{Set: compile(t, less), IDs: ids}); err != nil {
		t.Fatal(err)
	}
	if st := listed(); m.Features().IncEpoch && (st.Uid != 0 || st.Mode != unix.S_IFREG|0o444) {
		t.Errorf("a file that may only be read is %o of %d", st.Mode, st.Uid)
	}
	waitFor(t, func() bool {
		var st unix.Stat_t
		as(aliceUID, func() {
			if err := unix.Fstat(fd, &st); err != nil {
				t.Error(err)
			}
		})
		return st.Uid == 0 && st.Mode == unix.S_IFREG|0o444
	})
}

// TestOldPolicy: nothing keeps a policy that is not in force any more, not even a
// view that nobody has used since, or what was open before and is not used.
func TestOldPolicy(t *testing.T) {
	in, ids := twoHomes(t, "f", "d/", "d/f")
	m := mount(t, in, ids)
	use := func(account string, uid int) {
		as(uid, func() { readAll(t, filepath.Join(m.point, account, "d/f")) })
	}
	use("alice", aliceUID)
	use("bob", bobUID)
	as(aliceUID, func() {
		for _, name := range []string{"f", "d"} {
			fd, err := unix.Open(filepath.Join(m.point, "alice", name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Error(err)
				continue
			}
			t.Cleanup(func() { unix.Close(fd) })
		}
	})
	old := weak.Make(m.rules.Set)
	place := func() weak.Pointer[policy.Place] {
		v, _ := m.rules.Set.View("alice")
		return weak.Make(v.Root())
	}()
	m.rules = fs.Policy{Set: compile(t, in), IDs: ids}
	if err := m.reload(); err != nil {
		t.Fatal(err)
	}
	use("alice", aliceUID)
	waitFor(t, func() bool {
		runtime.GC()
		return old.Value() == nil && place.Value() == nil
	})
	use("bob", bobUID)
}
