package fs_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
	"grantfs/policy"
)

// hungFS is a file system whose server does not answer: a directory in which
// every lookup hangs until it is let go, but that of file, whose reads hang.
type hungFS struct {
	point string
	all   atomic.Bool // nothing at all is answered any more
	letGo func()
	gone  chan struct{}
}

// hang mounts a hungFS for the time of the test. Call letGo before the test ends.
func hang(t testing.TB) *hungFS {
	h := &hungFS{point: openDir(t), gone: make(chan struct{})}
	h.letGo = sync.OnceFunc(func() { close(h.gone) })
	conn, err := kernel.Mount(h.point)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- conn.Serve(h) }()
	t.Cleanup(func() {
		h.letGo()
		for _, err := range []error{conn.Unmount(), <-done, conn.Close()} {
			if err != nil {
				t.Errorf("end of the hung file system: %v", err)
			}
		}
	})
	// Its goroutines are there before anybody counts what another mount leaves.
	if err := unix.Lstat(h.point, new(unix.Stat_t)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hungFS) Plan(*kernel.Request) kernel.Plan { return kernel.Plan{Slow: true} }

func (h *hungFS) Handle(r *kernel.Request) (int, syscall.Errno) {
	op := kernel.Opcode(r.Header().Opcode)
	isFile := r.Header().NodeId == hungFileID || op == kernel.OpLookup && string(r.In[unsafe.Sizeof(fuse.InHeader{}):]) == "file\x00"
	if op == kernel.OpRead || op == kernel.OpLookup && !isFile || h.all.Load() && !op.Silent() {
		<-h.gone
	}
	clear(r.Out[:min(256, len(r.Out))])
	if isFile {
		return h.answerFile(op, r.Out)
	}
	switch op {
	case kernel.OpGetattr:
		out := (*fuse.AttrOut)(unsafe.Pointer(&r.Out[0]))
		out.Ino, out.Mode, out.Nlink = 1, unix.S_IFDIR|0o755, 2
		return int(unsafe.Sizeof(*out)), 0
	case kernel.OpOpendir:
		return int(unsafe.Sizeof(fuse.OpenOut{})), 0
	case kernel.OpReleasedir, kernel.OpReaddir, kernel.OpReaddirplus:
		return 0, 0
	case kernel.OpLookup:
		return 0, syscall.ENOENT
	}
	return 0, syscall.ENOSYS
}

const hungFileID = 2

// answerFile is Handle for the file.
func (h *hungFS) answerFile(op kernel.Opcode, out []byte) (int, syscall.Errno) {
	attr := fuse.Attr{Ino: hungFileID, Mode: unix.S_IFREG | 0o666, Nlink: 1, Size: 1 << 30, Blksize: 4096}
	switch op {
	case kernel.OpLookup:
		entry := (*fuse.EntryOut)(unsafe.Pointer(&out[0]))
		entry.NodeId, entry.Attr = hungFileID, attr
		return int(unsafe.Sizeof(*entry)), 0
	case kernel.OpGetattr:
		(*fuse.AttrOut)(unsafe.Pointer(&out[0])).Attr = attr
		return int(unsafe.Sizeof(fuse.AttrOut{})), 0
	case kernel.OpOpen:
		(*fuse.OpenOut)(unsafe.Pointer(&out[0])).OpenFlags = fuse.FOPEN_DIRECT_IO
		return int(unsafe.Sizeof(fuse.OpenOut{})), 0
	case kernel.OpRelease:
		return 0, 0
	}
	return 0, syscall.ENOSYS
}

// hungInput is alice with a folder that hangs at /hung, and bob.
func hungInput(t testing.TB, h *hungFS) (policy.Input, map[string]policy.IDs) {
	in, ids := home(tree(t, "f"), func(a *policy.Account) {
		a.VirtualFolders = []policy.Mounting{{Folder: set("hung"), Path: set("/hung")}}
	})
	in.Folders = []policy.Folder{{Name: "hung", Source: set(h.point)}}
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(tree(t, "f"))}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	return in, ids
}

// TestHungSource: a hundred requests of alice hang with the file system behind
// one of her folders; bob does not notice, and those that wait behind the others
// can be interrupted.
func TestHungSource(t *testing.T) {
	h := hang(t)
	in, ids := hungInput(t, h)
	m := mount(t, in, ids)
	t.Cleanup(h.letGo)
	as(aliceUID, func() {
		if err := unix.Lstat(filepath.Join(m.point, "alice/hung"), new(unix.Stat_t)); err != nil {
			t.Errorf("the root of the folder: %v", err)
		}
	})

	const hung = 100
	threads := make(chan int, hung)
	errs := make(chan error, hung)
	for i := range hung {
		go as(aliceUID, func() {
			threads <- unix.Gettid()
			errs <- unix.Lstat(filepath.Join(m.point, "alice/hung", fmt.Sprint(i)), new(unix.Stat_t))
		})
	}
	var tids []int
	for range hung {
		tids = append(tids, <-threads)
	}
	waitFor(t, func() bool { return m.Stats().Waiting >= hung/2 })
	bob := filepath.Join(m.point, "bob")
	as(bobUID, func() {
		for i := range 100 {
			name := filepath.Join(bob, fmt.Sprint("new", i))
			if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
				t.Error(err)
			}
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		}
		if got := names(t, bob); !slices.Equal(got, []string{"f"}) {
			t.Errorf("bob sees %v", got)
		}
		if err := unix.Statfs(bob, new(unix.Statfs_t)); err != nil {
			t.Error(err)
		}
	})
	// Those that were answered EINTR make no room for others, who wait too.
	waiting := m.Stats().Waiting
	for m.Stats().Waiting > 0 {
		for _, tid := range tids {
			// The runtime uses this signal itself and takes no offence.
			if err := unix.Tgkill(os.Getpid(), tid, unix.SIGURG); err != nil && err != unix.ESRCH {
				t.Fatal(err)
			}
		}
		runtime.Gosched()
	}
	for range waiting {
		if err := <-errs; err != unix.EINTR {
			t.Errorf("a waiting request that was interrupted = %v, want EINTR", err)
		}
	}
	h.letGo()
	for range hung - waiting {
		if err := <-errs; err != unix.ENOENT && err != unix.EINTR {
			t.Errorf("a request that hung = %v, want ENOENT", err)
		}
	}
}

// TestHungCheck: a source that does not answer at all holds up neither the look
// at all sources nor the figures, and is named as missing.
func TestHungCheck(t *testing.T) {
	h := hang(t)
	in, ids := hungInput(t, h)
	m := mount(t, in, ids)
	t.Cleanup(h.letGo)
	h.all.Store(true)
	waitFor(t, func() bool {
		m.CheckSources()
		return slices.Equal(m.MissingSources(), []string{h.point})
	})
	m.Stats()
	for account, uid := range map[string]int{"alice": aliceUID, "bob": bobUID} {
		as(uid, func() { readAll(t, filepath.Join(m.point, account, "f")) })
	}
	h.letGo()
	waitFor(t, func() bool { return len(m.MissingSources()) == 0 })
}

// TestEndings: what ends something waits neither for what its account does
// otherwise nor for what other accounts end, which may hang too; it is not
// everybody's either, for all that is may take every slot there is.
func TestEndings(t *testing.T) {
	in, ids := hungInput(t, hang(t))
	in.Accounts[0].HomeDir, in.Accounts[1].HomeDir = policy.Setting[string]{}, policy.Setting[string]{}
	m := mount(t, in, ids)
	lane := func(account string, op kernel.Opcode) uint64 {
		root := lstat(t, filepath.Join(m.point, account)).Ino &^ (1 << 63) // a view's root shows its node
		return m.Plan(request(op, root, make([]byte, 100), nil)).Lane
	}
	for _, op := range []kernel.Opcode{kernel.OpFlush, kernel.OpRelease, kernel.OpReleasedir} {
		alice, bob := lane("alice", op), lane("bob", op)
		if alice == 0 || alice == bob || alice == lane("alice", kernel.OpLookup) || alice == lane("bob", kernel.OpLookup) {
			t.Errorf("opcode %d: alice's lane is %#x, bob's %#x", op, alice, bob)
		}
	}
}

// TestMountedBelow: a file system that is mounted below a source is refused without
// being asked, be it one that hangs or the view itself.
func TestMountedBelow(t *testing.T) {
	h := hang(t)
	dir := tree(t, "hung/", "own/")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	t.Cleanup(h.letGo)
	view := filepath.Join(m.point, "alice")
	for name, from := range map[string]string{"hung": h.point, "own": view} {
		to := filepath.Join(dir, name)
		if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(to, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
	h.all.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		as(aliceUID, func() {
			for _, name := range []string{"hung", "own"} {
				p := filepath.Join(view, name)
				for what, err := range map[string]error{
					"stat":   unix.Lstat(p, new(unix.Stat_t)),
					"mkdir":  unix.Mkdir(p, 0o755),
					"create": opened(p, unix.O_CREAT|unix.O_WRONLY, func(int) error { return nil }),
					"rename": unix.Rename(p, p+"x"),
				} {
					if !errors.Is(err, unix.EACCES) {
						t.Errorf("%s of %s: %v, want EACCES", what, name, err)
					}
				}
			}
			if got := names(t, view); !slices.Equal(got, []string{"hung", "own"}) {
				t.Errorf("listed are %v", got)
			}
		})
	}()
	waitFor(t, func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
}
