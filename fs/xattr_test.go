package fs_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// TestXattr reads and writes the attributes of a folder with user_xattrs.
func TestXattr(t *testing.T) {
	dir := tree(t, "f", "d/", "up/", "up/old")
	for attr, value := range map[string]string{"user.out": "side", "trusted.host": "secret"} {
		if err := unix.Setxattr(filepath.Join(dir, "f"), attr, []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	in := policy.Input{
		Folders: []policy.Folder{{Name: "x", Source: set(dir), UserXattrs: set(true)}},
		Accounts: []policy.Account{{Name: "alice", Settings: policy.Settings{
			VirtualFolders: []policy.Mounting{{Folder: set("x"), Path: set("/x")}},
			Permissions: []policy.Permission{
				{Path: set("/x"), Verbs: []policy.Setting[string]{set("*")}},
				{Path: set("/x/up"), Verbs: []policy.Setting[string]{set("upload")}},
			},
		}}},
	}
	m := mount(t, in, map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}})
	x := filepath.Join(m.point, "alice/x")
	f := filepath.Join(x, "f")
	as(aliceUID, func() {
		for _, p := range []string{f, filepath.Join(x, "d")} {
			if err := unix.Setxattr(p, "user.a", []byte("12345"), unix.XATTR_CREATE); err != nil {
				t.Errorf("set on %s: %v", p, err)
			}
		}
		for _, tt := range []struct {
			what string
			got  error
			want syscall.Errno
		}{
			{"create what is there", unix.Setxattr(f, "user.a", nil, unix.XATTR_CREATE), syscall.EEXIST},
			{"replace what is not there", unix.Setxattr(f, "user.b", nil, unix.XATTR_REPLACE), syscall.ENODATA},
			{"remove what is not there", unix.Removexattr(f, "user.b"), syscall.ENODATA},
			{"set a trusted attribute", unix.Setxattr(f, "trusted.x", []byte("x"), 0), ENOTSU},
			{"set a security attribute", unix.Setxattr(f, "security.x", []byte("x"), 0), ENOTSU},
			{"set on the mount's root", unix.Setxattr(x, "user.a", []byte("x"), 0), ENOTSU},
			{"set an old file's", unix.Setxattr(filepath.Join(x, "up/old"), "user.a", nil, 0), EACCES},
			{"set a new file's", opened(filepath.Join(x, "up/new"), unix.O_CREAT|unix.O_WRONLY, func(fd int) error {
				return unix.Fsetxattr(fd, "user.a", []byte("mine"), 0)
			}), ok},
		} {
			if errnoOf(tt.got) != tt.want {
				t.Errorf("%s: %v, want %v", tt.what, tt.got, tt.want)
			}
		}
		if n, err := unix.Getxattr(f, "user.a", nil); n != 5 || err != nil {
			t.Errorf("size of user.a: %d, %v", n, err)
		}
		if _, err := unix.Getxattr(f, "user.a", make([]byte, 4)); errnoOf(err) != syscall.ERANGE {
			t.Errorf("get into too little room: %v, want ERANGE", err)
		}
		if _, err := unix.Getxattr(f, "trusted.host", make([]byte, 40)); errnoOf(err) != ENOTSU {
			t.Errorf("get trusted.host: %v, want EOPNOTSUPP", err)
		}
		if _, err := unix.Getxattr(filepath.Join(x, "up/old"), "user.a", make([]byte, 4)); errnoOf(err) != EACCES {
			t.Errorf("get where nothing may be downloaded: %v, want EACCES", err)
		}
		buf := make([]byte, 100)
		n, err := unix.Getxattr(f, "user.out", buf)
		if err != nil || string(buf[:n]) != "side" {
			t.Errorf("user.out: %q, %v", buf[:max(n, 0)], err)
		}
		size, err := unix.Listxattr(f, nil)
		if err != nil {
			t.Errorf("size of the list: %v", err)
		}
		n, err = unix.Listxattr(f, buf)
		names := strings.Split(strings.TrimRight(string(buf[:max(n, 0)]), "\x00"), "\x00")
		slices.Sort(names)
		if err != nil || n != size || !slices.Equal(names, []string{"user.a", "user.out"}) {
			t.Errorf("list: %q, %v, said to be %d bytes", names, err, size)
		}
		if _, err := unix.Listxattr(f, buf[:size-1]); errnoOf(err) != syscall.ERANGE {
			t.Errorf("list into too little room: %v, want ERANGE", err)
		}
		if err := unix.Removexattr(f, "user.out"); err != nil {
			t.Errorf("remove: %v", err)
		}
	})
	for name, want := range map[string]string{"f": "12345", "d": "12345", "up/new": "mine"} {
		buf := make([]byte, 100)
		if n, err := unix.Getxattr(filepath.Join(dir, name), "user.a", buf); err != nil || string(buf[:n]) != want {
			t.Errorf("user.a of %s on disk: %q, %v", name, buf[:max(n, 0)], err)
		}
	}
	if _, err := unix.Getxattr(filepath.Join(dir, "f"), "user.out", nil); errnoOf(err) != syscall.ENODATA {
		t.Errorf("user.out after its removal: %v, want ENODATA", err)
	}
}

// TestNoXattrs: where no folder has attributes the kernel asks once, and from then
// on tells callers itself that there are none; a reload that brings some says that
// it is too late.
func TestNoXattrs(t *testing.T) {
	dir := tree(t)
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	as(aliceUID, func() {
		for i := range 10 {
			p := filepath.Join(m.point, "alice", strconv.Itoa(i))
			if err := opened(p, unix.O_CREAT|unix.O_WRONLY, func(fd int) error { _, err := unix.Write(fd, []byte("x")); return err }); err != nil {
				t.Error(err)
			}
			for _, attr := range []string{"user.a", "security.capability"} {
				if n, err := unix.Getxattr(p, attr, nil); errnoOf(err) != ENOTSU {
					t.Errorf("%s of a file: %d, %v", attr, n, err)
				}
			}
		}
	})
	if n := m.obs.count(policy.OpGetxattr); n != 1 {
		t.Errorf("the kernel has asked for attributes %d times, want once", n)
	}
	in.Folders = append(in.Folders, policy.Folder{Name: "x", Source: set(tree(t)), UserXattrs: set(true)})
	if err := m.Swap(fs.Policy{Set: compile(t, in), IDs: ids}); err != nil {
		t.Error(err)
	}
	if !m.log.has("user_xattrs", "restart") {
		t.Error("nothing was logged of attributes that can't be read")
	}
}
