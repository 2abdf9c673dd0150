package quota

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

// touching is a source beside whose tree others write.
type touching struct {
	testing.TB
	dir  string
	root *backing.Root
	*Tree
	total Charge // that the ledger was told
}

// newTouching returns a source of these files, of a byte each, that was counted.
func newTouching(t testing.TB, files ...string) *touching {
	dir := t.TempDir()
	for _, f := range files {
		put(t, 1, dir, f)
	}
	x := &touching{t, dir, openRoot(t, dir), NewTree(Charge{}), Charge{}}
	x.count(CountOptions{})
	return x
}

func (x *touching) count(opt CountOptions) {
	x.Helper()
	found, err := x.Count(x.Context(), x.root, opt)
	must(x, err)
	x.told(found)
}

// told takes what the ledger is told and compares all of that with a plain count.
func (x *touching) told(found Charge) {
	x.Helper()
	x.total = x.total.Plus(found)
	if want := fresh(x, x.dir); x.total != want {
		x.Errorf("%+v in all, want %+v", x.total, want)
	}
}

// at opens a directory.
func (x *touching) at(path string) int {
	x.Helper()
	fd, err := unix.Open(filepath.Join(x.dir, path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(x, err)
	x.Cleanup(func() { unix.Close(fd) })
	return fd
}

func (x *touching) id(path string) ID { x.Helper(); return idOf(x, filepath.Join(x.dir, path)) }

// reread says that others changed something in path, and that directories left
// it where left is set.
func (x *touching) reread(path string, left bool) {
	x.Helper()
	must(x, x.Reread(x.Context(), x.root, x.at(path), x.id(filepath.Dir(path)), left, CountOptions{}))
}

func (x *touching) round(wantAgain, wantStale bool) Charge {
	x.Helper()
	found, again, stale := x.Round()
	if again != wantAgain || stale != wantStale {
		x.Errorf("again = %t, stale = %t, want %t, %t", again, stale, wantAgain, wantStale)
	}
	return found
}

func (x *touching) rename(from, to string) {
	x.Helper()
	must(x, os.Rename(filepath.Join(x.dir, from), filepath.Join(x.dir, to)))
}

func (x *touching) remove(path string) {
	x.Helper()
	must(x, os.RemoveAll(filepath.Join(x.dir, path)))
}

func (x *touching) mkdir(path string) {
	x.Helper()
	must(x, os.Mkdir(filepath.Join(x.dir, path), 0o700))
}

// ours does f in the directories dirs as an operation of ours.
func (x *touching) ours(f func(ids ...ID), dirs ...string) {
	x.Helper()
	var ids []ID
	for _, dir := range dirs {
		ids = append(ids, x.id(dir))
	}
	x.Enter(ids...)
	defer x.Leave(ids...)
	f(ids...)
}

// What others do is found by the next count, or by reading the directory alone.
func TestReread(t *testing.T) {
	x := newTouching(t, "d/a", "e/a")
	reread := func(path string, want Charge) {
		t.Helper()
		x.reread(path, false)
		found := x.round(false, false)
		if found != want {
			t.Errorf("reread %s: %+v, want %+v", path, found, want)
		}
		x.total = x.total.Plus(found)
	}
	put(t, 21, x.dir, "d", "a")
	put(t, 5, x.dir, "d", "b")
	put(t, 3, x.dir, "e", "b")
	reread("d", Charge{25, 1, 1})
	reread("d", Charge{})
	put(t, 100, x.dir, "d", "new", "below", "c") // a whole tree is new
	reread("d", Charge{100, 1, 3})
	x.remove("d/new/below")
	x.count(CountOptions{})

	y := &touching{t, x.dir, x.root, NewTree(Charge{}), Charge{}}
	y.reread("d", false)
	if found := y.round(false, false); found != (Charge{}) {
		t.Errorf("before the first count: %+v, want nothing", found)
	}
	y.count(CountOptions{})
}

// The inode number of a directory that vanished is another one's.
func TestRereadOfAReusedNumber(t *testing.T) {
	x := newTouching(t, "d/x/f")
	d, id := x.id("d"), x.id("d/x")
	x.remove("d/x")
	x.mkdir("d/x")
	// What it had if the file system gave it the same number again.
	x.mu.Lock()
	s := x.dirs[id]
	delete(x.dirs, id)
	x.dirs[x.id("d/x")] = s
	x.mu.Unlock()
	if s.parent != d {
		t.Fatalf("the parent of d/x is %v, want %v", s.parent, d)
	}
	x.reread("d", true)
	x.told(x.round(false, false))
}

// What is moved from where a count has not been to where it was, before it is
// known that it was moved.
func TestMovedPastACount(t *testing.T) {
	x := newTouching(t, "d/x/y/z/f", "e/x/y/z/f")
	moved := false
	x.count(CountOptions{
		Progress: func(Progress) {
			seen := func(path string) bool { return x.seen(x.id(path), x.id("."), x.dirs[x.id(path)].birth, false) }
			if moved || seen("d") == seen("e") {
				return
			}
			from, to := "d", "e"
			if seen(from) {
				from, to = to, from
			}
			x.rename(from+"/x", to+"/moved")
			x.reread(to, false)
			x.reread(from, true)
			x.told(x.round(false, false))
			moved = true
		},
		Finish: func(read func(dir int, parent ID) error) error {
			for _, path := range []string{"d", "e"} {
				if err := read(x.at(path), x.id(".")); err != nil {
					return err
				}
			}
			return nil
		},
	})
	if !moved {
		t.Error("nothing was moved")
	}
}

// A directory that we moved is not missed where it was, nor one that we made
// since then where it is.
func TestSweepKnowsOurs(t *testing.T) {
	x := newTouching(t, "d/x/f", "d/gone/f", "e/f")
	x.ours(func(ids ...ID) {
		fd, id := x.at("d/x"), x.id("d/x")
		x.rename("d/x", "e/x")
		x.Note(ids[0], id, Charge{Inodes: -1})
		x.Note(ids[1], id, Charge{Inodes: 1})
		must(t, x.Moved(id, ids[1], fd))
	}, "d", "e")
	x.remove("d/gone")
	x.reread("d", true)
	x.ours(func(ids ...ID) {
		x.mkdir("d/made")
		x.Made(x.id("d/made"), ids[0])
		x.Note(ids[0], x.id("d/made"), Charge{Inodes: 1})
		x.total.Inodes++
	}, "d")
	x.ours(func(ids ...ID) {
		x.Note(ids[0], x.id(put(t, 1, x.dir, "d/made/f")[len(x.dir):]), Charge{1, 1, 1})
		x.total = x.total.Plus(Charge{1, 1, 1})
	}, "d/made")
	found, _, _ := x.Round()
	x.told(found)
}

// Others moved a directory, and we moved it on before that was noticed.
func TestMovedOn(t *testing.T) {
	x := newTouching(t, "d/x/f", "e/f", "g/f")
	x.rename("d/x", "e/x")
	x.reread("d", true)
	x.total = x.total.Plus(x.round(false, false))
	x.ours(func(ids ...ID) {
		fd, id := x.at("e/x"), x.id("e/x")
		x.rename("e/x", "g/x")
		x.Note(ids[0], id, Charge{Inodes: -1})
		x.Note(ids[1], id, Charge{Inodes: 1})
		must(t, x.Moved(id, ids[1], fd))
	}, "e", "g")
	x.reread("e", true)
	x.total = x.total.Plus(x.round(false, true))
	x.count(CountOptions{})
	x.round(false, false)
}

// We wrote in a directory of others that vanished before it was read.
func TestStrangers(t *testing.T) {
	x := newTouching(t, "d/f")
	write := func(dir string) {
		x.ours(func(ids ...ID) {
			x.Note(ids[0], x.id(put(t, 1, x.dir, dir, "f")[len(x.dir):]), Charge{1, 1, 1})
			x.total = x.total.Plus(Charge{1, 1, 1})
		}, dir)
	}
	x.mkdir("d/new")
	write("d/new")
	x.reread("d", false)
	x.told(x.round(false, false))

	x.mkdir("d/brief")
	write("d/brief")
	x.remove("d/brief")
	x.reread("d", true)
	x.total = x.total.Plus(x.round(true, false))
	x.total = x.total.Plus(x.round(false, true))
	x.count(CountOptions{})
	x.round(false, false)
}

func TestEmpty(t *testing.T) {
	x := newTouching(t, "d/f", "d/e/f")
	must(t, os.Link(filepath.Join(x.dir, "d/f"), filepath.Join(x.dir, "d/e/g")))
	x.reread("d", false)
	x.reread("d/e", false)
	x.told(x.round(false, false))
	x.remove("d")
	x.told(x.Empty())
}
