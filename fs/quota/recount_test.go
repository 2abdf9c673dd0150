package quota

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
