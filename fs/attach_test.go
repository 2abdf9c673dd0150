package fs_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/policy"
)

// ownVault keeps descriptors as a keeper does.
type ownVault struct {
	mu  sync.Mutex // guards fds
	fds map[uint64]int
}

func (v *ownVault) Hold(node uint64, fd int) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	v.fds[node] = fd
	return err
}

func (v *ownVault) Drop(node uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if fd, ok := v.fds[node]; ok {
		unix.Close(fd)
		delete(v.fds, node)
	}
}

func (v *ownVault) held(t *testing.T) map[uint64]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := map[uint64]int{}
	for node, fd := range v.fds {
		list[node] = duplicate(t, fd)
	}
	return list
}

func duplicate(t testing.TB, fd int) int {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// kept is a mount that one Server after another serves.
type kept struct {
	*fs.Server
	t      *testing.T
	opt    fs.Options
	conn   *kernel.Conn
	memory *memory.Memory
	vault  *ownVault
	log    *testLog
	done   chan error
}

func keepMount(t *testing.T, in policy.Input, ids map[string]policy.IDs) *kept {
	t.Helper()
	before := openFDs(t)
	point := openDir(t)
	in, ids = withPollAccount(t, in, ids)
	log := &testLog{t: t}
	k := &kept{t: t, vault: &ownVault{fds: map[uint64]int{}}, log: log, opt: fs.Options{
		Point: point, EntryTimeout: time.Second, Observer: &observer{}, Log: slog.New(slog.NewTextHandler(log, nil)),
		Policy: fs.Policy{Set: compile(t, in), IDs: ids},
	}}
	var err error
	if k.memory, err = memory.New(); err != nil {
		t.Fatal(err)
	}
	if k.conn, err = kernel.Mount(point); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.conn.Unmount(); err != nil {
			t.Error(err)
		}
		if k.Server != nil {
			k.ended()
		}
		if err := k.conn.Close(); err != nil {
			t.Error(err)
		}
		if err := k.memory.Close(); err != nil {
			t.Error(err)
		}
		for node := range k.vault.held(t) {
			t.Errorf("node %#x is still held", node)
		}
		if after := openFDs(t); !slices.Equal(before, after) {
			t.Errorf("descriptors before the mount: %v, after it: %v", before, after)
		}
	})
	if err := k.conn.Start(); err != nil {
		t.Fatal(err)
	}
	k.attach()
	settlePoll(t, point)
	return k
}

// attach starts a Server as a new process would.
func (k *kept) attach() {
	k.t.Helper()
	m, err := memory.Open(duplicate(k.t, k.memory.FD()))
	if err != nil {
		k.t.Fatal(err)
	}
	device, control := k.conn.Files()
	conn := kernel.Attach(k.opt.Point, duplicate(k.t, device), duplicate(k.t, control), k.conn.Features())
	s, err := fs.Attach(k.opt, fs.Inheritance{Conn: conn, Memory: m, Vault: k.vault, Held: k.vault.held(k.t)})
	if err != nil {
		k.t.Fatal(err)
	}
	k.Server, k.done = s, make(chan error, 1)
	go func(done chan error) { done <- s.Serve() }(k.done)
}

func (k *kept) ended() {
	k.t.Helper()
	if err := <-k.done; err != nil {
		k.t.Errorf("Serve = %v", err)
	}
	if n := k.Panics(); n != 0 {
		k.t.Errorf("%d requests panicked", n)
	}
	if err := k.Close(); err != nil {
		k.t.Errorf("Close = %v", err)
	}
}

// drain ends the process, so to speak, in order. It may be called with any ids.
func (k *kept) drain() {
	as(0, func() {
		if err := k.Drain(10 * time.Second); err != nil {
			k.t.Errorf("Drain = %v", err)
		}
	})
	k.ended()
}

// next lets a successor go on.
func (k *kept) next() {
	k.drain()
	as(0, k.attach)
}

// TestSuccession: what an account has open goes on with the next process.
func TestSuccession(t *testing.T) {
	for name, change := range map[string]func(*policy.Account){"passthrough": nil, "mediated": mediated} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, "d/", "gone", "kept")
			for i := range 500 {
				if err := os.WriteFile(filepath.Join(dir, "d", fmt.Sprint("f", i)), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			in, ids := home(dir, change)
			k := keepMount(t, in, ids)
			at := func(name string) string { return filepath.Join(k.opt.Point, "alice", name) }
			sum := sha256.New()
			as(aliceUID, func() {
				file := create(t, at("upload"))
				defer file.Close()
				gone := open(t, at("gone"))
				defer gone.Close()
				if err := os.Remove(at("gone")); err != nil {
					t.Error(err)
				}
				list := open(t, at("d"))
				defer list.Close()
				seen := map[string]bool{}
				block := make([]byte, 100<<10)
				for i := range 6 {
					for j := range block {
						block[j] = byte(i + j)
					}
					if _, err := file.Write(block); err != nil {
						t.Errorf("write %d: %v", i, err)
					}
					sum.Write(block)
					for n, err := range readNames(list, 60) {
						if err != nil || seen[n] {
							t.Errorf("listing: %q, %v", n, err)
						}
						seen[n] = true
					}
					got := make([]byte, 100)
					if n, err := gone.ReadAt(got, 0); err != io.EOF || string(got[:n]) != "content of gone\n" {
						t.Errorf("a file without a name reads %q, %v", got[:n], err)
					}
					if _, err := os.Stat(at("gone")); errnoOf(err) != syscall.ENOENT {
						t.Errorf("its name: %v", err)
					}
					if got := readAll(t, at("kept")); got != "content of kept\n" {
						t.Errorf("another file reads %q", got)
					}
					k.next()
				}
				for n, err := range readNames(list, -1) {
					if err != nil || seen[n] {
						t.Errorf("listing: %q, %v", n, err)
					}
					seen[n] = true
				}
				if len(seen) != 500 {
					t.Errorf("%d names were listed, want 500", len(seen))
				}
				if err := file.Close(); err != nil {
					t.Error(err)
				}
			})
			if got := sha256.Sum256([]byte(readAll(t, filepath.Join(dir, "upload")))); got != [32]byte(sum.Sum(nil)) {
				t.Error("what was uploaded is not what arrived")
			}
			waitFor(t, func() bool { return k.OpenHandles() == 0 })
		})
	}
}

func open(t *testing.T, p string) *os.File { return openWith(t, p, os.O_RDONLY) }
func create(t *testing.T, p string) *os.File {
	return openWith(t, p, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
}

func openWith(t *testing.T, p string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(p, flags, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// readNames reads up to n names of an open directory, all for -1.
func readNames(f *os.File, n int) func(func(string, error) bool) {
	return func(yield func(string, error) bool) {
		names, err := f.Readdirnames(n)
		if err != nil {
			yield("", err)
			return
		}
		for _, name := range names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

// TestSuccessionKeepsTheCreator: who may only upload goes on with what it created,
// and no longer than until its close.
func TestSuccessionKeepsTheCreator(t *testing.T) {
	in, ids := home(tree(t), func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list"), set("upload")}}}
	})
	k := keepMount(t, in, ids)
	p := filepath.Join(k.opt.Point, "alice/upload")
	as(aliceUID, func() {
		f := create(t, p)
		defer f.Close()
		k.next()
		if _, err := f.Write([]byte("more")); err != nil {
			t.Errorf("write on: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		waitFor(t, func() bool { return k.OpenHandles() == 0 })
		k.next()
		if _, err := os.OpenFile(p, os.O_WRONLY, 0); errnoOf(err) != syscall.EACCES {
			t.Errorf("open what was closed = %v, want EACCES", err)
		}
	})
}

// TestSuccessorOfDamage: state that can't be read is not guessed at. What was open
// is lost, and everything can be opened anew.
func TestSuccessorOfDamage(t *testing.T) {
	dir := tree(t, "one", "two")
	in, ids := home(dir, mediated)
	k := keepMount(t, in, ids)
	as(aliceUID, func() {
		f := open(t, filepath.Join(k.opt.Point, "alice/one"))
		defer f.Close()
		k.drain()
		m, err := memory.Open(duplicate(t, k.memory.FD()))
		if err != nil {
			t.Fatal(err)
		}
		m.Held(memory.Handles)[0][8] ^= 0xff
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		as(0, k.attach)
		if !k.log.has("level=ERROR", "is lost") {
			t.Error("nothing was logged")
		}
		if n, err := f.Read(make([]byte, 100)); err == nil {
			t.Errorf("read %d bytes through the old handle", n)
		}
		waitFor(t, func() bool {
			b, err := os.ReadFile(filepath.Join(k.opt.Point, "alice/two"))
			return err == nil && string(b) == "content of two\n"
		})
	})
}
