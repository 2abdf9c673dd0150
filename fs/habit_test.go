package fs_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// crowd makes a source with directories of so many files.
func crowd(t *testing.T, dirs, files int) string {
	var names []string
	for d := range dirs {
		names = append(names, fmt.Sprintf("d%d/", d))
		for f := range files {
			names = append(names, fmt.Sprintf("d%d/f%03d", d, f))
		}
	}
	return tree(t, names...)
}

// walked lists a directory by small blocks and calls each for every name between
// them, with the directory. It runs on the caller's thread, which is the process that the file
// system gets to know.
func walked(t *testing.T, p string, each func(dir int, name string)) []string {
	fd, err := unix.Open(p, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer unix.Close(fd)
	var all []string
	buf := make([]byte, 4096)
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil {
			t.Error(err)
		}
		if n <= 0 {
			slices.Sort(all)
			return all
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			each(fd, name)
		}
		all = append(all, names...)
	}
}

// stat asks for the attributes of a name by the directory that is open: a path
// would be looked up from the mount's root.
func stat(t *testing.T) func(dir int, name string) {
	return func(dir int, name string) {
		if err := unix.Fstatat(dir, name, new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW); err != nil {
			t.Errorf("stat %s: %v", name, err)
		}
	}
}

// TestListingsAdapt: who reads only names is sent only names, after a few in its
// first directory; who asks for attributes gets them with the names.
func TestListingsAdapt(t *testing.T) {
	const files = 300
	dir := crowd(t, 4, files)
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	want := names(t, filepath.Join(dir, "d0"))
	slices.Sort(want)

	as(aliceUID, func() {
		for i := range 2 {
			before := m.Nodes()
			if got := walked(t, filepath.Join(view, fmt.Sprint("d", i)), func(int, string) {}); !slices.Equal(got, want) {
				t.Errorf("d%d holds %v", i, got)
			}
			// The directory itself, and in the first one those of a short block.
			if got, most := m.Nodes()-before, 1+(1-i)*50; got > most {
				t.Errorf("listing the names of d%d made %d nodes, want at most %d", i, got, most)
			}
		}
	})
	as(aliceUID, func() {
		walked(t, filepath.Join(view, "d2"), stat(t))
		m.obs.reset()
		for range 2 {
			if got := walked(t, filepath.Join(view, "d3"), stat(t)); !slices.Equal(got, want) {
				t.Errorf("d3 holds %v", got)
			}
		}
		if got := m.obs.count(policy.OpLookup); got > files/3 {
			t.Errorf("a listing with attributes of %d files took %d lookups", files, got)
		}
	})
}

// TestFreshListing: that the kernel knows a directory hides nothing of what has
// happened in it since.
func TestFreshListing(t *testing.T) {
	dir := crowd(t, 1, 50)
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	p := filepath.Join(m.point, "alice/d0")
	for i := range 4 {
		want := names(t, filepath.Join(dir, "d0"))
		slices.Sort(want)
		as(aliceUID, func() {
			if got := walked(t, p, stat(t)); !slices.Equal(got, want) {
				t.Errorf("listed %v, want %v", got, want)
			}
			if err := unix.Unlink(filepath.Join(p, fmt.Sprintf("f%03d", i))); err != nil {
				t.Error(err)
			}
			fd, err := unix.Open(filepath.Join(p, fmt.Sprintf("new%d", i)), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644)
			if err != nil {
				t.Error(err)
			}
			unix.Close(fd)
		})
	}
}
