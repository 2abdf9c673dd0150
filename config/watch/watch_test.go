package watch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends a wait for an event that never comes.
const patience = 20 * time.Second

func open(t *testing.T) *Watch {
	t.Helper()
	w, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func set(t *testing.T, w *Watch, dirs ...string) {
	t.Helper()
	if err := w.Set(dirs); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, w *Watch, what string) {
	t.Helper()
	select {
	case <-w.Changed():
	case <-time.After(patience):
		t.Fatalf("%s: not told", what)
	}
}

// quiet fails the test if something is told: what Set tells, it tells before it
// returns.
func quiet(t *testing.T, w *Watch, what string) {
	t.Helper()
	select {
	case <-w.Changed():
		t.Errorf("%s: told", what)
	default:
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestChanges(t *testing.T) {
	write := func(t *testing.T, path string) { do(t, os.WriteFile(path, []byte("x"), 0o600)) }
	for _, c := range []struct {
		name string
		do   func(t *testing.T, dir string)
	}{
		{"made", func(t *testing.T, dir string) { write(t, dir+"/new") }},
		{"rewritten in place", func(t *testing.T, dir string) { write(t, dir+"/old") }},
		{"removed", func(t *testing.T, dir string) { do(t, os.Remove(dir+"/old")) }},
		{"moved away", func(t *testing.T, dir string) { do(t, os.Rename(dir+"/old", filepath.Dir(dir)+"/old")) }},
		{"moved here", func(t *testing.T, dir string) { do(t, os.Rename(filepath.Dir(dir)+"/beside", dir+"/old")) }},
		{"linked", func(t *testing.T, dir string) { do(t, os.Symlink("old", dir+"/link")) }},
		{"made a directory", func(t *testing.T, dir string) { do(t, os.Mkdir(dir+"/sub", 0o700)) }},
		{"its mode", func(t *testing.T, dir string) { do(t, os.Chmod(dir+"/old", 0o400)) }},
		{"the directory went away", func(t *testing.T, dir string) { do(t, os.Rename(dir, dir+".gone")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			do(t, os.Mkdir(dir, 0o700))
			write(t, dir+"/old")
			write(t, filepath.Dir(dir)+"/beside")
			w := open(t)
			set(t, w, dir)
			expect(t, w, "the first look")
			set(t, w, dir)
			quiet(t, w, "the second")
			c.do(t, dir)
			expect(t, w, c.name)
		})
	}
}

// TestMadeAgain: a directory that was removed is watched again under its name, and
// what happened in between counts as a change.
func TestMadeAgain(t *testing.T) {
	top := t.TempDir()
	dir := top + "/d"
	do(t, os.Mkdir(dir, 0o700))
	w := open(t)
	set(t, w, top, dir)
	expect(t, w, "the first look")
	do(t, os.RemoveAll(dir))
	expect(t, w, "removed")
	set(t, w, top, dir)
	do(t, os.Mkdir(dir, 0o700))
	for _, err := os.Stat(dir + "/new"); err != nil; _, err = os.Stat(dir + "/new") {
		expect(t, w, "made again")
		set(t, w, top, dir)
		do(t, os.WriteFile(dir+"/new", nil, 0o600))
	}
	expect(t, w, "a file in it")
}

// TestUnwatched: nothing is told of directories that are not watched any more.
func TestUnwatched(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	w := open(t)
	set(t, w, one, two)
	set(t, w, two)
	do(t, os.WriteFile(one+"/x", nil, 0o600))
	do(t, os.WriteFile(two+"/x", nil, 0o600))
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.dirs) != 1 || w.dirs[two] == 0 {
		t.Errorf("watched: %v", w.dirs)
	}
}

func TestMissing(t *testing.T) {
	w := open(t)
	dir := t.TempDir()
	do(t, os.WriteFile(dir+"/file", nil, 0o600))
	set(t, w, dir+"/none", dir+"/file", dir)
	expect(t, w, "the one that is there")
	do(t, os.WriteFile(dir+"/x", nil, 0o600))
	expect(t, w, "a file in it")
}
