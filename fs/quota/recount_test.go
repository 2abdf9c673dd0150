package quota

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

// mounted mounts a new file system of that type until the end of the test.
func mounted(t testing.TB, typ string) string {
	t.Helper()
	dir := t.TempDir()
	if typ == "ext4" {
		image, err := os.CreateTemp("/dev/shm", "grantfs-quota-")
		must(t, err)
		must(t, image.Truncate(1<<30))
		must(t, image.Close())
		defer os.Remove(image.Name()) // it goes with the mount
		sh(t, "mkfs.ext4 -q -F -N 200000 "+image.Name()+" && mount -o loop "+image.Name()+" "+dir)
	} else {
		must(t, unix.Mount("none", dir, typ, 0, ""))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// sh runs a script in another process.
func sh(t testing.TB, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// recounting is a ledger that others write beside.
type recounting struct {
	testing.TB
	*Recounter
	ledger *Ledger
	trees  map[string]*Tree
}

func newRecounting(t testing.TB, opt RecountOptions) *recounting {
	opt.Ledger, opt.Log = newLedger(t), slog.New(slog.DiscardHandler)
	r := &recounting{t, NewRecounter(opt), opt.Ledger, map[string]*Tree{}}
	t.Cleanup(r.Close)
	return r
}

func (r *recounting) set(path string) *Set {
	return newSet(r, r.ledger, SourceBucket(path), bucket("account:a", -1, -1, -1))
}

func (r *recounting) add(path string) *Tree {
	r.Helper()
	root, err := backing.OpenRoot(path)
	must(r, err)
	defer root.Close()
	tree, err := r.Add(Source{path, r.set(path)}, root)
	must(r, err)
	if old := r.trees[path]; old != nil && old != tree {
		r.Errorf("%s has another tree", path)
	}
	r.trees[path] = tree
	return tree
}

// check waits until what was done is counted and compares with a plain count of
// those sources.
func (r *recounting) check(what string, sources ...string) {
	r.Helper()
	must(r, r.Settle(r.Context()))
	var total Charge
	for _, path := range sources {
		want := fresh(r, path)
		total = total.Plus(want)
		if got := r.ledger.Usage(SourceBucket(path).Name).Used; got != want {
			r.Errorf("%s: %s holds %+v, want %+v", what, path, got, want)
		}
	}
	if got := r.ledger.Usage("account:a").Used; got != total {
		r.Errorf("%s: the account has %+v, want %+v", what, got, total)
	}
}

// Whatever others do in a source, the ledger knows.
func TestRecount(t *testing.T) {
	for _, typ := range []string{"ext4", "tmpfs"} {
		t.Run(typ, func(t *testing.T) {
			top := mounted(t, typ)
			a, b := filepath.Join(top, "data", "a"), filepath.Join(top, "data", "b")
			sh(t, "cd "+top+"; mkdir -p data/a/d/e data/b elsewhere/x/y; echo 1 >data/a/d/f; echo 22 >elsewhere/x/y/f; echo 1 >data/b/plain")
			r := newRecounting(t, RecountOptions{Own: os.Getpid()})
			r.add(a)
			r.add(b)
			r.check("the first count", a, b)
			counts := r.Stats().Counts
			for _, script := range []string{
				"echo more >>a/d/f",
				"echo x >a/new; mkdir a/dir; echo y >a/dir/new",
				"truncate -s 1G a/new",
				"truncate -s 5 a/new; rm a/dir/new",
				"fallocate -l 10000 a/d/f; ln -s nowhere a/d/link; mkfifo a/d/fifo",
				"mkdir -p a/p/q/r/s; echo deep >a/p/q/r/s/f; echo q >a/p/q/f",
				"mv a/p/q a/q",                        // a tree within the source
				"mv a/q b/q",                          // to the other one
				"echo there >>b/q/r/s/f",              // and on there
				"mv b/q ../elsewhere/q",               // out of all
				"echo far >>../elsewhere/q/r/s/f",     // which is nobody's
				"mv ../elsewhere/q a/d/q",             // and back
				"mv ../elsewhere/x a/x; rm a/x/y/f",   // what was never seen
				"mv a/d a/d2; mv a/d2 a/d; rm -r a/d", // away, back, gone
				"rm -r a/x; mkdir a/x",                // may have the same number
				"for i in 1 2 3 4 5; do mkdir -p a/same; echo $i$i$i >a/same/f; rm -r a/same; mkdir a/same; done",
				"mv a/new b/new; mv b/plain a/plain",
				"cp -r a b/copy; rm -r a/*; mv b/copy/* a",
				"mv a/plain b/new",
			} {
				sh(t, "cd "+top+"/data; "+script)
				r.check(script, a, b)
			}
			if n := r.Stats().Counts - counts; n != 0 {
				t.Errorf("%d sources were counted as a whole, want none", n)
			}
		})
	}
}

// Files with several names are charged once, also when their first name was
// known as the only one.
func TestRecountLinks(t *testing.T) {
	top := mounted(t, "ext4")
	a := filepath.Join(top, "a")
	sh(t, "cd "+top+"; mkdir -p a/1 a/2 a/3; echo 1234567 >a/1/f; echo 1 >a/1/g; ln a/1/g a/2/g")
	r := newRecounting(t, RecountOptions{Own: os.Getpid()})
	r.add(a)
	r.check("the first count", a)
	for _, script := range []string{
		"ln a/1/f a/2/f",
		"echo more >>a/2/f",
		"ln a/2/f a/3/f; rm a/1/f",
		"ln a/3/f outside",
		"rm a/3/f a/2/f",
		"mv outside a/1/f",
		"echo x >>a/2/g; rm a/1/g",
		"cp -al a/1 a/4; cp -al a/2 a/5",
		"rm -r a/1 a/2",
		"cp -al a copy; rm -r a/4; mv copy a/copy",
	} {
		sh(t, "cd "+top+"; "+script)
		r.check(script, a)
	}
}

// One source in another is counted where it is, whenever it is added.
func TestRecountNested(t *testing.T) {
	top := mounted(t, "tmpfs")
	outer := filepath.Join(top, "outer")
	inner := filepath.Join(outer, "sites", "inner")
	sh(t, "mkdir -p "+inner+"/d; echo 123 >"+inner+"/d/f; echo 1 >"+outer+"/f")
	r := newRecounting(t, RecountOptions{Own: os.Getpid()})
	r.add(outer)
	r.check("alone", outer)
	used := func(path string) int64 { return r.ledger.Usage(SourceBucket(path).Name).Used.Bytes }
	both := func(what string, out, in int64) {
		t.Helper()
		must(t, r.Settle(t.Context()))
		if used(outer) != out || used(inner) != in {
			t.Errorf("%s: %d and %d bytes, want %d and %d", what, used(outer), used(inner), out, in)
		}
	}
	both("one", 6, 0)
	r.add(inner)
	both("two", 2, 4)
	sh(t, "cd "+outer+"; echo 1 >sites/f; echo 12 >sites/inner/d/g")
	both("written", 4, 7)
	r.Remove(inner)
	both("one again", 11, 7) // nothing is in inner by the policy; Derive goes by that
}

// A source that is removed and made again, moved away and replaced.
func TestRecountAnotherRoot(t *testing.T) {
	top := mounted(t, "ext4")
	a := filepath.Join(top, "a")
	sh(t, "cd "+top+"; mkdir -p a/d; echo 12345 >a/d/f")
	r := newRecounting(t, RecountOptions{Own: os.Getpid()})
	r.add(a)
	r.check("at first", a)
	sh(t, "rm -r "+a)
	must(t, r.Count(t.Context(), a))
	if got := r.ledger.Usage("account:a").Used; got != (Charge{}) {
		t.Errorf("removed: %+v", got)
	}
	sh(t, "cd "+top+"; mkdir -p a/d; echo 123456789 >a/d/f")
	r.add(a)
	r.check("made again", a)
	sh(t, "cd "+top+"; mv a old; cp -r old a; echo 1 >a/d/g")
	must(t, r.Count(t.Context(), a)) // notices by itself
	r.check("replaced", a)
	sh(t, "cd "+top+"; echo 1 >>old/d/f; echo 1 >a/d/h")
	r.check("written in both", a)
	sh(t, "cd "+top+"; mv a a2")
	if err := r.Count(t.Context(), a); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Count of a source that is not there = %v, want ENOENT", err)
	}
	if got := r.Sources()[a]; !errors.Is(got.Err, syscall.ENOENT) {
		t.Errorf("state = %+v, want ENOENT", got)
	}
	if got, want := r.ledger.Usage("account:a").Used, fresh(t, a+"2"); got != want {
		t.Errorf("while it is not there: %+v, want %+v as before", got, want)
	}
	sh(t, "cd "+top+"; mv a2 a; rm a/d/h")
	must(t, r.Count(t.Context(), a))
	r.check("there again", a)
	sh(t, "echo 1 >"+a+"/new")
	r.check("and watched again", a)
}

// A file system that can't be watched is counted again and again.
func TestRecountUnwatched(t *testing.T) {
	top := mounted(t, "ramfs")
	a, b := filepath.Join(top, "a"), filepath.Join(top, "b")
	sh(t, "cd "+top+"; mkdir -p a/d b; echo 1 >a/d/f")
	r := newRecounting(t, RecountOptions{Period: time.Millisecond})
	r.add(a)
	r.add(b)
	r.check("the first count", a, b)
	if s := r.Sources()[a]; s.Watched || s.Last.IsZero() {
		t.Errorf("state = %+v, want unwatched and counted", s)
	}
	sh(t, "cd "+top+"; echo 12345 >a/d/f; mv a/d b")
	for r.ledger.Usage(SourceBucket(b).Name).Used != fresh(t, b) || r.ledger.Usage(SourceBucket(a).Name).Used != fresh(t, a) {
		runtime.Gosched()
	}
}

// More directories than are kept to be read again: everything is counted.
func TestRecountOverflow(t *testing.T) {
	top := mounted(t, "tmpfs")
	a, b := filepath.Join(top, "a"), filepath.Join(top, "b")
	must(t, os.Mkdir(b, 0o700))
	const dirs = 66_000
	at := func(i int) string { return fmt.Sprint(a, "/", i%50, "/", i) }
	for i := range dirs {
		if i < 50 {
			must(t, os.MkdirAll(filepath.Dir(at(i)), 0o700))
		}
		must(t, unix.Mkdir(at(i), 0o700))
	}
	r := newRecounting(t, RecountOptions{})
	r.add(a)
	r.add(b)
	must(t, r.Settle(t.Context()))
	r.mu.Lock() // nobody takes what is read
	for i := range dirs {
		must(t, unix.Mknod(at(i)+"/f", unix.S_IFREG, 0))
	}
	r.mu.Unlock()
	put(t, 5, b, "f")
	must(t, r.Settle(t.Context()))
	if s := r.Stats(); s.Lost == 0 || s.Counts != 4 {
		t.Errorf("%+v, want an overflow and each source counted twice", s)
	}
	put(t, 10, a, "0", "0", "g")
	r.check("after an overflow", a, b)
}

// A burst of files is few readings.
func TestRecountBurst(t *testing.T) {
	top := mounted(t, "ext4")
	a := filepath.Join(top, "a")
	must(t, os.Mkdir(a, 0o700))
	r := newRecounting(t, RecountOptions{Own: os.Getpid()})
	r.add(a)
	r.check("the first count", a)
	sh(t, "cd "+a+"; mkdir 0 1 2; seq 30000 | awk '{print \"x\" > ($1 % 3) \"/\" $1; close(($1 % 3) \"/\" $1)}'")
	r.check("30,000 files", a)
	sh(t, "rm -r "+a+"/1")
	r.check("10,000 files less", a)
	if s := r.Stats(); s.Lost != 0 || s.Counts != 1 {
		t.Errorf("%+v, want nothing lost and no further count", s)
	}
}

// Others and we at once, in two sources and around them, while they are counted:
// at rest the ledger is right.
func TestRecountWhileAllWrite(t *testing.T) {
	for _, typ := range []string{"ext4", "tmpfs"} {
		t.Run(typ, func(t *testing.T) {
			top := mounted(t, typ)
			a, b := filepath.Join(top, "a"), filepath.Join(top, "b")
			for i := range 40 {
				put(t, i, a, "old", fmt.Sprint(i%7), "x", fmt.Sprint(i))
				put(t, i, b, "old", fmt.Sprint(i%3), fmt.Sprint(i))
				put(t, i, top, "elsewhere", fmt.Sprint(i%5), "y", fmt.Sprint(i))
			}
			r := newRecounting(t, RecountOptions{})
			tree := r.add(a)
			r.add(b)
			var working sync.WaitGroup
			for n := range 3 { // we
				w := &writer{
					t: t, dir: a, n: n, rnd: rand.New(rand.NewPCG(uint64(n), 5)), ledger: r.ledger, set: r.set(a), tree: tree,
					dirs: []string{"", "old", "old/1"},
				}
				working.Go(func() {
					for range 400 {
						w.step()
					}
				})
			}
			for n := range 2 { // others
				o := &outsider{t, top, fmt.Sprint("o", n), rand.New(rand.NewPCG(uint64(n), 7)), []string{"a", "b", "elsewhere"}, 0}
				working.Go(func() {
					for range 400 {
						o.step()
					}
				})
			}
			working.Go(func() {
				for i := range 10 {
					if err := r.Count(t.Context(), []string{a, b}[i%2]); err != nil {
						t.Error(err)
					}
				}
			})
			working.Wait()
			r.check("at rest", a, b)
			t.Logf("%+v", r.Stats())
		})
	}
}

// outsider does anything with what it made, directly.
type outsider struct {
	t    *testing.T
	top  string
	name string
	rnd  *rand.Rand
	dirs []string // the first three are not its own
	made int
}

func (o *outsider) step() {
	dir := o.dirs[o.rnd.IntN(len(o.dirs))]
	at := filepath.Join(o.top, dir)
	o.made++
	name := filepath.Join(at, fmt.Sprint(o.name, "-", o.made))
	var err error
	switch o.rnd.IntN(9) {
	case 0, 1:
		err = os.WriteFile(name, make([]byte, o.rnd.IntN(1000)), 0o600)
	case 2, 3:
		if err = os.Mkdir(name, 0o700); err == nil {
			o.dirs = append(o.dirs, name[len(o.top)+1:])
		}
	case 4: // truncate, link or remove a file of ours
		list, _ := filepath.Glob(filepath.Join(at, o.name+"-*"))
		for _, f := range list {
			if info, e := os.Lstat(f); e == nil && info.Mode().IsRegular() {
				switch o.rnd.IntN(4) {
				case 0:
					err = os.Truncate(f, o.rnd.Int64N(5000))
				case 1:
					err = os.Link(f, filepath.Join(o.top, o.dirs[o.rnd.IntN(len(o.dirs))], fmt.Sprint(o.name, "-l", o.made)))
				case 2:
					err = os.Rename(f, filepath.Join(o.top, o.dirs[o.rnd.IntN(len(o.dirs))], fmt.Sprint(o.name, "-r", o.made)))
				default:
					err = os.Remove(f)
				}
				break
			}
		}
	case 5, 6, 7: // move a directory of ours
		if len(o.dirs) < 4 {
			return
		}
		from := o.dirs[3+o.rnd.IntN(len(o.dirs)-3)]
		if within(dir, from) {
			return
		}
		to := name[len(o.top)+1:]
		err = os.Rename(filepath.Join(o.top, from), name)
		for i, d := range o.dirs {
			if err == nil && within(d, from) {
				o.dirs[i] = to + d[len(from):]
			}
		}
	case 8:
		if len(o.dirs) < 8 {
			return
		}
		from := o.dirs[3+o.rnd.IntN(len(o.dirs)-3)]
		err = os.RemoveAll(filepath.Join(o.top, from))
		o.dirs = slices.DeleteFunc(o.dirs, func(d string) bool { return within(d, from) })
	}
	if err != nil && !strings.Contains(err.Error(), "too many levels") {
		o.t.Error(err)
	}
}

// stuck waits until the count of tree waits for an operation in dir.
func stuck(tree *Tree, dir ID) {
	for {
		tree.mu.Lock()
		wanted := tree.wanted
		tree.mu.Unlock()
		if wanted == dir {
			return
		}
		runtime.Gosched()
	}
}

// What a count finds goes to the buckets that the source has at its end: none but
// its own where it was removed meanwhile.
func TestRecountChangesHands(t *testing.T) {
	top := mounted(t, "tmpfs")
	a := filepath.Join(top, "a")
	sh(t, "mkdir -p "+a+"/d; echo 1234 >"+a+"/d/f")
	d := idOf(t, a+"/d")
	r := newRecounting(t, RecountOptions{Own: os.Getpid()})
	used := func(name string) int64 { return r.ledger.Usage(name).Used.Bytes }
	root := openRoot(t, a)
	for _, c := range []struct {
		account string // that the source has at the end, "": none
		bytes   int64  // that it is charged
	}{{"account:b", 5}, {"", 0}, {"account:c", 0}} {
		tree := r.Tree(a)
		tree.Enter(d)
		r.add(a)
		stuck(tree, d)
		if c.account == "" {
			r.Remove(a)
		} else {
			set := newSet(t, r.ledger, SourceBucket(a), bucket(c.account, -1, -1, -1))
			_, err := r.Add(Source{a, set}, root)
			must(t, err)
		}
		tree.Leave(d)
		must(t, r.Settle(t.Context()))
		if used("account:a") != 0 || used(SourceBucket(a).Name) != 5 || used(c.account) != c.bytes {
			t.Errorf("%+v: the first has %d bytes, the source %d, the last %d", c, used("account:a"), used(SourceBucket(a).Name), used(c.account))
		}
		r.Remove(a)
		must(t, r.Settle(t.Context()))
	}
}

// Another file system is mounted over a source, and taken away again.
func TestRecountRemounted(t *testing.T) {
	top := mounted(t, "ext4")
	a := filepath.Join(top, "a")
	sh(t, "mkdir -p "+a+"/d; echo 1234 >"+a+"/d/f")
	r := newRecounting(t, RecountOptions{Own: os.Getpid()})
	r.add(a)
	r.check("at first", a)
	must(t, unix.Mount("none", a, "tmpfs", 0, ""))
	covered := true
	t.Cleanup(func() {
		if covered {
			unix.Unmount(a, unix.MNT_DETACH)
		}
	})
	sh(t, "mkdir "+a+"/other; echo 123456789 >"+a+"/other/f")
	must(t, r.Count(t.Context(), a))
	r.check("covered", a)
	sh(t, "echo 1 >>"+a+"/other/f")
	r.check("covered and written", a)
	must(t, unix.Unmount(a, unix.MNT_DETACH))
	covered = false
	must(t, r.Count(t.Context(), a))
	r.check("uncovered", a)
	sh(t, "rm "+a+"/d/f")
	r.check("uncovered and written", a)
}

// Whatever is counted, nothing is left open at the end, nor goes on.
func TestRecountCloses(t *testing.T) {
	top := mounted(t, "tmpfs")
	var paths []string
	for i := range 20 {
		paths = append(paths, filepath.Dir(put(t, i, top, fmt.Sprint(i), "f")))
	}
	open := func() int {
		t.Helper()
		list, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(list)
	}
	r := NewRecounter(RecountOptions{Ledger: newLedger(t), Log: slog.New(slog.DiscardHandler)})
	before := open()
	add := func(path string) {
		t.Helper()
		root, err := backing.OpenRoot(path)
		must(t, err)
		defer root.Close()
		set := newSet(t, r.opt.Ledger, SourceBucket(path))
		_, err = r.Add(Source{path, set}, root)
		must(t, err)
	}
	for _, path := range paths {
		add(path)
	}
	must(t, r.Settle(t.Context()))
	for _, path := range paths {
		r.Remove(path)
	}
	must(t, r.Settle(t.Context()))
	r.running.Wait() // a file system without sources has no goroutine
	if after := open(); after != before {
		t.Errorf("%d descriptors are open, want %d as before", after, before)
	}
	for _, path := range paths {
		add(path)
	}
	r.Close()
	if after := open(); after != before {
		t.Errorf("after Close %d descriptors are open, want %d", after, before)
	}
}

// What is written through no name is found where it is said to have been.
func TestTouch(t *testing.T) {
	top := mounted(t, "ext4")
	a := filepath.Join(top, "a")
	name := put(t, 1, a, "d", "f")
	r := newRecounting(t, RecountOptions{})
	r.add(a)
	r.check("at first", a)
	root := openRoot(t, a)
	handle := func(path string) backing.Handle {
		fd, err := unix.Open(path, unix.O_PATH, 0)
		must(t, err)
		defer unix.Close(fd)
		h, e := backing.HandleFD(fd)
		if e != 0 {
			t.Fatal(e)
		}
		return h
	}
	f, d := handle(name), handle(filepath.Dir(name))
	must(t, unix.Mount("", top, "", unix.MS_REMOUNT, "")) // the kernel forgets names
	fd, e := root.Open(backing.Object{Handle: f}, unix.O_WRONLY)
	if e != 0 {
		t.Fatal(e)
	}
	_, err := unix.Write(fd, []byte("much more"))
	must(t, err)
	unix.Close(fd)
	must(t, r.Settle(t.Context()))
	if got := r.ledger.Usage("account:a").Used.Bytes; got != 1 {
		t.Errorf("%d bytes were noticed: is Touch of any use?", got)
	}
	r.Touch(a, d)
	r.check("touched", a)
}

// However often something is lost, counting all sources takes a tenth of the
// time.
func TestForceEach(t *testing.T) {
	v := newVolume(nil, 0)
	for range 3 {
		v.sources = append(v.sources, &counted{volume: v, took: time.Hour, last: time.Now()})
	}
	force := func() (due time.Time) {
		v.forceEach()
		for _, s := range v.sources {
			if !s.forced || due != (time.Time{}) && s.due != due {
				t.Errorf("%+v, want all due at the same time", s)
			}
			due = s.due
		}
		return due
	}
	first := force()
	if first.After(time.Now()) {
		t.Errorf("the first time is due at %v", first)
	}
	for _, s := range v.sources {
		s.forced, s.last = false, time.Now()
	}
	for range 3 {
		if due := force(); due != first.Add(30*time.Hour) {
			t.Errorf("again at %v, want ten times later than they take", due)
		}
	}
}
