package fs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
)

// crash is something that an account does while the process dies.
type crash struct {
	name  string
	op    kernel.Opcode
	steps []kernel.Step
	do    func(root string) error
	want  string // the names in the directory afterwards, which held a, b and d/
	check string // what the file named in front of the colon holds then
}

var (
	plainSteps = []kernel.Step{kernel.StepBegun, kernel.StepHandled, kernel.StepReplied}
	sizeSteps  = append([]kernel.Step{kernel.StepDone}, plainSteps...)
	xattrSteps = append([]kernel.Step{kernel.StepNoted}, plainSteps...)
	notedSteps = append([]kernel.Step{kernel.StepDone}, xattrSteps...)
	madeSteps  = append([]kernel.Step{kernel.StepMade}, notedSteps...)
)

// What package os opens it registers with epoll, in a system call that keeps this
// process's scheduler waiting while nobody serves: files are opened without it.

// writeTo writes "more" to a file of the view.
func writeTo(name string, flags int) func(string) error {
	return func(root string) error {
		fd, err := unix.Open(filepath.Join(root, name), flags|unix.O_CLOEXEC, 0o644)
		if err != nil {
			return err
		}
		_, err = unix.Write(fd, []byte("more"))
		return errors.Join(err, unix.Close(fd))
	}
}

// readFrom reads a file or directory of the view by read.
func readFrom(name string, read func(int, []byte) (int, error), want func([]byte) bool) func(string) error {
	return func(root string) error {
		fd, err := unix.Open(filepath.Join(root, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		b := make([]byte, 4096)
		n, err := read(fd, b)
		if err == nil && !want(b[:n]) {
			err = fmt.Errorf("read %q", b[:n])
		}
		return errors.Join(err, unix.Close(fd))
	}
}

func renames(from, to string, flags uint) func(string) error {
	return func(root string) error {
		return unix.Renameat2(unix.AT_FDCWD, filepath.Join(root, from), unix.AT_FDCWD, filepath.Join(root, to), flags)
	}
}

var crashes = []crash{
	{"create", kernel.OpCreate, madeSteps, writeTo("new", os.O_WRONLY|os.O_CREATE|os.O_EXCL), "a b d new", "new:more"},
	{"mknod", kernel.OpMknod, madeSteps, func(root string) error { return unix.Mknod(root+"/new", unix.S_IFREG|0o644, 0) }, "a b d new", "new:"},
	{"open", kernel.OpOpen, sizeSteps, writeTo("a", os.O_WRONLY|os.O_TRUNC), "a b d", "a:more"},
	{"write", kernel.OpWrite, plainSteps, writeTo("a", os.O_WRONLY), "a b d", "a:moreent of a\n"},
	{"write more", kernel.OpWrite, sizeSteps, at("a", func(fd int) error { _, err := unix.Pwrite(fd, []byte("more"), 10); return err }), "a b d", "a:content ofmore"},
	{"fallocate", kernel.OpFallocate, sizeSteps, at("a", func(fd int) error { return unix.Fallocate(fd, 0, 0, 15) }), "a b d", "a:content of a\n\x00\x00"},
	{"punch", kernel.OpFallocate, plainSteps, at("a", func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4)
	}), "a b d", "a:\x00\x00\x00\x00ent of a\n"},
	{"copy", kernel.OpCopyRange64, sizeSteps, copyRange, "a b d", "b:content of b\ncontent of a\n"},
	{"append", kernel.OpWrite, notedSteps, writeTo("a", os.O_WRONLY|os.O_APPEND), "a b d", "a:content of a\nmore"},
	{"release", kernel.OpRelease, plainSteps, writeTo("a", os.O_WRONLY|os.O_APPEND), "a b d", "a:content of a\nmore"},
	{"mkdir", kernel.OpMkdir, madeSteps, func(root string) error { return os.Mkdir(root+"/new", 0o755) }, "a b d new", ""},
	{"symlink", kernel.OpSymlink, madeSteps, func(root string) error { return os.Symlink("a", root+"/new") }, "a b d new", ""},
	{"unlink", kernel.OpUnlink, notedSteps, func(root string) error { return unix.Unlink(root + "/a") }, "b d", ""},
	{"rmdir", kernel.OpRmdir, notedSteps, func(root string) error { return unix.Rmdir(root + "/d") }, "a b", ""},
	{"rename", kernel.OpRename2, notedSteps, renames("a", "new", unix.RENAME_NOREPLACE), "b d new", "new:content of a\n"},
	{"rename over", kernel.OpRename, notedSteps, renames("a", "b", 0), "b d", "b:content of a\n"},
	{"rename into", kernel.OpRename, notedSteps, renames("a", "d/b", 0), "b d", "d/b:content of a\n"},
	{"rename to other", kernel.OpRename, notedSteps, renames("a", "other/a", 0), "b d", "@/a:content of a\n"},
	{"rename over other", kernel.OpRename, notedSteps, renames("a", "other/f", 0), "b d", "@/f:content of a\n"},
	{"exchange", kernel.OpRename2, xattrSteps, renames("a", "b", unix.RENAME_EXCHANGE), "a b d", "b:content of a\n"},
	{"set xattr", kernel.OpSetxattr, xattrSteps, func(root string) error {
		return unix.Setxattr(root+"/other/f", "user.x", []byte("1"), unix.XATTR_CREATE)
	}, "a b d", ""},
	{"remove xattr", kernel.OpRemovexattr, xattrSteps, func(root string) error {
		if err := unix.Setxattr(root+"/other/f", "user.x", []byte("1"), 0); err != nil {
			return err
		}
		return unix.Removexattr(root+"/other/f", "user.x")
	}, "a b d", ""},
	{"unlink open", kernel.OpUnlink, notedSteps, writeUnlinked, "b d", ""},
	{"write unlinked", kernel.OpWrite, sizeSteps, writeUnlinked, "b d", ""},
	{"release unlinked", kernel.OpRelease, plainSteps, writeUnlinked, "b d", ""},
	{"truncate", kernel.OpSetattr, sizeSteps, func(root string) error { return os.Truncate(root+"/a", 3) }, "a b d", "a:con"},
	{"lookup", kernel.OpLookup, plainSteps, func(root string) error { return unix.Stat(root+"/a", new(unix.Stat_t)) }, "a b d", ""},
	{"read", kernel.OpRead, plainSteps, readFrom("a", unix.Read, func(b []byte) bool { return string(b) == "content of a\n" }), "a b d", ""},
	{"readdir", kernel.OpReaddirplus, plainSteps, readFrom(".", unix.Getdents, func(b []byte) bool { return strings.Contains(string(b), "d\x00") }), "a b d", ""},
}

// at opens a file of the view and calls f.
func at(name string, f func(fd int) error) func(string) error {
	return func(root string) error {
		fd, err := unix.Open(filepath.Join(root, name), unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return errors.Join(f(fd), unix.Close(fd))
	}
}

// writeUnlinked takes a file's name away and makes it larger then.
func writeUnlinked(root string) error {
	return at("a", func(fd int) error {
		if err := unix.Unlink(filepath.Join(root, "a")); err != nil {
			return err
		}
		if _, err := unix.Pwrite(fd, []byte("more"), 100); err != nil {
			return err
		}
		b := make([]byte, 7)
		if _, err := unix.Pread(fd, b, 0); err != nil || string(b) != "content" {
			return fmt.Errorf("it holds %q: %w", b, err)
		}
		return nil
	})(root)
}

// copyRange copies a to the end of b.
func copyRange(root string) error {
	return at("a", func(from int) error {
		return at("b", func(to int) error {
			into := int64(len("content of a\n"))
			_, err := unix.CopyFileRange(from, new(int64), to, &into, 1<<10, 0)
			return err
		})(root)
	})(root)
}

// TestCrashPoints: whatever an account does, and wherever the process dies
// meanwhile, it is done once and answered as if nothing had happened.
func TestCrashPoints(t *testing.T) {
	for _, tt := range crashes {
		for _, step := range tt.steps {
			t.Run(tt.name+"/"+step.String(), func(t *testing.T) {
				dir := tree(t, "a", "b", "d/")
				v := startVictims(t, dir, false)
				v.start(step, tt.op)
				answer := make(chan error, 1)
				go as(aliceUID, func() { answer <- tt.do(filepath.Join(v.tell.Point, "alice")) })
				if !v.wait() {
					t.Error("the victim was not killed")
				}
				v.start(never, 0)
				if err := <-answer; err != nil {
					t.Errorf("the account is told: %v", err)
				}
				v.restart()
				if got := names(t, dir); !slices.Equal(got, strings.Fields(tt.want)) {
					t.Errorf("the directory holds %q, want %s", got, tt.want)
				}
				if name, want, ok := strings.Cut(tt.check, ":"); ok {
					file := filepath.Join(dir, name)
					if other, ok := strings.CutPrefix(name, "@"); ok {
						file = filepath.Join(v.tell.Other, other)
						v.isBornIn(file)
					}
					if got := readAll(t, file); got != want {
						t.Errorf("%s holds %q, want %q", name, got, want)
					}
				}
			})
		}
	}
}

// TestPoison: a request that ends one process after another is answered EIO, alone.
func TestPoison(t *testing.T) {
	dir := tree(t, "a")
	v := startVictims(t, dir, false)
	v.start(kernel.StepBegun, kernel.OpMkdir)
	answer := make(chan error, 1)
	go as(aliceUID, func() { answer <- os.Mkdir(filepath.Join(v.tell.Point, "alice/new"), 0o755) })
	for range 2 {
		if !v.wait() {
			t.Fatal("the victim was not killed")
		}
		v.start(kernel.StepBegun, kernel.OpMkdir)
	}
	if err := <-answer; errnoOf(err) != syscall.EIO {
		t.Errorf("mkdir = %v, want EIO", err)
	}
	as(aliceUID, func() {
		if err := os.Symlink("a", filepath.Join(v.tell.Point, "alice/link")); err != nil {
			t.Errorf("another request: %v", err)
		}
	})
	if got := names(t, dir); !slices.Equal(got, []string{"a", "link"}) {
		t.Errorf("the directory holds %q", got)
	}
}

// TestOthersMeanwhile: what others put at a name while no process serves is not
// what the account has meant.
func TestOthersMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		op    kernel.Opcode
		step  kernel.Step
		do    func(root string) error
		other string // that somebody else makes anew
		want  syscall.Errno
	}{
		{"unlink", kernel.OpUnlink, kernel.StepNoted, func(root string) error { return unix.Unlink(root + "/a") }, "a", syscall.EIO},
		{"unlinked", kernel.OpUnlink, kernel.StepHandled, func(root string) error { return unix.Unlink(root + "/a") }, "a", syscall.EIO},
		{"rename", kernel.OpRename, kernel.StepNoted, renames("a", "b", 0), "a", syscall.EIO},
		{"create", kernel.OpCreate, kernel.StepNoted, writeTo("new", os.O_WRONLY|os.O_CREATE|os.O_EXCL), "new", syscall.EEXIST},
		{"mkdir", kernel.OpMkdir, kernel.StepNoted, func(root string) error { return os.Mkdir(root+"/new", 0o755) }, "new", syscall.EEXIST},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, "a", "b")
			v := startVictims(t, dir, false)
			v.tell.Others = true
			v.start(tt.step, tt.op)
			answer := make(chan error, 1)
			go as(aliceUID, func() { answer <- tt.do(filepath.Join(v.tell.Point, "alice")) })
			if !v.wait() {
				t.Fatal("the victim was not killed")
			}
			other := filepath.Join(dir, tt.other)
			if err := os.WriteFile(other+".next", []byte("another's"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(other+".next", other); err != nil {
				t.Fatal(err)
			}
			v.start(never, 0)
			if err := <-answer; errnoOf(err) != tt.want {
				t.Errorf("the account is told %v, want %v", err, tt.want)
			}
			if got := readAll(t, other); got != "another's" {
				t.Errorf("what others have put there holds %q", got)
			}
		})
	}
}

// TestUploadOnlyCrash: who may only upload gets the handle of what was made before
// the crash.
func TestUploadOnlyCrash(t *testing.T) {
	dir := tree(t)
	v := startVictims(t, dir, true)
	v.start(kernel.StepHandled, kernel.OpCreate)
	answer := make(chan error, 1)
	go as(aliceUID, func() {
		answer <- writeTo("new", os.O_WRONLY|os.O_CREATE)(filepath.Join(v.tell.Point, "alice"))
	})
	if !v.wait() {
		t.Fatal("the victim was not killed")
	}
	v.start(never, 0)
	if err := <-answer; err != nil {
		t.Errorf("upload: %v", err)
	}
	if got := readAll(t, filepath.Join(dir, "new")); got != "more" {
		t.Errorf("it holds %q", got)
	}
}
