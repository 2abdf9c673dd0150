package fs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/vault"
	"grantfs/policy"
)

// victimVariable makes the test's program a process that serves a mount and dies
// where it is told to.
const victimVariable = "GRANTFS_TEST_VICTIM"

// victim is what such a process is told.
type victim struct {
	Point, Dir string
	Features   kernel.Features
	Step       kernel.Step // at which it kills itself
	Op         kernel.Opcode
	Upload     bool // the account may only upload
}

// crashInput is the one account of these tests.
func crashInput(dir string, upload bool) (policy.Input, map[string]policy.IDs) {
	return home(dir, func(a *policy.Account) {
		mediated(a)
		if upload {
			a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list"), set("upload")}}}
		}
	})
}

// beVictim serves until it dies or its mount is gone.
func beVictim(text string) {
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "victim:", err)
			os.Exit(1)
		}
	}
	var v victim
	must(json.Unmarshal([]byte(text), &v))
	in, ids := crashInput(v.Dir, v.Upload)
	rules, problems := policy.Compile(in)
	if rules == nil {
		must(fmt.Errorf("%v", problems))
	}
	w, err := vault.Open(6)
	must(err)
	nodes := w.Shelf("node")
	m, err := memory.Open(5)
	must(err)
	s, err := fs.Attach(fs.Options{
		Point: v.Point, EntryTimeout: time.Second, Observer: &observer{},
		Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Policy: fs.Policy{Set: rules, IDs: ids},
		Steps: func(step kernel.Step, op kernel.Opcode) {
			if step == v.Step && op == v.Op {
				must(syscall.Kill(os.Getpid(), syscall.SIGKILL))
				select {} // until it arrives
			}
		},
	}, fs.Inheritance{Conn: kernel.Attach(v.Point, 3, 4, v.Features), Memory: m, Vault: nodes, Held: nodes.Held()})
	must(err)
	must(w.Say(vault.Message{Kind: vault.Ready}))
	must(s.Serve())
	os.Exit(0)
}

// victims are a mount that one victim after another serves.
type victims struct {
	t      *testing.T
	tell   victim
	conn   *kernel.Conn
	memory *memory.Memory
	vault  vault.Keeper
	cmd    *exec.Cmd
	served chan error
}

func startVictims(t *testing.T, dir string, upload bool) *victims {
	t.Helper()
	v := &victims{t: t, tell: victim{Point: openDir(t), Dir: dir, Upload: upload}}
	var err error
	if v.conn, err = kernel.Mount(v.tell.Point); err != nil {
		t.Fatal(err)
	}
	if v.memory, err = memory.New(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.conn.Unmount(); err != nil {
			t.Error(err)
		}
		v.wait()
		if err := v.conn.Close(); err != nil {
			t.Error(err)
		}
		if err := v.memory.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := v.conn.Start(); err != nil {
		t.Fatal(err)
	}
	v.tell.Features = v.conn.Features()
	return v
}

// start starts a victim that dies at a step of an operation, and waits until it
// serves.
func (v *victims) start(step kernel.Step, op kernel.Opcode) {
	v.t.Helper()
	v.tell.Step, v.tell.Op = step, op
	text, err := json.Marshal(v.tell)
	if err != nil {
		v.t.Fatal(err)
	}
	conn, end, err := vault.Pair()
	if err != nil {
		v.t.Fatal(err)
	}
	device, control := v.conn.Files()
	v.cmd = exec.Command(os.Args[0], "-test.run=^$")
	v.cmd.Env = append(os.Environ(), victimVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	v.cmd.Stderr = os.Stderr
	for _, fd := range []int{device, control, v.memory.FD(), end} {
		f := os.NewFile(uintptr(duplicate(v.t, fd)), "inherited")
		defer f.Close()
		v.cmd.ExtraFiles = append(v.cmd.ExtraFiles, f)
	}
	unix.Close(end)
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	ready := make(chan struct{})
	v.served = make(chan error, 1)
	go func(served chan error) {
		served <- v.vault.Serve(conn, func(m vault.Message) {
			if m.Kind == vault.Ready {
				close(ready)
			}
		})
	}(v.served)
	select {
	case <-ready:
	case err := <-v.served:
		v.served <- err
		v.wait()
		v.t.Fatalf("the victim did not begin to serve: %v", err)
	}
}

// wait waits until the victim has ended, and reports whether it was killed.
func (v *victims) wait() (killed bool) {
	if v.cmd == nil {
		return false
	}
	err := v.cmd.Wait()
	if err := <-v.served; err != nil {
		v.t.Errorf("what the victim said: %v", err)
	}
	v.cmd = nil
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		status, ok := e.Sys().(syscall.WaitStatus)
		return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
	}
	return false
}

// never is a step that no request comes to.
const never = kernel.Steps

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
	notedSteps = append([]kernel.Step{kernel.StepNoted}, plainSteps...)
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
	{"open", kernel.OpOpen, plainSteps, writeTo("a", os.O_WRONLY|os.O_TRUNC), "a b d", "a:more"},
	{"write", kernel.OpWrite, plainSteps, writeTo("a", os.O_WRONLY), "a b d", "a:moreent of a\n"},
	{"append", kernel.OpWrite, notedSteps, writeTo("a", os.O_WRONLY|os.O_APPEND), "a b d", "a:content of a\nmore"},
	{"release", kernel.OpRelease, plainSteps, writeTo("a", os.O_WRONLY|os.O_APPEND), "a b d", "a:content of a\nmore"},
	{"mkdir", kernel.OpMkdir, madeSteps, func(root string) error { return os.Mkdir(root+"/new", 0o755) }, "a b d new", ""},
	{"symlink", kernel.OpSymlink, madeSteps, func(root string) error { return os.Symlink("a", root+"/new") }, "a b d new", ""},
	{"unlink", kernel.OpUnlink, notedSteps, func(root string) error { return unix.Unlink(root + "/a") }, "b d", ""},
	{"rmdir", kernel.OpRmdir, notedSteps, func(root string) error { return unix.Rmdir(root + "/d") }, "a b", ""},
	{"rename", kernel.OpRename2, notedSteps, renames("a", "new", unix.RENAME_NOREPLACE), "b d new", "new:content of a\n"},
	{"rename over", kernel.OpRename, notedSteps, renames("a", "b", 0), "b d", "b:content of a\n"},
	{"rename into", kernel.OpRename, notedSteps, renames("a", "d/b", 0), "b d", "d/b:content of a\n"},
	{"exchange", kernel.OpRename2, notedSteps, renames("a", "b", unix.RENAME_EXCHANGE), "a b d", "b:content of a\n"},
	{"truncate", kernel.OpSetattr, plainSteps, func(root string) error { return os.Truncate(root+"/a", 3) }, "a b d", "a:con"},
	{"lookup", kernel.OpLookup, plainSteps, func(root string) error { return unix.Stat(root+"/a", new(unix.Stat_t)) }, "a b d", ""},
	{"read", kernel.OpRead, plainSteps, readFrom("a", unix.Read, func(b []byte) bool { return string(b) == "content of a\n" }), "a b d", ""},
	{"readdir", kernel.OpReaddirplus, plainSteps, readFrom(".", unix.Getdents, func(b []byte) bool { return strings.Contains(string(b), "d\x00") }), "a b d", ""},
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
				if got := names(t, dir); !slices.Equal(got, strings.Fields(tt.want)) {
					t.Errorf("the directory holds %q, want %s", got, tt.want)
				}
				if name, want, ok := strings.Cut(tt.check, ":"); ok {
					if got := readAll(t, filepath.Join(dir, name)); got != want {
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
