package fs_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// inRAM mounts an empty file system in memory until the test ends.
func inRAM(t *testing.T) string {
	t.Helper()
	dir := openDir(t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, "mode=0775,nr_inodes=0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// many is how many files a huge directory has: ten thousand for each second of
// attackTime, a million at most.
func many(t *testing.T) int {
	return min(1_000_000, max(10_000, int(attackTime(t)/time.Second)*10_000))
}

// A node may take so many bytes of the daemon's memory; architecture.md §4 has
// the gate, what a measurement within a test adds comes on top.
const mostPerNode = 400

// heap returns how many bytes of memory are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestHugeDirectory lists a huge directory, makes the kernel know each file in it
// and removes some: every name is listed once, memory and descriptors stay within
// bounds, what is forgotten is given back, and another account can work all the
// time.
func TestHugeDirectory(t *testing.T) {
	dir, n := inRAM(t), many(t)
	for i := range n {
		if err := unix.Mknod(filepath.Join(dir, fmt.Sprint(i)), unix.S_IFREG|0o664, 0); err != nil {
			t.Fatal(err)
		}
	}
	in, ids := home(dir, nil)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(tree(t))}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var alice sync.WaitGroup
	alice.Go(func() {
		defer cancel()
		as(aliceUID, func() { useHuge(t, m, view, n) })
	})
	neighbour(ctx, t, filepath.Join(m.point, "bob"))
	alice.Wait()
}

func useHuge(t *testing.T, m *mounted, view string, n int) {
	before := heap()
	bounded := func(what string) {
		t.Helper()
		const beside = 32 << 20 // buffers, and what the neighbour is about
		nodes := m.Nodes()
		used := heap() - before
		t.Logf("%s: %d nodes, %d bytes each", what, nodes, used/int64(max(nodes, 1)))
		if most := int64(nodes)*mostPerNode + beside; used > most {
			t.Errorf("%s: %d bytes in use for %d nodes, want %d at most", what, used, nodes, most)
		}
		if fds := len(must(os.ReadDir("/proc/self/fd"))); fds > 2*4096 {
			t.Errorf("%s: %d descriptors are open", what, fds)
		}
	}
	listAll(t, view, n)
	bounded("after the listing")

	var st unix.Stat_t
	for i := range n {
		if err := unix.Lstat(filepath.Join(view, fmt.Sprint(i)), &st); err != nil {
			t.Errorf("stat of file %d: %v", i, err)
			return
		}
	}
	bounded("after a stat of each")
	nodes := m.Nodes()
	// Beyond what one view may hold the kernel is asked to forget, and short of
	// memory it does so on its own.
	if nodes < min(n/2, 10_000) {
		t.Errorf("%d nodes, after %d names were looked up", nodes, n)
	}

	// Those that were looked up last: short of memory, others may be forgotten.
	some := n / 10
	for i := n - some; i < n; i++ {
		if err := unix.Unlink(filepath.Join(view, fmt.Sprint(i))); err != nil {
			t.Errorf("unlink file %d: %v", i, err)
			return
		}
	}
	waitFor(t, func() bool { return m.Nodes() <= max(nodes-some, 0)+100 })
	bounded("after the removal of some")
}

// listAll reads a directory of the files 0 to n-1.
func listAll(t *testing.T, view string, n int) {
	fd, err := unix.Open(view, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	seen, count := make([]bool, n), 0
	for b := make([]byte, 32<<10); ; {
		k, err := unix.Getdents(fd, b)
		if err != nil || k == 0 {
			if err != nil || count != n {
				t.Errorf("%d names are listed, %v, want %d", count, err, n)
			}
			return
		}
		_, _, names := unix.ParseDirent(b[:k], -1, nil)
		for _, name := range names {
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i < 0 || i >= n || seen[i] {
				t.Errorf("%q is listed: a second time, or it is no name of a file here", name)
				return
			}
			seen[i] = true
			count++
		}
	}
}
