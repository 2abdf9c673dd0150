package fs_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// attempt is one system call tried in a directory of the view. path gives the
// full name of one of the things that every directory of the matrix holds: the
// file "f", the directories "d" (empty) and "e" (with a file), the symlink "l"
// to "f"; anything else is not there.
type attempt struct {
	name    string
	ops     []policy.Op // what the kernel must make of it; nil where it may know the answer
	changes bool        // the world is another one afterwards, if it is permitted
	run     func(path func(string) string) error
	// The errno where it is permitted, refused, aimed at hidden names, and
	// made by another user.
	allowed, refused, hidden, foreign syscall.Errno
}

const (
	ok     = syscall.Errno(0)
	EACCES = syscall.EACCES
	ENOENT = syscall.ENOENT
	EPERM  = syscall.EPERM
	ENOTTY = syscall.ENOTTY
	ENOTSU = syscall.EOPNOTSUPP
)

// opened runs f on an open descriptor.
func opened(path string, flags int, f func(fd int) error) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

func none(int) error { return nil }

var attempts = []attempt{
	{"stat", []policy.Op{policy.OpLookup}, false, func(p func(string) string) error {
		var st unix.Stat_t
		return unix.Lstat(p("f"), &st)
	}, ok, ok, ENOENT, EACCES},
	{"statx", []policy.Op{policy.OpGetattr}, false, func(p func(string) string) error {
		var st unix.Statx_t
		return unix.Statx(unix.AT_FDCWD, p("f"), unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC, unix.STATX_ALL, &st)
	}, ok, ok, ENOENT, EACCES},
	{"access-read", []policy.Op{policy.OpAccess}, false, func(p func(string) string) error {
		return unix.Faccessat2(unix.AT_FDCWD, p("f"), unix.R_OK, unix.AT_EACCESS)
	}, ok, EACCES, ENOENT, EACCES},
	{"access-write", []policy.Op{policy.OpAccess}, false, func(p func(string) string) error {
		return unix.Faccessat2(unix.AT_FDCWD, p("f"), unix.W_OK, unix.AT_EACCESS)
	}, ok, EACCES, ENOENT, EACCES},
	{"list", []policy.Op{policy.OpReaddir}, false, func(p func(string) string) error {
		return opened(p("e"), unix.O_RDONLY|unix.O_DIRECTORY, func(fd int) error {
			_, err := unix.Getdents(fd, make([]byte, 4096))
			return err
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"readlink", []policy.Op{policy.OpReadlink}, false, func(p func(string) string) error {
		_, err := unix.Readlink(p("l"), make([]byte, 100))
		return err
	}, ok, EACCES, ENOENT, EACCES},
	{"open-read", []policy.Op{policy.OpOpenRead, policy.OpRelease}, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_RDONLY, func(fd int) error {
			_, err := unix.Read(fd, make([]byte, 10))
			return err
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"open-write", []policy.Op{policy.OpOpenWrite, policy.OpWrite}, true, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error {
			_, err := unix.Write(fd, []byte("other"))
			return err
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"open-append", []policy.Op{policy.OpOpenWrite, policy.OpWrite}, true, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY|unix.O_APPEND, func(fd int) error {
			_, err := unix.Write(fd, []byte("more"))
			return err
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"open-read-write", []policy.Op{policy.OpOpenWrite, policy.OpRead}, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_RDWR, func(fd int) error {
			_, err := unix.Read(fd, make([]byte, 10))
			return err
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"write-set-user-id", []policy.Op{policy.OpWrite, policy.OpFlush}, true, func(p func(string) string) error {
		return opened(p("s"), unix.O_WRONLY, func(fd int) error { _, err := unix.Write(fd, []byte("x")); return err })
	}, ok, EACCES, ENOENT, EACCES},
	{"open-truncate", []policy.Op{policy.OpOpenWrite}, true, func(p func(string) string) error { return opened(p("f"), unix.O_WRONLY|unix.O_TRUNC, none) }, ok, EACCES, ENOENT, EACCES},
	{"open-read-truncate", []policy.Op{policy.OpOpenWrite}, true, func(p func(string) string) error { return opened(p("f"), unix.O_RDONLY|unix.O_TRUNC, none) }, ok, EACCES, ENOENT, EACCES},
	{"open-create-there", []policy.Op{policy.OpOpenWrite}, false, func(p func(string) string) error { return opened(p("f"), unix.O_WRONLY|unix.O_CREAT, none) }, ok, EACCES, EACCES, EACCES},
	{"create", []policy.Op{policy.OpCreate}, true, func(p func(string) string) error {
		return opened(p("new"), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, none)
	}, ok, EACCES, EACCES, EACCES},
	{"create-read-only", []policy.Op{policy.OpCreate}, true, func(p func(string) string) error { return opened(p("new"), unix.O_RDONLY|unix.O_CREAT, none) }, ok, EACCES, EACCES, EACCES},
	{"mknod-file", []policy.Op{policy.OpCreate}, true, func(p func(string) string) error { return unix.Mknod(p("new"), unix.S_IFREG|0o644, 0) }, ok, EACCES, EACCES, EACCES},
	{"truncate", []policy.Op{policy.OpTruncate}, true, func(p func(string) string) error { return unix.Truncate(p("f"), 3) }, ok, EACCES, ENOENT, EACCES},
	{"extend", []policy.Op{policy.OpTruncate}, true, func(p func(string) string) error { return unix.Truncate(p("f"), 9999) }, ok, EACCES, ENOENT, EACCES},
	{"fallocate", []policy.Op{policy.OpFallocate}, true, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error { return unix.Fallocate(fd, 0, 0, 9999) })
	}, ok, EACCES, ENOENT, EACCES},
	{"fallocate-keep-size", []policy.Op{policy.OpFallocate}, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 9999) })
	}, ENOTSU, EACCES, ENOENT, EACCES},
	{"punch-hole", []policy.Op{policy.OpFallocate}, true, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error {
			return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 1, 3)
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"zero-range", []policy.Op{policy.OpFallocate}, true, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE, 2, 9999) })
	}, ok, EACCES, ENOENT, EACCES},
	{"zero-range-keep-size", []policy.Op{policy.OpFallocate}, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error {
			return unix.Fallocate(fd, unix.FALLOC_FL_ZERO_RANGE|unix.FALLOC_FL_KEEP_SIZE, 2, 9999)
		})
	}, ENOTSU, EACCES, ENOENT, EACCES},
	{"collapse-range", nil, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_WRONLY, func(fd int) error { return unix.Fallocate(fd, unix.FALLOC_FL_COLLAPSE_RANGE, 0, 4096) })
	}, ENOTSU, EACCES, ENOENT, EACCES},
	{"fsync", []policy.Op{policy.OpFsync}, false, func(p func(string) string) error { return opened(p("f"), unix.O_RDONLY, unix.Fsync) }, ok, EACCES, ENOENT, EACCES},
	{"fsync-dir", []policy.Op{policy.OpFsync}, false, func(p func(string) string) error { return opened(p("e"), unix.O_RDONLY, unix.Fsync) }, ok, EACCES, ENOENT, EACCES},
	{"lseek-hole", []policy.Op{policy.OpLseek}, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_RDONLY, func(fd int) error {
			_, err := unix.Seek(fd, 0, unix.SEEK_HOLE)
			return err
		})
	}, ok, EACCES, ENOENT, EACCES},
	{"chmod", []policy.Op{policy.OpChmod}, false, func(p func(string) string) error { return unix.Chmod(p("f"), 0o600) }, ok, EACCES, ENOENT, EACCES},
	{"chmod-setuid", []policy.Op{policy.OpChmod}, false, func(p func(string) string) error { return unix.Chmod(p("f"), 0o4755) }, EPERM, EACCES, ENOENT, EACCES},
	{"chmod-setgid", []policy.Op{policy.OpChmod}, false, func(p func(string) string) error { return unix.Chmod(p("f"), 0o2755) }, EPERM, EACCES, ENOENT, EACCES},
	{"chmod-sticky-dir", []policy.Op{policy.OpChmod}, false, func(p func(string) string) error { return unix.Chmod(p("d"), 0o1777) }, EPERM, EACCES, ENOENT, EACCES},
	{"chown-own", []policy.Op{policy.OpChown}, false, func(p func(string) string) error { return unix.Lchown(p("f"), aliceUID, aliceUID) }, ok, EACCES, ENOENT, EACCES},
	{"chown-root", []policy.Op{policy.OpChown}, false, func(p func(string) string) error { return unix.Lchown(p("f"), 0, 0) }, EPERM, EACCES, ENOENT, EACCES},
	{"chgrp", []policy.Op{policy.OpChown}, false, func(p func(string) string) error { return unix.Lchown(p("f"), -1, groupGID) }, EPERM, EACCES, ENOENT, EACCES},
	{"utimes", []policy.Op{policy.OpUtimes}, true, func(p func(string) string) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, p("f"), []unix.Timespec{{Sec: 5}, {Sec: 7}}, unix.AT_SYMLINK_NOFOLLOW)
	}, ok, EACCES, ENOENT, EACCES},
	{"mkdir", []policy.Op{policy.OpMkdir}, true, func(p func(string) string) error { return unix.Mkdir(p("new"), 0o755) }, ok, EACCES, EACCES, EACCES},
	{"mkdir-there", nil, false, func(p func(string) string) error { return unix.Mkdir(p("d"), 0o755) }, syscall.EEXIST, syscall.EEXIST, EACCES, EACCES},
	{"unlink", []policy.Op{policy.OpUnlink}, true, func(p func(string) string) error { return unix.Unlink(p("f")) }, ok, EACCES, ENOENT, EACCES},
	{"unlink-dir", nil, false, func(p func(string) string) error { return unix.Unlink(p("d")) }, syscall.EISDIR, syscall.EISDIR, ENOENT, EACCES},
	{"rmdir", []policy.Op{policy.OpRmdir}, true, func(p func(string) string) error { return unix.Rmdir(p("d")) }, ok, EACCES, ENOENT, EACCES},
	{"rmdir-full", []policy.Op{policy.OpRmdir}, false, func(p func(string) string) error { return unix.Rmdir(p("e")) }, syscall.ENOTEMPTY, EACCES, ENOENT, EACCES},
	{"rename", []policy.Op{policy.OpRename}, true, func(p func(string) string) error { return unix.Rename(p("f"), p("new")) }, ok, EACCES, ENOENT, EACCES},
	{"rename-dir", []policy.Op{policy.OpRename}, true, func(p func(string) string) error { return unix.Rename(p("e"), p("new")) }, ok, EACCES, ENOENT, EACCES},
	{"rename-over", []policy.Op{policy.OpRename}, true, func(p func(string) string) error { return unix.Rename(p("f"), p("e/in")) }, ok, EACCES, ENOENT, EACCES},
	{"rename-noreplace", nil, false, func(p func(string) string) error {
		return unix.Renameat2(unix.AT_FDCWD, p("f"), unix.AT_FDCWD, p("d"), unix.RENAME_NOREPLACE)
	}, syscall.EEXIST, syscall.EEXIST, ENOENT, EACCES},
	{"exchange", []policy.Op{policy.OpRename}, true, func(p func(string) string) error {
		return unix.Renameat2(unix.AT_FDCWD, p("f"), unix.AT_FDCWD, p("e"), unix.RENAME_EXCHANGE)
	}, ok, EACCES, ENOENT, EACCES},
	{"exchange-nothing", nil, false, func(p func(string) string) error {
		return unix.Renameat2(unix.AT_FDCWD, p("f"), unix.AT_FDCWD, p("new"), unix.RENAME_EXCHANGE)
	}, ENOENT, ENOENT, ENOENT, EACCES},
	{"rename-whiteout", []policy.Op{policy.OpRename}, false, func(p func(string) string) error {
		return unix.Renameat2(unix.AT_FDCWD, p("f"), unix.AT_FDCWD, p("new"), unix.RENAME_WHITEOUT)
	}, syscall.EINVAL, syscall.EINVAL, ENOENT, EACCES},
	{"symlink", []policy.Op{policy.OpSymlink}, true, func(p func(string) string) error { return unix.Symlink("f", p("new")) }, ok, EACCES, EACCES, EACCES},
	{"symlink-out", []policy.Op{policy.OpSymlink}, false, func(p func(string) string) error { return unix.Symlink("../../x", p("new")) }, EACCES, EACCES, EACCES, EACCES},
	{"link", []policy.Op{policy.OpLink}, false, func(p func(string) string) error { return unix.Link(p("f"), p("new")) }, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"mknod-fifo", []policy.Op{policy.OpMknod}, false, func(p func(string) string) error { return unix.Mknod(p("new"), unix.S_IFIFO|0o644, 0) }, EPERM, EPERM, EPERM, EACCES},
	{"mknod-socket", []policy.Op{policy.OpMknod}, false, func(p func(string) string) error { return unix.Mknod(p("new"), unix.S_IFSOCK|0o644, 0) }, EPERM, EPERM, EPERM, EACCES},
	{"tmpfile", []policy.Op{policy.OpTmpfile}, false, func(p func(string) string) error { return opened(p("d"), unix.O_TMPFILE|unix.O_RDWR, none) }, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"getxattr", []policy.Op{policy.OpGetxattr}, false, func(p func(string) string) error {
		_, err := unix.Lgetxattr(p("f"), "user.x", make([]byte, 10))
		return err
	}, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"setxattr", []policy.Op{policy.OpSetxattr}, false, func(p func(string) string) error { return unix.Lsetxattr(p("f"), "user.x", []byte("1"), 0) }, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"listxattr", []policy.Op{policy.OpListxattr}, false, func(p func(string) string) error {
		_, err := unix.Llistxattr(p("f"), make([]byte, 10))
		return err
	}, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"removexattr", []policy.Op{policy.OpSetxattr}, false, func(p func(string) string) error { return unix.Lremovexattr(p("f"), "user.x") }, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"setxattr-security", []policy.Op{policy.OpSetxattr}, false, func(p func(string) string) error {
		return unix.Lsetxattr(p("f"), "security.x", []byte("1"), 0)
	}, ENOTSU, ENOTSU, ENOENT, EACCES},
	{"ioctl", []policy.Op{policy.OpIoctl}, false, func(p func(string) string) error {
		return opened(p("f"), unix.O_RDONLY, func(fd int) error {
			_, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
			return err
		})
	}, ENOTTY, EACCES, ENOENT, EACCES},
	{"ioctl-shutdown", []policy.Op{policy.OpIoctl}, false, func(p func(string) string) error {
		return opened(p("e"), unix.O_RDONLY, func(fd int) error {
			return unix.IoctlSetPointerInt(fd, 0x8004587d, 0) // FS_IOC_SHUTDOWN
		})
	}, ENOTTY, EACCES, ENOENT, EACCES},
	{"statfs", []policy.Op{policy.OpStatfs}, false, func(p func(string) string) error {
		var st unix.Statfs_t
		return unix.Statfs(p("f"), &st)
	}, ok, ok, ENOENT, EACCES},
	{"copy", []policy.Op{policy.OpCopy}, true, func(p func(string) string) error {
		return opened(p("f"), unix.O_RDONLY, func(from int) error {
			return opened(p("new"), unix.O_WRONLY|unix.O_CREAT, func(to int) error {
				_, err := unix.CopyFileRange(from, nil, to, nil, 100, 0)
				return err
			})
		})
	}, ok, EACCES, ENOENT, EACCES},
}

// notReached are the operations that no system call leads to: they are raised
// at the dispatcher by hand in TestDispatch, or by the kernel on its own.
var notReached = []policy.Op{policy.OpLock, policy.OpPoll, policy.OpForget}

// fill puts what the attempts need into a directory; prefix goes before each
// name.
func fill(t *testing.T, dir, prefix string) {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	name := func(n string) string { return filepath.Join(dir, prefix+n) }
	do(os.WriteFile(name("f"), []byte("content\n"), 0o664))
	do(os.Mkdir(name("d"), 0o775))
	do(os.Mkdir(name("e"), 0o775))
	do(os.WriteFile(filepath.Join(name("e"), "in"), []byte("inside\n"), 0o664))
	do(os.WriteFile(name("s"), nil, 0o664))
	do(os.Symlink("f", name("l")))
	do(filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, ownerUID, groupGID)
	}))
	do(unix.Chmod(name("s"), 0o4664))
}

// world describes everything below dir but the times of access.
func world(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		what := ""
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			what = fmt.Sprintf("%x", sha256.Sum256(b))
		case unix.S_IFLNK:
			if what, err = os.Readlink(p); err != nil {
				return err
			}
		}
		all[p] = fmt.Sprintf("%o %d:%d %d links %d %v %s", st.Mode, st.Uid, st.Gid, st.Size, st.Nlink, st.Mtim, what)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestDenyMatrix makes every attempt four times, each on fresh files: where it
// is permitted, where it is not, at hidden names, and as another user; and looks
// at the backing afterwards.
func TestDenyMatrix(t *testing.T) {
	dir := tree(t, "yes/", "no/", "hid/")
	in, ids := home(dir, func(a *policy.Account) {
		mediated(a)
		a.Permissions = []policy.Permission{
			// "copy" alone makes names known and permits nothing.
			{Path: set("/no"), Verbs: []policy.Setting[string]{set("copy")}},
			{Path: set("/no/d"), Verbs: []policy.Setting[string]{set("copy")}},
			{Path: set("/no/e"), Verbs: []policy.Setting[string]{set("copy")}},
		}
		a.FilePatterns = []policy.FilePatterns{{Path: set("/hid"), Denied: []policy.Setting[string]{set("secret-*")}, DenyPolicy: set("hide")}}
	})
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob"})
	// So that the kernel asks for attributes at all.
	in.Folders = append(in.Folders, policy.Folder{Name: "attributes", Source: set(tree(t)), UserXattrs: set(true)})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	seen := map[policy.Op]bool{}

	for _, a := range attempts {
		for _, way := range []struct {
			name, dir, prefix string
			uid               int
			want              syscall.Errno
		}{
			{"allowed", "yes", "", aliceUID, a.allowed},
			{"refused", "no", "", aliceUID, a.refused},
			{"hidden", "hid", "secret-", aliceUID, a.hidden},
			{"foreign", "yes", "", bobUID, a.foreign},
			{"root", "yes", "", 0, a.foreign},
		} {
			t.Run(a.name+"/"+way.name, func(t *testing.T) {
				back := filepath.Join(dir, way.dir)
				fill(t, back, way.prefix)
				defer func() {
					for _, e := range must(os.ReadDir(back)) {
						if err := os.RemoveAll(filepath.Join(back, e.Name())); err != nil {
							t.Error(err)
						}
					}
				}()
				before := world(t, dir)
				m.obs.reset()
				var got syscall.Errno
				as(way.uid, func() {
					got = errnoOf(a.run(func(name string) string {
						return filepath.Join(m.point, "alice", way.dir, way.prefix+name)
					}))
				})
				if got != way.want {
					t.Errorf("%s, %s: errno %v, want %v (reasons %v)", a.name, way.name, got, way.want, m.obs.take())
				}
				after := world(t, dir)
				changed := !cmp.Equal(before, after)
				if want := a.changes && way.name == "allowed"; changed != want {
					t.Errorf("%s, %s: the backing changed: %v, want %v\n%s", a.name, way.name, changed, want, cmp.Diff(before, after))
				}
				if way.name == "allowed" {
					for _, op := range a.ops {
						// RELEASE comes after close(2) has returned.
						waitFor(t, func() bool { return m.obs.count(op) > 0 })
						seen[op] = true
					}
				}
			})
		}
	}
	for _, op := range policy.Ops() {
		if !seen[op] && !slices.Contains(notReached, op) {
			t.Errorf("the matrix has no attempt for %s", op)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
