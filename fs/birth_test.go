package fs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestBirth makes one of everything in mounts with different rules and looks at
// owner, group and mode on disk (product.md §8).
func TestBirth(t *testing.T) {
	const dirMode, fileMode = unix.S_IFDIR, unix.S_IFREG
	type want struct {
		uid, gid  uint32
		dir, file uint32
	}
	for _, tt := range []struct {
		name   string
		parent os.FileMode
		folder policy.Folder
		want   want
	}{
		{"inherit", 0o755, policy.Folder{}, want{ownerUID, groupGID, 0o755, 0o644}},
		{"setgid parent", 0o775 | os.ModeSetgid, policy.Folder{}, want{ownerUID, groupGID, 0o2775, 0o664}},
		{"group_write", 0o755 | os.ModeSetgid, policy.Folder{GroupWrite: set(true)}, want{ownerUID, groupGID, 0o2775, 0o664}},
		{"closed parent", 0o700, policy.Folder{}, want{ownerUID, groupGID, 0o700, 0o600}},
		{"world-writable parent", 0o777, policy.Folder{}, want{ownerUID, groupGID, 0o775, 0o664}},
		{"owner", 0o755, policy.Folder{Owner: set("a:b"), OwnerIDs: &policy.IDs{UID: 71, GID: 72}}, want{71, 72, 0o755, 0o644}},
		{"client modes", 0o755, policy.Folder{Modes: set("client")}, want{ownerUID, groupGID, 0o711, 0o640}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t)
			if err := os.Chmod(dir, tt.parent); err != nil {
				t.Fatal(err)
			}
			f := tt.folder
			f.Name, f.Source = "x", set(dir)
			in := policy.Input{Folders: []policy.Folder{f}, Accounts: []policy.Account{{Name: "alice", Settings: policy.Settings{
				VirtualFolders: []policy.Mounting{{Folder: set("x"), Path: set("/x")}},
				Permissions:    []policy.Permission{{Path: set("/x"), Verbs: []policy.Setting[string]{set("*")}}},
			}}}}
			m := mount(t, in, map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}})
			x := filepath.Join(m.point, "alice", "x")
			as(aliceUID, func() {
				for what, err := range map[string]error{
					"mkdir":   unix.Mkdir(filepath.Join(x, "dir"), 0o711),
					"mknod":   unix.Mknod(filepath.Join(x, "node"), unix.S_IFREG|0o640, 0),
					"symlink": unix.Symlink("node", filepath.Join(x, "link")),
				} {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				fd, err := unix.Open(filepath.Join(x, "file"), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o640)
				if err != nil {
					t.Errorf("create: %v", err)
					return
				}
				defer unix.Close(fd)
				if err := unix.Fchmod(fd, 0o640); err != nil { // as sftp does after put -p
					t.Errorf("fchmod: %v", err)
				}
				if err := unix.Fchown(fd, aliceUID, aliceUID); err != nil {
					t.Errorf("fchown to the own ids: %v", err)
				}
			})
			for name, mode := range map[string]uint32{
				"dir": dirMode | tt.want.dir, "node": fileMode | tt.want.file, "file": fileMode | tt.want.file, "link": unix.S_IFLNK | 0o777,
			} {
				st := lstat(t, filepath.Join(dir, name))
				if st.Uid != tt.want.uid || st.Gid != tt.want.gid || st.Mode != mode {
					t.Errorf("%s is %o %d:%d on disk, want %o %d:%d", name, st.Mode, st.Uid, st.Gid, mode, tt.want.uid, tt.want.gid)
				}
			}
		})
	}
}

// TestClientModes: a folder with modes = "client" takes umask and chmod from the
// client, within 0777, and shows what is on disk. Sticky and set-group-ID bits of
// its directories stay.
func TestClientModes(t *testing.T) {
	dir := tree(t, "f", "d/")
	if err := os.Chmod(dir, 0o755|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "d"), 0o775|os.ModeSetgid|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	m := twoFolders(t, policy.Folder{Source: set(dir), Modes: set("client")}, policy.Folder{Source: set(tree(t))})
	view := filepath.Join(m.point, "alice/a")
	as(aliceUID, func() {
		if err := unix.Unshare(unix.CLONE_FS); err != nil { // the umask of this thread alone
			t.Error(err)
			return
		}
		unix.Umask(0o027)
		for what, err := range map[string]error{
			"create":    opened(filepath.Join(view, "new"), unix.O_CREAT|unix.O_WRONLY, none), // 0644
			"mkdir":     unix.Mkdir(filepath.Join(view, "newdir"), 0o777),
			"chmod":     unix.Chmod(filepath.Join(view, "f"), 0o604),
			"chmod dir": unix.Chmod(filepath.Join(view, "d"), 0o701),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	for name, want := range map[string]uint32{
		"new": unix.S_IFREG | 0o640, "newdir": unix.S_IFDIR | 0o2750, "f": unix.S_IFREG | 0o604, "d": unix.S_IFDIR | 0o3701,
	} {
		if st := lstat(t, filepath.Join(dir, name)); st.Mode != want {
			t.Errorf("%s is %o on disk, want %o", name, st.Mode, want)
		}
		as(aliceUID, func() {
			if st := lstat(t, filepath.Join(view, name)); st.Mode != want&^0o7000 {
				t.Errorf("%s is shown as %o, want %o", name, st.Mode, want&^0o7000)
			}
		})
	}
}

// TestModes looks at what a view shows of owners and modes.
func TestModes(t *testing.T) {
	dir := tree(t, "f", "ro/", "ro/f", "sub/")
	if err := os.Chmod(filepath.Join(dir, "f"), 0o777); err != nil {
		t.Fatal(err)
	}
	in, ids := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/ro"), Verbs: []policy.Setting[string]{set("list"), set("download")}}}
	})
	m := mount(t, in, ids)
	as(aliceUID, func() {
		for name, want := range map[string]struct {
			uid  uint32
			mode uint32
		}{
			"f":    {aliceUID, unix.S_IFREG | 0o644},
			"sub":  {aliceUID, unix.S_IFDIR | 0o755},
			"ro":   {0, unix.S_IFDIR | 0o555},
			"ro/f": {0, unix.S_IFREG | 0o444},
		} {
			st := lstat(t, filepath.Join(m.point, "alice", name))
			if st.Uid != want.uid || st.Gid != want.uid || st.Mode != want.mode {
				t.Errorf("%s is shown as %o %d:%d, want %o %d:%d", name, st.Mode, st.Uid, st.Gid, want.mode, want.uid, want.uid)
			}
		}
	})
}

// TestUploadOnly: who may only upload may finish what it has created, until the
// last close.
func TestUploadOnly(t *testing.T) {
	dir := tree(t)
	in, ids := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("upload"), set("list")}}}
	})
	m := mount(t, in, ids)
	p := filepath.Join(m.point, "alice", "up")
	as(aliceUID, func() {
		fd, err := unix.Open(p, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
		if err != nil {
			t.Error(err)
			return
		}
		second, err := unix.Open(p, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Errorf("open again while it is being created: %v", err)
		}
		for what, err := range map[string]error{
			"ftruncate": unix.Ftruncate(fd, 0),
			"fchmod":    unix.Fchmod(fd, 0o600),
			"futimens":  unix.UtimesNanoAt(fd, "", []unix.Timespec{{Sec: 1}, {Sec: 2}}, unix.AT_EMPTY_PATH),
		} {
			if err != nil {
				t.Errorf("%s while creating: %v", what, err)
			}
		}
		if _, err := unix.Write(fd, []byte("first")); err != nil {
			t.Errorf("write while creating: %v", err)
		}
		unix.Close(second)
		unix.Close(fd)
	})
	// RELEASE comes after close(2) has returned.
	waitFor(t, func() bool { return m.OpenHandles() == 0 })
	as(aliceUID, func() {
		for what, err := range map[string]error{
			"open to write": opened(p, unix.O_WRONLY, none),
			"open to read":  opened(p, unix.O_RDONLY, none),
			"truncate":      unix.Truncate(p, 0),
			"unlink":        unix.Unlink(p),
			"chmod":         unix.Chmod(p, 0o600),
		} {
			if errnoOf(err) != EACCES {
				t.Errorf("%s after the last close: %v, want EACCES", what, err)
			}
		}
	})
	if got := readAll(t, filepath.Join(dir, "up")); got != "first" {
		t.Errorf("the backing holds %q", got)
	}
}

// TestCreatorReadsNothing: who may upload but not download reads nothing through
// the handle that a creation gave it.
func TestCreatorReadsNothing(t *testing.T) {
	dir := tree(t)
	in, ids := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("upload"), set("list")}}}
	})
	m := mount(t, in, ids)
	for name, flags := range map[string]int{"r": unix.O_RDONLY, "rw": unix.O_RDWR} {
		as(aliceUID, func() {
			fd, err := unix.Open(filepath.Join(m.point, "alice", name), flags|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
			if err != nil {
				t.Error(err)
				return
			}
			defer unix.Close(fd)
			as(0, func() {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("written by PHP"), 0o644); err != nil {
					t.Error(err)
				}
			})
			buf := make([]byte, 20)
			if n, err := unix.Pread(fd, buf, 0); errnoOf(err) != EACCES {
				t.Errorf("%s: read %q, %v, want EACCES", name, buf[:max(n, 0)], err)
			}
			if b, err := unix.Mmap(fd, 0, 10, unix.PROT_READ, unix.MAP_SHARED); err == nil {
				t.Errorf("%s: mmap shows %q", name, b)
			}
		})
	}
}

// TestSetuidIsCleared: whoever changes a program with more rights changes it
// into one without.
func TestSetuidIsCleared(t *testing.T) {
	t.Run("passed through", func(t *testing.T) { setuidIsCleared(t, nil) })
	t.Run("mediated", func(t *testing.T) { setuidIsCleared(t, mediated) })
}

func setuidIsCleared(t *testing.T, how func(*policy.Account)) {
	dir := tree(t, "truncate", "open-truncate", "write", "append", "ftruncate", "fallocate", "copy", "from")
	in, ids := home(dir, how)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	outside := func(name string) error { return unix.Chmod(filepath.Join(dir, name), 0o6775) }
	// change opens the file, and only then somebody beside the mount sets the bits.
	change := func(flags int, f func(fd int) error) func(string) error {
		return func(p string) error {
			return opened(p, flags, func(fd int) (err error) {
				as(0, func() { err = outside(filepath.Base(p)) })
				if err != nil {
					return err
				}
				return f(fd)
			})
		}
	}
	write := func(fd int) error { _, err := unix.Write(fd, []byte("x")); return err }
	for name, change := range map[string]func(string) error{
		"truncate":      func(p string) error { return unix.Truncate(p, 1) },
		"open-truncate": func(p string) error { return opened(p, unix.O_RDONLY|unix.O_TRUNC, none) },
		"write":         change(unix.O_WRONLY, write),
		"append":        change(unix.O_WRONLY|unix.O_APPEND, write),
		"ftruncate":     change(unix.O_RDWR, func(fd int) error { return unix.Ftruncate(fd, 1) }),
		"fallocate":     change(unix.O_RDWR, func(fd int) error { return unix.Fallocate(fd, 0, 0, 100) }),
		"copy": change(unix.O_RDWR, func(fd int) error {
			return opened(filepath.Join(view, "from"), unix.O_RDONLY, func(from int) error {
				_, err := unix.CopyFileRange(from, nil, fd, nil, 3, 0)
				return err
			})
		}),
	} {
		if strings.HasSuffix(name, "-truncate") || name == "truncate" {
			if err := outside(name); err != nil {
				t.Fatal(err)
			}
		}
		as(aliceUID, func() {
			if err := change(filepath.Join(view, name)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
		// At the latest with RELEASE, which comes after close(2) has returned.
		waitFor(t, func() bool { return m.OpenHandles() == 0 })
		waitFor(t, func() bool { return lstat(t, filepath.Join(dir, name)).Mode == unix.S_IFREG|0o775 })
	}
}

// TestExecutable: nobody has what was uploaded open for writing any more, so that
// it can be executed (ETXTBSY).
func TestExecutable(t *testing.T) {
	t.Run("passed through", func(t *testing.T) { executable(t, nil) })
	t.Run("mediated", func(t *testing.T) { executable(t, mediated) })
}

func executable(t *testing.T, how func(*policy.Account)) {
	dir := tree(t, "there", "cut")
	in, ids := home(dir, how)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	write := func(fd int) error { _, err := unix.Write(fd, []byte("#!/bin/sh\n")); return err }
	as(aliceUID, func() {
		for what, err := range map[string]error{
			"create":   opened(filepath.Join(view, "new"), unix.O_CREAT|unix.O_WRONLY, write),
			"rewrite":  opened(filepath.Join(view, "there"), unix.O_WRONLY, write),
			"truncate": unix.Truncate(filepath.Join(view, "cut"), 3),
			"mknod":    unix.Mknod(filepath.Join(view, "node"), unix.S_IFREG|0o644, 0),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	for _, name := range []string{"new", "there", "cut", "node"} {
		// A read lease is given where nobody writes (fcntl(2)). Descriptors are closed
		// beside the requests.
		waitFor(t, func() bool {
			return opened(filepath.Join(dir, name), unix.O_RDONLY, func(fd int) error {
				_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
				return err
			}) == nil
		})
	}
}
