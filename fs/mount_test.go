package fs_test

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(victimVariable); text != "" {
		beVictim(text)
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "these tests mount file systems: run them as root")
		os.Exit(1)
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		fmt.Fprintln(os.Stderr, "these tests need /dev/fuse:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// Ids of the accounts in these tests; nobody on the machine has them.
const (
	aliceUID = 61001
	bobUID   = 61002
	ownerUID = 61011
	ownerGID = 61012
	groupGID = 61013
)

// observer notes what the file system reports.
type observer struct {
	mu      sync.Mutex
	reasons []policy.Reason
	ops     map[policy.Op]int
}

func (o *observer) Observe(op policy.Op, _ syscall.Errno, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ops == nil {
		o.ops = map[policy.Op]int{}
	}
	o.ops[op]++
}

func (o *observer) Denied(r policy.Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reasons = append(o.reasons, r)
}

// reset forgets everything noted.
func (o *observer) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.reasons, o.ops = nil, nil
}

// count returns how often op was reported.
func (o *observer) count(op policy.Op) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ops[op]
}

// take returns the reasons noted since the last call.
func (o *observer) take() []policy.Reason {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.reasons
	o.reasons = nil
	return list
}

// mounted is a file system under test.
type mounted struct {
	*fs.Server
	point string
	obs   *observer
	log   *testLog
	rules fs.Policy
}

// reload puts the same rules into force once more: everything is judged anew.
func (m *mounted) reload() error { return m.Swap(m.rules) }

// set writes a Setting.
func set[T any](v T) policy.Setting[T] { return policy.Setting[T]{Value: v, Set: true} }

// compile compiles in, which must be without errors.
func compile(t testing.TB, in policy.Input) *policy.Set {
	t.Helper()
	s, problems := policy.Compile(in)
	for _, p := range problems {
		if p.Severity == policy.SeverityError {
			t.Errorf("Compile: %s", p)
		}
	}
	if s == nil {
		t.FailNow()
	}
	return s
}

// mount serves in until the test ends.
func mount(t testing.TB, in policy.Input, ids map[string]policy.IDs) *mounted {
	t.Helper()
	return mountFor(t, in, ids, time.Second)
}

// mountFor is mount with an entry timeout and what else change sets.
func mountFor(t testing.TB, in policy.Input, ids map[string]policy.IDs, entry time.Duration, change ...func(*fs.Options)) *mounted {
	t.Helper()
	point := openDir(t)
	in, ids = withPollAccount(t, in, ids)
	before, goroutines := openFDs(t), goleak.IgnoreCurrent()
	obs, log := &observer{}, &testLog{t: t}
	rules := fs.Policy{Set: compile(t, in), IDs: ids}
	opt := fs.Options{
		Point: point, EntryTimeout: entry, Observer: obs,
		Log:    slog.New(slog.NewTextHandler(log, nil)),
		Policy: rules,
	}
	for _, f := range change {
		f(&opt)
	}
	s, err := fs.Mount(opt)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Unmount(); err != nil {
			t.Errorf("Unmount: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := s.Panics(); n != 0 {
			t.Errorf("%d requests panicked", n)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if after := openFDs(t); !slices.Equal(before, after) {
			t.Errorf("descriptors before the mount: %v, after it: %v", before, after)
		}
		if isMounted(t, point) {
			t.Errorf("%s is still mounted", point)
		}
		if err := goleak.Find(goroutines); err != nil {
			t.Errorf("goroutines are left of the mount: %v", err)
		}
	})
	settlePoll(t, point)
	obs.reset()
	return &mounted{s, point, obs, log, rules}
}

// The runtime registers every file that package os opens with epoll, in a
// system call that keeps the scheduler waiting; were the answer to come from
// this very process, both could wait for ever. So the kernel's one question is
// asked beforehand, through an account that exists for it.
const pollAccount, pollUID = "poll", 61099

func withPollAccount(t testing.TB, in policy.Input, ids map[string]policy.IDs) (policy.Input, map[string]policy.IDs) {
	dir := tree(t, "file")
	in.Accounts = append(slices.Clone(in.Accounts), policy.Account{Name: pollAccount, Settings: policy.Settings{HomeDir: set(dir)}})
	ids = maps.Clone(ids)
	ids[pollAccount] = policy.IDs{UID: pollUID, GID: pollUID}
	return in, ids
}

func settlePoll(t testing.TB, point string) {
	as(pollUID, func() {
		fd, err := unix.Open(filepath.Join(point, pollAccount, "file"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Errorf("open the file to poll: %v", err)
			return
		}
		defer unix.Close(fd)
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != nil {
			t.Errorf("poll: %v", err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
}

// testLog shows what is logged and keeps it.
type testLog struct {
	t    testing.TB
	mu   sync.Mutex
	text strings.Builder
}

func (l *testLog) Write(p []byte) (int, error) {
	// A fuzz target may not use its F, and what is logged late would end the process.
	if _, fuzzing := l.t.(*testing.F); !fuzzing {
		l.t.Log(strings.TrimSpace(string(p)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// has reports whether a line with all of parts was logged.
func (l *testLog) has(parts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			return true
		}
	}
	return false
}

// openFDs lists what the process has open, without the runtime's own.
func openFDs(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || strings.HasPrefix(to, "anon_inode:") || strings.HasSuffix(to, "/fd") {
			continue
		}
		list = append(list, to)
	}
	slices.Sort(list)
	return list
}

// isMounted reports whether something is mounted at point.
func isMounted(t testing.TB, point string) bool {
	t.Helper()
	return strings.Contains(readAll(t, "/proc/self/mounts"), " "+point+" ")
}

// openDir makes a temporary directory that every user can reach.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "grantfs-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the mount point: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// as runs f with the file-system ids of an account, which is what the kernel
// tells the daemon (credentials(7)).
func as(uid int, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The thread is never unlocked: it ends with its ids.
		runtime.LockOSThread()
		if _, _, e := unix.Syscall(unix.SYS_SETFSGID, uintptr(uid), 0, 0); e != 0 {
			panic(e)
		}
		if _, _, e := unix.Syscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0); e != 0 {
			panic(e)
		}
		f()
	}()
	<-done
}

// errnoOf returns the errno in err, 0 for none.
func errnoOf(err error) syscall.Errno {
	for {
		switch e := err.(type) {
		case nil:
			return 0
		case syscall.Errno:
			return e
		case *os.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return syscall.EIO
		}
	}
}

// tree makes a source directory owned as a site is, with files in it.
func tree(t testing.TB, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	own := func(p string, mode os.FileMode) {
		if err := os.Chown(p, ownerUID, groupGID); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
	own(dir, 0o775|os.ModeSetgid)
	for _, f := range files {
		p := filepath.Join(dir, f)
		if strings.HasSuffix(f, "/") {
			if err := os.MkdirAll(p, 0o755); err != nil {
				t.Fatal(err)
			}
			own(p, 0o775|os.ModeSetgid)
			continue
		}
		if err := os.WriteFile(p, []byte("content of "+f+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		own(p, 0o664)
	}
	return dir
}

// home is an input with one account, alice, whose home is dir.
func home(dir string, change func(*policy.Account)) (policy.Input, map[string]policy.IDs) {
	a := policy.Account{Name: "alice", Settings: policy.Settings{HomeDir: set(dir)}}
	if change != nil {
		change(&a)
	}
	return policy.Input{Accounts: []policy.Account{a}}, map[string]policy.IDs{"alice": {UID: aliceUID, GID: aliceUID}}
}

// mediated makes the account's data pass through the file system, as any limit
// does: then open files obey a change of the policy at once.
func mediated(a *policy.Account) { a.Passthrough = set(false) }

func readAll(t testing.TB, p string) string {
	t.Helper()
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// waitFor waits until something that happens on its own has happened.
func waitFor(t testing.TB, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatal("what the test waits for never happened")
		}
		runtime.Gosched()
	}
}
