package quota

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

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
