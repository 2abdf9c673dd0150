package fs_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

func lstat(t *testing.T, p string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		t.Fatalf("stat %s: %v", p, err)
	}
	return st
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("list %s: %v", dir, err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	slices.Sort(list)
	return list
}

// twoAccounts has alice with a home, and bob with one mount and a synthetic
// parent.
func twoAccounts(t *testing.T) (in policy.Input, ids map[string]policy.IDs, aliceDir, media string) {
	aliceDir, media = tree(t, "a.txt"), tree(t, "song", "sub/")
	in, ids = home(aliceDir, nil)
	in.Folders = []policy.Folder{{Name: "media", Source: set(media)}}
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{
		VirtualFolders: []policy.Mounting{{Folder: set("media"), Path: set("/shared-media/deep/media")}},
		Permissions:    []policy.Permission{{Path: set("/shared-media/deep/media"), Verbs: []policy.Setting[string]{set("*")}}},
	}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	return in, ids, aliceDir, media
}

func TestRootsOfViews(t *testing.T) {
	in, ids, _, _ := twoAccounts(t)
	before := time.Now().Add(-time.Minute).Unix()
	m := mount(t, in, ids)

	// sshd looks as root: everything up to the view must be root's and closed
	// to others' writing.
	for _, p := range []string{m.point, filepath.Join(m.point, "alice"), filepath.Join(m.point, "bob")} {
		st := lstat(t, p)
		if st.Uid != 0 || st.Gid != 0 || st.Mode != unix.S_IFDIR|0o755 {
			t.Errorf("stat %s = %o %d:%d, want a directory 0755 0:0", p, st.Mode, st.Uid, st.Gid)
		}
		if st.Mtim.Sec < before {
			t.Errorf("%s was modified at %d, before the policy was loaded", p, st.Mtim.Sec)
		}
		// So does `ls -l`, which complains of any other answer.
		for _, attr := range []string{"security.selinux", "user.x"} {
			if _, err := unix.Lgetxattr(p, attr, make([]byte, 9)); errnoOf(err) != ENOTSU {
				t.Errorf("the attribute %s of %s = %v, want EOPNOTSUPP", attr, p, err)
			}
		}
		if _, err := unix.Llistxattr(p, make([]byte, 9)); errnoOf(err) != ENOTSU {
			t.Errorf("the attributes of %s = %v, want EOPNOTSUPP", p, err)
		}
	}
	if got, want := names(t, m.point), []string{"alice", "bob", pollAccount}; !slices.Equal(got, want) {
		t.Errorf("root lists %v, want %v", got, want)
	}
	// Nothing deeper, for root or for another account, known to the kernel or not.
	deep := filepath.Join(m.point, "alice", "a.txt")
	as(aliceUID, func() {
		if st := lstat(t, deep); st.Uid != aliceUID || st.Mode != unix.S_IFREG|0o644 {
			t.Errorf("alice sees %o of %d", st.Mode, st.Uid)
		}
	})
	for _, uid := range []int{0, bobUID, ownerUID} {
		as(uid, func() {
			// Root, who may look up the view, is shown attributes that the kernel
			// knows already; everything that reaches the daemon is refused.
			if err := opened(deep, unix.O_RDONLY, none); errnoOf(err) != EACCES {
				t.Errorf("uid %d: open %s = %v, want EACCES", uid, deep, err)
			}
			var st unix.Stat_t
			if err := unix.Lstat(deep, &st); uid != 0 && errnoOf(err) != EACCES {
				t.Errorf("uid %d: stat %s = %v, want EACCES", uid, deep, err)
			}
			if _, err := os.ReadDir(filepath.Join(m.point, "alice")); errnoOf(err) != EACCES {
				t.Errorf("uid %d: list alice's view = %v, want EACCES", uid, err)
			}
		})
	}
	as(bobUID, func() {
		if _, err := os.ReadDir(m.point); errnoOf(err) != EACCES {
			t.Errorf("an account lists the mount point: %v, want EACCES", err)
		}
		if _, err := os.Stat(filepath.Join(m.point, "carol")); errnoOf(err) != ENOENT {
			t.Errorf("an account that is not there = %v, want ENOENT", err)
		}
	})
}

func TestSyntheticDirectories(t *testing.T) {
	in, ids, _, media := twoAccounts(t)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "bob")
	as(bobUID, func() {
		for dir, want := range map[string][]string{
			"":                        {"shared-media"},
			"shared-media":            {"deep"},
			"shared-media/deep":       {"media"},
			"shared-media/deep/media": {"song", "sub"},
		} {
			if got := names(t, filepath.Join(view, dir)); !slices.Equal(got, want) {
				t.Errorf("list %q = %v, want %v", dir, got, want)
			}
		}
		if st := lstat(t, filepath.Join(view, "shared-media")); st.Uid != 0 || st.Mode != unix.S_IFDIR|0o555 {
			t.Errorf("a synthetic directory is %o of %d, want 0555 of root", st.Mode, st.Uid)
		}
		mountPoint := filepath.Join(view, "shared-media/deep/media")
		for what, try := range map[string]struct {
			got  error
			want syscall.Errno
		}{
			"create in a synthetic directory": {os.WriteFile(filepath.Join(view, "shared-media/x"), nil, 0o644), EACCES},
			"mkdir in a synthetic directory":  {os.Mkdir(filepath.Join(view, "x"), 0o755), EACCES},
			"rmdir a mount point":             {unix.Rmdir(mountPoint), syscall.EBUSY},
			"rename a mount point":            {os.Rename(mountPoint, mountPoint+"2"), syscall.EBUSY},
			"rmdir a parent":                  {unix.Rmdir(filepath.Join(view, "shared-media")), syscall.EBUSY},
			"chmod a parent":                  {unix.Chmod(filepath.Join(view, "shared-media"), 0o777), EACCES},
			"create in the mount":             {os.WriteFile(filepath.Join(mountPoint, "new"), []byte("n"), 0o644), ok},
		} {
			if got := errnoOf(try.got); got != try.want {
				t.Errorf("%s: %v, want %v", what, got, try.want)
			}
		}
	})
	if got := readAll(t, filepath.Join(media, "new")); got != "n" {
		t.Errorf("the backing holds %q", got)
	}
}

// TestSharedFile looks at one file through two views and beside them, with a
// passed-through reader and a mediated writer open at the same time.
func TestSharedFile(t *testing.T) {
	dir := tree(t, "f")
	in, ids := home(dir, nil)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(dir)}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	path := func(who string) string { return filepath.Join(m.point, who, "f") }

	var reader, writer int
	as(aliceUID, func() {
		var err error
		if reader, err = unix.Open(path("alice"), unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
		if writer, err = unix.Open(path("alice"), unix.O_WRONLY|unix.O_APPEND|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		return
	}
	defer unix.Close(reader)
	defer unix.Close(writer)
	want := "content of f\n"
	check := func(when string) {
		t.Helper()
		buf := make([]byte, 1000)
		n, err := unix.Pread(reader, buf, 0)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("%s: the open reader has %q, %v; want %q", when, buf[:n], err, want)
		}
		for uid, who := range map[int]string{aliceUID: "alice", bobUID: "bob"} {
			as(uid, func() {
				if b, err := os.ReadFile(path(who)); err != nil || string(b) != want {
					t.Errorf("%s: %s reads %q, %v; want %q", when, who, b, err, want)
				}
			})
		}
		if b := readAll(t, filepath.Join(dir, "f")); b != want {
			t.Errorf("%s: on disk %q, want %q", when, b, want)
		}
	}
	check("at first")
	// Each of three appends: alice's handle knows nothing of the other two.
	for range 3 {
		as(aliceUID, func() {
			if _, err := unix.Write(writer, []byte("alice\n")); err != nil {
				t.Error(err)
			}
		})
		want += "alice\n"
		check("after alice")
		as(bobUID, func() {
			fd, err := unix.Open(path("bob"), unix.O_WRONLY|unix.O_APPEND|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Error(err)
				return
			}
			defer unix.Close(fd)
			if _, err := unix.Write(fd, []byte("bob\n")); err != nil {
				t.Error(err)
			}
		})
		want += "bob\n"
		check("after bob")
		f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("outside\n"); err != nil {
			t.Fatal(err)
		}
		f.Close()
		want += "outside\n"
		check("after an outsider")
	}
}

// TestUnlinkedOpen writes and reads a file whose last name is gone.
func TestUnlinkedOpen(t *testing.T) {
	dir := tree(t, "f")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	p := filepath.Join(m.point, "alice", "f")
	as(aliceUID, func() {
		fd, err := unix.Open(p, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		if err := unix.Unlink(p); err != nil {
			t.Error(err)
		}
		if _, err := unix.Pwrite(fd, []byte("ghost"), 0); err != nil {
			t.Errorf("write after unlink: %v", err)
		}
		buf := make([]byte, 5)
		if n, err := unix.Pread(fd, buf, 0); err != nil || string(buf[:n]) != "ghost" {
			t.Errorf("read after unlink: %q, %v", buf[:n], err)
		}
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil || st.Nlink != 0 {
			t.Errorf("fstat after unlink: nlink %d, %v", st.Nlink, err)
		}
	})
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the backing shows %v", got)
	}
}
