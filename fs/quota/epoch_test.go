package quota

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Counting while we write: whatever writers do meanwhile, each count after the
// first finds nothing that the ledger does not know, and at rest the ledger is
// what a plain count says.
func TestCountWhileWritersRun(t *testing.T) {
	const writers, rounds = 6, 600
	dir := t.TempDir()
	for i := range 40 {
		put(t, i, dir, "old", fmt.Sprint(i%7), "x", fmt.Sprint(i))
	}
	root := openRoot(t, dir)
	l := newLedger(t)
	source := "source:" + dir
	set := newSet(t, l, bucket("account:a", 1<<40, -1, -1), bucket(source, -1, -1, -1))
	tree := NewTree(Charge{})
	count := func() Charge {
		found, err := tree.Count(t.Context(), root, CountOptions{})
		if err != nil {
			t.Error(err)
		}
		l.Correct(set, source, found)
		return found
	}

	shared := []string{"", "old", "old/0", "old/1/x", "old/2"}
	var working sync.WaitGroup
	var running atomic.Int32
	running.Store(writers)
	for n := range writers {
		w := &writer{t: t, dir: dir, n: n, rnd: rand.New(rand.NewPCG(uint64(n), 3)), ledger: l, set: set, tree: tree, dirs: slices.Clone(shared)}
		working.Go(func() {
			defer running.Add(-1)
			for range rounds {
				w.step()
			}
		})
	}
	count()
	passes := 0
	for ; running.Load() > 0; passes++ {
		if found := count(); found != (Charge{}) {
			t.Errorf("pass %d found %+v that nobody did", passes, found)
		}
	}
	working.Wait()
	if found := count(); found != (Charge{}) {
		t.Errorf("the last pass found %+v", found)
	}
	t.Logf("%d passes", passes)
	for _, name := range []string{source, "account:a"} {
		if got, want := l.Usage(name).Used, fresh(t, dir); got != want {
			t.Errorf("%s = %+v, want %+v", name, got, want)
		}
	}
	if len(tree.busy)+len(tree.moved) != 0 || tree.holding || tree.active {
		t.Errorf("left behind: busy %v, moved %v", tree.busy, tree.moved)
	}
}

// A first count alone, begun in the middle of the writing, is as exact.
func TestFirstCountWhileWritersRun(t *testing.T) {
	for seed := range uint64(12) {
		dir := t.TempDir()
		for i := range 60 {
			put(t, i, dir, "old", fmt.Sprint(i%5), "x", fmt.Sprint(i))
		}
		l := newLedger(t)
		source := "source:" + dir
		set := newSet(t, l, bucket(source, -1, -1, -1))
		tree := NewTree(Charge{})
		var working sync.WaitGroup
		for n := range 3 {
			w := &writer{t: t, dir: dir, n: n, rnd: rand.New(rand.NewPCG(seed, uint64(n))), ledger: l, set: set, tree: tree, dirs: []string{"", "old", "old/3"}}
			working.Go(func() {
				for range 100 {
					w.step()
				}
			})
		}
		found, err := tree.Count(t.Context(), openRoot(t, dir), CountOptions{})
		must(t, err)
		l.Correct(set, source, found)
		working.Wait()
		if got, want := l.Usage(source).Used, fresh(t, dir); got != want {
			t.Errorf("seed %d: %+v, want %+v", seed, got, want)
		}
	}
}

// writer does to a directory what a client of the file system does, as the file
// system does it. What it makes is its own, the directories it found are not.
type writer struct {
	t      *testing.T
	dir    string
	n      int
	rnd    *rand.Rand
	ledger *Ledger
	set    *Set
	tree   *Tree
	dirs   []string // those after the shared ones are its own
	files  []file
	made   int
}

type file struct {
	path string
	size int64
}

func (w *writer) abs(path string) string { return filepath.Join(w.dir, path) }

func (w *writer) id(path string) ID {
	var st unix.Stat_t
	if err := unix.Lstat(w.abs(path), &st); err != nil {
		w.t.Error(err)
	}
	return ID{st.Dev, st.Ino}
}

func (w *writer) name(dir string) string {
	w.made++
	return filepath.Join(dir, fmt.Sprintf("w%d-%d", w.n, w.made))
}

func (w *writer) check(err error) {
	if err != nil {
		w.t.Error(err)
	}
}

func (w *writer) step() {
	switch w.rnd.IntN(8) {
	case 0, 1:
		w.create(w.any())
	case 2:
		w.mkdir(w.any())
	case 3:
		w.moveDir(w.any())
	}
	if len(w.files) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.files))
	switch w.rnd.IntN(4) {
	case 0:
		w.resize(&w.files[i])
	case 1:
		w.remove(i)
	case 2:
		w.rename(&w.files[i], w.any())
	}
}

func (w *writer) any() string { return w.dirs[w.rnd.IntN(len(w.dirs))] }

// in does f as an operation in the directories dirs, which it does not leave
// before the ledger and the tree know.
func (w *writer) in(f func(ids []ID), dirs ...string) {
	ids := make([]ID, len(dirs))
	for i, dir := range dirs {
		ids[i] = w.id(dir)
	}
	w.tree.Enter(ids...)
	defer w.tree.Leave(ids...)
	f(ids)
}

func (w *writer) create(dir string) {
	w.in(func(ids []ID) {
		cost := Charge{w.rnd.Int64N(100), 1, 1}
		g, err := w.ledger.Reserve(w.set, Request{Charge: cost, Least: cost.Bytes})
		w.check(err)
		path := w.name(dir)
		w.check(os.WriteFile(w.abs(path), make([]byte, cost.Bytes), 0o600))
		w.ledger.Settle(g, cost)
		w.tree.Note(ids[0], w.id(path), cost)
		w.files = append(w.files, file{path, cost.Bytes})
	}, dir)
}

func (w *writer) resize(f *file) {
	w.in(func(ids []ID) {
		size := w.rnd.Int64N(200)
		change := Charge{Bytes: size - f.size}
		w.check(os.Truncate(w.abs(f.path), size))
		w.ledger.Add(w.set, change)
		w.tree.Note(ids[0], w.id(f.path), change)
		f.size = size
	}, filepath.Dir(f.path))
}

func (w *writer) remove(i int) {
	f := w.files[i]
	w.in(func(ids []ID) {
		id, cost := w.id(f.path), Charge{-f.size, -1, -1}
		w.check(os.Remove(w.abs(f.path)))
		w.ledger.Add(w.set, cost)
		w.tree.Note(ids[0], id, cost)
	}, filepath.Dir(f.path))
	w.files = slices.Delete(w.files, i, i+1)
}

func (w *writer) rename(f *file, dir string) {
	w.in(func(ids []ID) {
		id, to := w.id(f.path), w.name(dir)
		w.check(os.Rename(w.abs(f.path), w.abs(to)))
		w.tree.Note(ids[0], id, Charge{-f.size, -1, -1})
		w.tree.Note(ids[1], id, Charge{f.size, 1, 1})
		f.path = to
	}, filepath.Dir(f.path), dir)
}

func (w *writer) mkdir(dir string) {
	if len(w.dirs) > 30 {
		w.rmdir()
		return
	}
	w.in(func(ids []ID) {
		path := w.name(dir)
		w.check(os.Mkdir(w.abs(path), 0o700))
		w.ledger.Add(w.set, Charge{Inodes: 1})
		id := w.id(path)
		w.tree.Made(id, ids[0])
		w.tree.Note(ids[0], id, Charge{Inodes: 1})
		w.dirs = append(w.dirs, path)
	}, dir)
}

// own returns a directory that w made, or "".
func (w *writer) own() string {
	own := slices.DeleteFunc(slices.Clone(w.dirs), func(d string) bool {
		return len(filepath.Base(d)) < 2 || filepath.Base(d)[0] != 'w'
	})
	if len(own) == 0 {
		return ""
	}
	return own[w.rnd.IntN(len(own))]
}

func (w *writer) rmdir() {
	path := w.own()
	if path == "" {
		return
	}
	w.in(func(ids []ID) {
		id := w.id(path)
		if os.Remove(w.abs(path)) != nil {
			return // not empty
		}
		w.ledger.Add(w.set, Charge{Inodes: -1})
		w.tree.Note(ids[0], id, Charge{Inodes: -1})
		w.tree.Gone(id)
		w.dirs = slices.DeleteFunc(w.dirs, func(d string) bool { return d == path })
	}, filepath.Dir(path))
}

func (w *writer) moveDir(dir string) {
	path := w.own()
	if path == "" || within(dir, path) {
		return
	}
	fd, err := unix.Open(w.abs(path), unix.O_PATH|unix.O_DIRECTORY, 0)
	w.check(err)
	defer unix.Close(fd)
	to := w.name(dir)
	w.in(func(ids []ID) {
		id := w.id(path)
		w.check(os.Rename(w.abs(path), w.abs(to)))
		w.tree.Note(ids[0], id, Charge{Inodes: -1})
		w.tree.Note(ids[1], id, Charge{Inodes: 1})
		w.check(w.tree.Moved(id, ids[1], fd))
	}, filepath.Dir(path), dir)
	for i, d := range w.dirs {
		if within(d, path) {
			w.dirs[i] = to + d[len(path):]
		}
	}
	for i, f := range w.files {
		if within(f.path, path) {
			w.files[i].path = to + f.path[len(path):]
		}
	}
}

// within reports whether path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || len(path) > len(dir) && path[:len(dir)] == dir && path[len(dir)] == '/'
}
