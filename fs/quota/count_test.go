package quota

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

func openRoot(t testing.TB, dir string) *backing.Root {
	t.Helper()
	root, err := backing.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(root.Close)
	return root
}

// fresh counts dir in the plainest way.
func fresh(t testing.TB, dir string) Charge {
	t.Helper()
	var total Charge
	linked := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if st.Nlink > 1 && !d.IsDir() {
			if linked[st.Ino] {
				return nil
			}
			linked[st.Ino] = true
		}
		total.Inodes++
		if d.Type().IsRegular() {
			total.Bytes += info.Size()
			total.Files++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

func idOf(t testing.TB, path string) ID {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	return ID{st.Dev, st.Ino}
}

// put writes a file of n bytes, and the directories above it.
func put(t testing.TB, n int, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// count counts dir in a new tree.
func count(t testing.TB, dir string, opt CountOptions) Charge {
	t.Helper()
	found, err := NewTree(Charge{}).Count(t.Context(), openRoot(t, dir), opt)
	must(t, err)
	return found
}

func TestCount(t *testing.T) {
	dir := t.TempDir()
	put(t, 10, dir, "a")
	put(t, 20, dir, "d", "b")
	put(t, 0, dir, "d", "e", "empty")
	sparse := put(t, 0, dir, "sparse")
	must(t, os.Truncate(sparse, 1<<40))
	must(t, os.Symlink("/etc", filepath.Join(dir, "link")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	must(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "d", "a2")))
	must(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "d", "a3")))
	must(t, os.Mkdir(filepath.Join(dir, "d", "none"), 0o700))
	want := Charge{Bytes: 30 + 1<<40, Files: 4, Inodes: 9}
	if got := fresh(t, dir); got != want {
		t.Fatalf("the test counts %+v, want %+v", got, want)
	}
	for _, idle := range []bool{false, true} {
		var last Progress
		if got := count(t, dir, CountOptions{Idle: idle, Progress: func(p Progress) { last = p }}); got != want {
			t.Errorf("Count = %+v, want %+v", got, want)
		}
		if last.Dirs != 4 {
			t.Errorf("progress = %+v, want 4 directories", last)
		}
	}
	// The ledger knew something: only the difference is found.
	found, err := NewTree(Charge{Bytes: 31, Files: 9, Inodes: 9}).Count(t.Context(), openRoot(t, dir), CountOptions{})
	if diff := (Charge{Bytes: 1<<40 - 1, Files: -5}); err != nil || found != diff {
		t.Errorf("Count = %+v, %v, want %+v", found, err, diff)
	}
}

func TestCountStopsAtOtherSources(t *testing.T) {
	dir := t.TempDir()
	put(t, 10, dir, "a")
	put(t, 20, dir, "inner", "b")
	put(t, 30, dir, "inner", "c", "d")
	inner := idOf(t, filepath.Join(dir, "inner"))
	stop := func(id ID) bool { return id == inner }
	if got, want := count(t, dir, CountOptions{Stop: stop}), (Charge{10, 1, 2}); got != want {
		t.Errorf("outer = %+v, want %+v", got, want)
	}
	if got, want := count(t, filepath.Join(dir, "inner"), CountOptions{Stop: stop}), (Charge{50, 2, 3}); got != want {
		t.Errorf("inner = %+v, want %+v", got, want)
	}
}

func TestCountStaysOnItsFileSystem(t *testing.T) {
	dir := t.TempDir()
	put(t, 10, dir, "a")
	other := filepath.Join(dir, "other")
	must(t, os.Mkdir(other, 0o700))
	must(t, unix.Mount("none", other, "tmpfs", 0, ""))
	t.Cleanup(func() {
		if err := unix.Unmount(other, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	put(t, 1000, other, "b")
	if got, want := count(t, dir, CountOptions{}), (Charge{10, 1, 2}); got != want {
		t.Errorf("Count = %+v, want %+v", got, want)
	}
}

// A tree deeper than the number of directories that are kept open.
func TestCountDeep(t *testing.T) {
	dir := t.TempDir()
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(t, err)
	want := Charge{}
	for range openLevels + 150 {
		for _, name := range []string{"d", "e"} {
			must(t, unix.Mkdirat(fd, name, 0o700))
		}
		f, err := unix.Openat(fd, "file", unix.O_WRONLY|unix.O_CREAT, 0o600)
		must(t, err)
		must(t, unix.Ftruncate(f, 7))
		must(t, unix.Close(f))
		next, err := unix.Openat(fd, "d", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		must(t, err)
		must(t, unix.Close(fd))
		fd = next
		want = want.Plus(Charge{7, 1, 3})
	}
	must(t, unix.Close(fd))
	if got := count(t, dir, CountOptions{}); got != want {
		t.Errorf("Count = %+v, want %+v", got, want)
	}
}

func TestCountInterrupted(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		put(t, 10, dir, fmt.Sprint(i), "a")
	}
	root, tree := openRoot(t, dir), NewTree(Charge{})
	ctx, cancel := context.WithCancel(t.Context())
	found, err := tree.Count(ctx, root, CountOptions{Progress: func(p Progress) {
		if p.Dirs == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || found != (Charge{}) {
		t.Errorf("Count = %+v, %v, want Canceled", found, err)
	}
	if found, err := tree.Count(t.Context(), root, CountOptions{}); err != nil || found != fresh(t, dir) {
		t.Errorf("the next Count = %+v, %v, want %+v", found, err, fresh(t, dir))
	}
}

// An operation that is under way in a directory is in the count once, whether
// the reading saw what it did or not; the reading waits for it, others don't.
func TestCountWaitsForOperations(t *testing.T) {
	dir := t.TempDir()
	put(t, 10, dir, "d", "a")
	put(t, 10, dir, "e", "a")
	d, e := idOf(t, filepath.Join(dir, "d")), idOf(t, filepath.Join(dir, "e"))
	root, tree := openRoot(t, dir), NewTree(Charge{})
	tree.Enter(d)
	done := make(chan Charge)
	go func() {
		found, err := tree.Count(t.Context(), root, CountOptions{})
		if err != nil {
			t.Error(err)
		}
		done <- found
	}()
	tree.mu.Lock()
	for tree.wanted != d { // until the count waits for us
		tree.mu.Unlock()
		tree.mu.Lock()
	}
	tree.mu.Unlock()
	tree.Enter(e, d) // others go on
	b := put(t, 5, dir, "d", "b")
	tree.Note(d, idOf(t, b), Charge{5, 1, 1})
	tree.Leave(e, d)
	c := put(t, 7, dir, "e", "c")
	tree.Enter(e)
	tree.Note(e, idOf(t, c), Charge{7, 1, 1})
	tree.Leave(e)
	select {
	case found := <-done:
		t.Fatalf("Count = %+v in the middle of an operation", found)
	default:
	}
	tree.Leave(d)
	// What was noted, the ledger knows already.
	if found, want := <-done, fresh(t, dir).Sub(Charge{12, 2, 2}); found != want {
		t.Errorf("Count = %+v, want %+v", found, want)
	}
	if len(tree.busy) != 0 {
		t.Errorf("busy = %v, want none", tree.busy)
	}
}

// What we write in a directory that somebody else made where the count had been
// is known; the directory itself is found by the next one.
func TestCountOfNewDirectories(t *testing.T) {
	dir := t.TempDir()
	put(t, 10, dir, "a")
	put(t, 10, dir, "d", "a")
	root, tree := openRoot(t, dir), NewTree(Charge{})
	before := fresh(t, dir)
	found, err := tree.Count(t.Context(), root, CountOptions{Progress: func(p Progress) {
		if p.Dirs != 1 {
			return
		}
		file := put(t, 5, dir, "new", "file")
		at := idOf(t, filepath.Dir(file))
		tree.Enter(at)
		tree.Note(at, idOf(t, file), Charge{5, 1, 1})
		tree.Leave(at)
	}})
	if err != nil || found != before {
		t.Errorf("Count = %+v, %v, want %+v", found, err, before)
	}
	if found, err := tree.Count(t.Context(), root, CountOptions{}); err != nil || found != (Charge{Inodes: 1}) {
		t.Errorf("the next Count = %+v, %v, want one inode", found, err)
	}
}

// Operations in a directory that is being read for the last time wait for the
// end of the reading.
func TestOperationsWaitForTheLastReading(t *testing.T) {
	tree, dir := NewTree(Charge{}), ID{1, 2}
	must(t, tree.hold(t.Context(), dir))
	var ended atomic.Bool
	var working sync.WaitGroup
	for range 4 {
		working.Go(func() {
			tree.Enter(ID{1, 3}, dir)
			if !ended.Load() {
				t.Error("an operation began in the middle of the reading")
			}
			tree.Leave(ID{1, 3}, dir)
		})
	}
	for range 1000 {
		tree.Enter(ID{1, 3}) // elsewhere nobody waits
		tree.Leave(ID{1, 3})
		runtime.Gosched()
	}
	ended.Store(true)
	if !tree.end(&listing{}) {
		t.Error("the last reading was not taken")
	}
	working.Wait()
}

func TestCountInterruptedWhileItWaits(t *testing.T) {
	dir := t.TempDir()
	root, tree := openRoot(t, dir), NewTree(Charge{})
	id := idOf(t, dir)
	tree.Enter(id)
	ctx, cancel := context.WithCancel(t.Context())
	var counting sync.WaitGroup
	counting.Go(func() {
		if _, err := tree.Count(ctx, root, CountOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Count = %v, want Canceled", err)
		}
	})
	cancel()
	counting.Wait()
	tree.Leave(id)
}

// Names of one file come and go beside us; it is charged as long as there is one.
func TestCountLinks(t *testing.T) {
	dir := t.TempDir()
	a := put(t, 10, dir, "d", "a")
	root, tree := openRoot(t, dir), NewTree(Charge{})
	total := Charge{}
	for i, step := range []func() error{
		func() error { return nil },
		func() error { return os.MkdirAll(filepath.Join(dir, "e"), 0o700) },
		func() error { return os.Link(a, filepath.Join(dir, "e", "b")) },
		func() error { return os.Link(a, filepath.Join(dir, "e", "c")) },
		func() error { return os.Truncate(a, 50) },
		func() error { return os.Remove(a) },
		func() error { return os.Rename(filepath.Join(dir, "e", "c"), filepath.Join(dir, "d", "c")) },
		func() error { // one of ours, through one of its names
			d, id := idOf(t, filepath.Join(dir, "d")), idOf(t, filepath.Join(dir, "d", "c"))
			tree.Enter(d)
			defer tree.Leave(d)
			tree.Note(d, id, Charge{Bytes: -20})
			total = total.Plus(Charge{Bytes: -20})
			return os.Truncate(filepath.Join(dir, "d", "c"), 30)
		},
		func() error { return os.Remove(filepath.Join(dir, "e", "b")) },
		func() error { // we remove the last name
			d, id := idOf(t, filepath.Join(dir, "d")), idOf(t, filepath.Join(dir, "d", "c"))
			tree.Enter(d)
			defer tree.Leave(d)
			tree.Note(d, id, Charge{-30, -1, -1})
			total = total.Plus(Charge{-30, -1, -1})
			return os.Remove(filepath.Join(dir, "d", "c"))
		},
	} {
		must(t, step())
		found, err := tree.Count(t.Context(), root, CountOptions{})
		must(t, err)
		if total = total.Plus(found); total != fresh(t, dir) {
			t.Fatalf("step %d: %+v in all, want %+v", i, total, fresh(t, dir))
		}
	}
}

// A source that can't be read is not taken for empty.
func TestCountFails(t *testing.T) {
	dir := t.TempDir()
	put(t, 10, dir, "a")
	root, err := backing.OpenRoot(dir)
	must(t, err)
	tree := NewTree(Charge{})
	if _, err := tree.Count(t.Context(), root, CountOptions{}); err != nil {
		t.Fatal(err)
	}
	root.Close()
	if found, err := tree.Count(t.Context(), root, CountOptions{}); err == nil || found != (Charge{}) || !strings.HasPrefix(err.Error(), "count: ") {
		t.Errorf("Count = %+v, %v, want an error", found, err)
	}
}
