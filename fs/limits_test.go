package fs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// longNames tries names and texts around the limits in the directory dir, and
// says how each try ended.
func longNames(dir int) []string {
	var log []string
	note := func(what string, err error) { log = append(log, fmt.Sprintf("%s: %v", what, errnoOf(err))) }
	var st unix.Stat_t
	for _, size := range []int{255, 256, 4000} {
		name := strings.Repeat("n", size)
		note(fmt.Sprint("create ", size), func() error {
			fd, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}())
		note("stat", unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW))
		note("rename", unix.Renameat(dir, name, dir, strings.Repeat("m", size)))
		note("rename back", unix.Renameat(dir, strings.Repeat("m", size), dir, name))
		note("unlink", unix.Unlinkat(dir, name, 0))
		note("mkdir", unix.Mkdirat(dir, name, 0o755))
		note("rmdir", unix.Unlinkat(dir, name, unix.AT_REMOVEDIR))
		note("symlink", unix.Symlinkat("x", dir, name))
		note("unlink it", unix.Unlinkat(dir, name, 0))
	}
	note("rename to 256", func() error {
		if err := unix.Mkdirat(dir, "short", 0o755); err != nil {
			return err
		}
		return unix.Renameat(dir, "short", dir, strings.Repeat("n", 256))
	}())
	// Some file systems keep a symlink's text in one block, some in a page.
	for _, size := range []int{60, 4000, 4096, 5000} {
		note(fmt.Sprint("symlink of ", size), unix.Symlinkat(strings.Repeat("t", size), dir, fmt.Sprint("link", size)))
		n, err := unix.Readlinkat(dir, fmt.Sprint("link", size), make([]byte, 8192))
		note(fmt.Sprint("readlink ", n), err)
	}
	return log
}

// longPaths makes a tree whose path is longer than a path may be, and looks at
// it by one as long as may be.
func longPaths(dir int) []string {
	var log []string
	note := func(what string, err error) { log = append(log, fmt.Sprintf("%s: %v", what, errnoOf(err))) }
	component := strings.Repeat("p", 200)
	at, path := dir, ""
	for len(path) < 5000 {
		path += component + "/"
		note("mkdir", unix.Mkdirat(at, component, 0o755))
		next, err := unix.Openat(at, component, unix.O_PATH|unix.O_CLOEXEC, 0)
		note("open", err)
		if at != dir {
			unix.Close(at)
		}
		if at = next; err != nil {
			return log
		}
	}
	unix.Close(at)
	var st unix.Stat_t
	for _, size := range []int{4000, 4095, 4096, 5000} {
		p := path[:size/len(component+"/")*len(component+"/")]
		p += strings.Repeat("/", size-len(p)) // to the very byte
		note(fmt.Sprint("stat ", len(p)), unix.Fstatat(dir, p, &st, 0))
		note("access", unix.Faccessat2(dir, p, unix.R_OK, unix.AT_EACCESS))
	}
	return log
}

// depth makes 2,000 directories, each in the one before, and a file in the last;
// and takes it all away again.
func depth(dir int) []string {
	var log []string
	note := func(what string, err error) {
		if err != nil || len(log) == 0 {
			log = append(log, fmt.Sprintf("%s: %v", what, errnoOf(err)))
		}
	}
	const deep = 2000
	fds := []int{dir}
	defer func() {
		for _, fd := range fds[1:] {
			unix.Close(fd)
		}
	}()
	for i := range deep {
		note(fmt.Sprint("mkdir ", i), unix.Mkdirat(fds[i], "d", 0o755))
		fd, err := unix.Openat(fds[i], "d", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return append(log, fmt.Sprintf("open %d: %v", i, err))
		}
		fds = append(fds, fd)
	}
	last := fds[deep]
	fd, err := unix.Openat(last, "f", unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o644)
	note("create", err)
	if err == nil {
		_, err = unix.Write(fd, []byte("deep"))
		note("write", err)
		unix.Close(fd)
	}
	note("rename to the top", unix.Renameat(last, "f", dir, "up"))
	note("rename to the bottom", unix.Renameat(dir, "up", last, "f"))
	note("a directory below itself", unix.Renameat(dir, "d", last, "x"))
	note("unlink", unix.Unlinkat(last, "f", 0))
	for i := deep; i > 0; i-- {
		note(fmt.Sprint("rmdir ", i), unix.Unlinkat(fds[i-1], "d", unix.AT_REMOVEDIR))
	}
	return log
}

// TestLimits does the same in a view and in a plain directory of the same file
// system: names, paths and depths work or fail alike.
func TestLimits(t *testing.T) {
	for name, try := range map[string]func(dir int) []string{"names": longNames, "paths": longPaths, "depth": depth} {
		t.Run(name, func(t *testing.T) {
			back, plain := tree(t), openDir(t)
			if err := os.Chown(plain, aliceUID, aliceUID); err != nil {
				t.Fatal(err)
			}
			in, ids := home(back, nil)
			m := mount(t, in, ids)
			logs := map[string][]string{}
			for _, dir := range []string{plain, filepath.Join(m.point, "alice")} {
				as(aliceUID, func() {
					if err := opened(dir, unix.O_RDONLY|unix.O_DIRECTORY, func(fd int) error {
						logs[dir] = try(fd)
						return nil
					}); err != nil {
						t.Error(err)
					}
				})
			}
			want, got := logs[plain], logs[filepath.Join(m.point, "alice")]
			if !slices.Equal(want, got) {
				for i := range min(len(want), len(got)) {
					if want[i] != got[i] {
						t.Errorf("step %d: the view says %q, the file system %q", i, got[i], want[i])
					}
				}
				t.Errorf("%d steps in the view, %d on the file system", len(got), len(want))
			}
		})
	}
}

// TestCloseOnExec: nothing that the daemon opens is inherited by a program that
// it might start.
func TestCloseOnExec(t *testing.T) {
	inherited := func() (list []string) {
		for _, e := range must(os.ReadDir("/proc/self/fdinfo")) {
			info, err := os.ReadFile("/proc/self/fdinfo/" + e.Name())
			if err != nil {
				continue // of the listing itself
			}
			var pos, flags uint64
			if _, err := fmt.Sscanf(string(info), "pos:\t%d\nflags:\t%o\n", &pos, &flags); err != nil {
				t.Errorf("fdinfo %s: %q", e.Name(), info)
			}
			if flags&syscall.O_CLOEXEC == 0 {
				list = append(list, e.Name())
			}
		}
		return list
	}
	before := inherited()
	dir := tree(t, "f", "d/", "d/g")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		err := opened(filepath.Join(view, "f"), unix.O_RDWR, func(f int) error {
			return opened(filepath.Join(view, "new"), unix.O_RDWR|unix.O_CREAT, func(n int) error {
				return opened(filepath.Join(view, "d"), unix.O_RDONLY|unix.O_DIRECTORY, func(d int) error {
					if _, err := unix.Getdents(d, make([]byte, 4096)); err != nil {
						return err
					}
					if _, err := unix.CopyFileRange(f, nil, n, nil, 10, 0); err != nil {
						return err
					}
					if err := unix.Unlink(filepath.Join(view, "f")); err != nil {
						return err
					}
					if now := inherited(); !slices.Equal(before, now) {
						t.Errorf("without O_CLOEXEC before the mount: %v, now: %v", before, now)
					}
					return nil
				})
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}
