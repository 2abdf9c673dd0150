package quota

import (
	"log/slog"
	"os"
	"os/exec"
	"testing"

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
