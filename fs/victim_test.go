package fs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/quota"
	"grantfs/fs/vault"
	"grantfs/policy"
)

// victimVariable makes the test's program a process that serves a mount and dies
// where it is told to.
const victimVariable = "GRANTFS_TEST_VICTIM"

// victim is what such a process is told.
type victim struct {
	Point, Dir string
	Other      string // mounted at /other, where files have another owner
	Shared     string // mounted at /common; others write there
	Root       bool   // the account is root's, with Dir at /x as TestPOSIX has it
	Features   kernel.Features
	First      bool        // nobody has counted what is there
	Step       kernel.Step // at which it kills itself
	Op         kernel.Opcode
	Upload     bool // the account may only upload
	Others     bool // write there too, which only counts find
	Closing    bool // what has no name may be free already while it is still held
}

// input is the one account of these tests.
func (v *victim) input() (policy.Input, map[string]policy.IDs) {
	if v.Root {
		return posixInput(v.Dir)
	}
	in, ids := home(v.Dir, func(a *policy.Account) {
		mediated(a)
		a.QuotaSize = bytesLimit(1 << 30)
		a.UploadDataTransfer, a.DownloadDataTransfer = limited(1<<50), limited(1<<50)
		a.VirtualFolders = []policy.Mounting{
			{Folder: set("other"), Path: set("/other"), QuotaSize: set(int64(folderLimit)), QuotaFiles: set(int64(0))},
			{Folder: set("shared"), Path: set("/common")},
		}
		if v.Upload {
			a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list"), set("upload")}}}
		}
	})
	in.Folders = []policy.Folder{
		{Name: "other", Source: set(v.Other), UserXattrs: set(true), Owner: set("x:y"), OwnerIDs: &policy.IDs{UID: 71, GID: 72}},
		{Name: "shared", Source: set(v.Shared)},
	}
	return in, ids
}

// settled reports what the ledger says other than a count would, before the first
// request is answered.
func (v *victim) settled(s *fs.Server, held map[uint64]int) error {
	open := quota.Charge{} // files without a name, which no count finds
	for _, fd := range held {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Nlink == 0 { // those that are not open any more are closed
			open = open.Plus(quota.Charge{Bytes: st.Size, Files: 1, Inodes: 1})
		}
	}
	for bucket, dir := range map[string]string{"source:" + v.Dir: v.Dir, "source:" + v.Other: v.Other, "account:alice": v.Dir} {
		want, err := walk(dir)
		if err != nil {
			return err
		}
		got := s.Ledger().Usage(bucket)
		if dir == v.Dir && !(v.Closing && got.Used == want) {
			want = want.Plus(open)
		}
		if got.Used != want || got.Reserved != (quota.Charge{}) {
			return fmt.Errorf("%s holds %+v with %+v reserved, there is %+v", bucket, got.Used, got.Reserved, want)
		}
	}
	return nil
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
	in, ids := v.input()
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
	if v.First {
		s.CheckSources()
		must(s.Recounter().Count(context.Background(), v.Dir))
		if !v.Root {
			must(s.Recounter().Count(context.Background(), v.Other))
		}
	}
	if !v.Others {
		must(v.settled(s, nodes.Held()))
	}
	must(w.Say(vault.Message{Kind: vault.Ready}))
	must(s.Serve())
	os.Exit(0)
}

// victims are a mount that one victim after another serves.
type victims struct {
	t      testing.TB
	tell   victim
	conn   *kernel.Conn
	memory *memory.Memory
	vault  vault.Keeper
	cmd    *exec.Cmd
	served chan error
}

func startVictims(t testing.TB, dir string, upload bool) *victims {
	t.Helper()
	v := &victims{t: t, tell: victim{Point: openDir(t), Dir: dir, Other: tree(t, "f", "g"), Shared: tree(t), Upload: upload, First: true}}
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
		v.cmd.ExtraFiles = append(v.cmd.ExtraFiles, f)
	}
	unix.Close(end)
	err = v.cmd.Start()
	for _, f := range v.cmd.ExtraFiles {
		f.Close()
	}
	if err != nil {
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
	v.tell.First = false
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
	patience := time.AfterFunc(20*time.Second, func() {
		v.t.Error("the victim does not end")
		v.cmd.Process.Signal(syscall.SIGTERM)
	})
	err := v.cmd.Wait()
	patience.Stop()
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

// restart kills the victim and starts another one, which finds what the ledger
// says to be right or doesn't start.
func (v *victims) restart() {
	v.t.Helper()
	waitFor(v.t, func() bool { return v.vault.Held() == 0 }) // what was closed is released
	v.kill()
}

// kill kills the victim at once and starts another one.
func (v *victims) kill() {
	v.t.Helper()
	if err := v.cmd.Process.Kill(); err != nil {
		v.t.Fatal(err)
	}
	v.wait()
	v.start(never, 0)
}

// isBornIn checks that a file has the owner and the mode of those in Other.
func (v *victims) isBornIn(file string) {
	v.t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		v.t.Fatal(err)
	}
	if st.Uid != 71 || st.Gid != 72 && st.Gid != 0 || st.Mode&0o777 != 0o664 {
		v.t.Errorf("%s belongs to %d:%d with mode %o", file, st.Uid, st.Gid, st.Mode)
	}
}

// never is a step that no request comes to.
const never = kernel.Steps
