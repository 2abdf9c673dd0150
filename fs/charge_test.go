package fs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"grantfs/fs/quota"
	"grantfs/policy"
)

// scan counts a tree by walking it, as du would, but what lies in inner ones.
func scan(t testing.TB, dir string, inner ...string) quota.Charge {
	t.Helper()
	c, err := walk(dir, inner...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// walk is scan for who can bear an error.
func walk(dir string, inner ...string) (c quota.Charge, err error) {
	linked := map[uint64]bool{}
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && p != dir {
			return nil // it was removed meanwhile
		}
		if err != nil || p == dir {
			return err
		}
		var st unix.Stat_t
		switch err := unix.Lstat(p, &st); err {
		case nil:
		case unix.ENOENT:
			return nil
		default:
			return err
		}
		if st.Mode&unix.S_IFMT == unix.S_IFREG {
			if st.Nlink > 1 && linked[st.Ino] {
				return nil
			}
			linked[st.Ino] = true
			c.Bytes += st.Size
			c.Files++
		}
		c.Inodes++
		if slices.Contains(inner, p) {
			return fs.SkipDir
		}
		return nil
	})
	return c, err
}

// isUsed checks that a bucket holds what the trees do, and has nothing reserved.
func (m *mounted) isUsed(t testing.TB, bucket string, dirs ...string) {
	t.Helper()
	var want quota.Charge
	for _, dir := range dirs {
		want = want.Plus(scan(t, dir))
	}
	got := m.Ledger().Usage(bucket)
	if diff := cmp.Diff(want, got.Used); diff != "" {
		t.Errorf("%s holds (-scan +ledger):\n%s", bucket, diff)
	}
	if got.Reserved != (quota.Charge{}) {
		t.Errorf("%s has %+v reserved at rest", bucket, got.Reserved)
	}
}

func bytesLimit(n int64) policy.Setting[policy.Limit] { return set(policy.Limit{N: n}) }

// TestQuotaOfWrites grows and shrinks a file in every way around a limit of 10,000
// bytes, of which the tree holds some already. What is refused changes nothing.
func TestQuotaOfWrites(t *testing.T) {
	const limit, there = 10_000, 1_000
	zeros := make([]byte, 40_000)
	write := func(off int64, n int) func(fd int) (int, error) {
		return func(fd int) (int, error) { return unix.Pwrite(fd, zeros[:n], off) }
	}
	truncate := func(size int64) func(fd int) (int, error) {
		return func(fd int) (int, error) { return 0, unix.Ftruncate(fd, size) }
	}
	allocate := func(mode uint32, off, n int64) func(fd int) (int, error) {
		return func(fd int) (int, error) { return 0, unix.Fallocate(fd, mode, off, n) }
	}
	const punch = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	for name, tt := range map[string]struct {
		size  int64 // of the file before
		flags int   // of the open
		do    func(fd int) (int, error)
		n     int
		errno syscall.Errno
		after int64 // size
	}{
		"what fits":                    {0, 0, write(0, 9_000), 9_000, 0, 9_000},
		"a write is shortened":         {0, 0, write(0, 20_000), 9_000, 0, 9_000},
		"the next is refused":          {9_000, 0, write(9_000, 1), -1, unix.EDQUOT, 9_000},
		"in place at the limit":        {9_000, 0, write(0, 9_000), 9_000, 0, 9_000},
		"half in place":                {8_000, 0, write(4_000, 9_000), 5_000, 0, 9_000},
		"only in place":                {9_000, 0, write(4_000, 9_000), 5_000, 0, 9_000},
		"a gap counts":                 {0, 0, write(8_000, 5_000), 1_000, 0, 9_000},
		"a gap beyond the limit":       {0, 0, write(9_000, 1), -1, unix.EDQUOT, 0},
		"a gap of all numbers":         {0, 0, write(1<<63-5, 2), -1, unix.EDQUOT, 0},
		"a gap of almost all numbers":  {0, 0, write(1<<62, 2), -1, unix.EDQUOT, 0},
		"an append is shortened":       {5_000, unix.O_APPEND, write(0, 9_000), 4_000, 0, 9_000},
		"an append at the limit":       {9_000, unix.O_APPEND, write(0, 1), -1, unix.EDQUOT, 9_000},
		"truncate up":                  {10, 0, truncate(9_000), 0, 0, 9_000},
		"truncate up beyond":           {10, 0, truncate(9_001), -1, unix.EDQUOT, 10},
		"truncate far beyond":          {10, 0, truncate(1 << 62), -1, unix.EDQUOT, 10},
		"truncate down":                {9_000, 0, truncate(3), 0, 0, 3},
		"truncate down over the limit": {20_000, 0, truncate(15_000), 0, 0, 15_000},
		"truncate to the same":         {20_000, 0, truncate(20_000), 0, 0, 20_000},
		"over the limit, in place":     {20_000, 0, write(100, 19_900), 19_900, 0, 20_000},
		"over the limit, up":           {20_000, 0, truncate(20_001), -1, unix.EDQUOT, 20_000},
		"O_TRUNC":                      {9_000, unix.O_TRUNC, write(0, 10), 10, 0, 10},
		"O_TRUNC over the limit":       {20_000, unix.O_TRUNC, write(0, 10), 10, 0, 10},
		"allocate":                     {10, 0, allocate(0, 0, 9_000), 0, 0, 9_000},
		"allocate beyond":              {10, 0, allocate(0, 0, 9_001), -1, unix.EDQUOT, 10},
		"allocate inside":              {9_000, 0, allocate(0, 0, 100), 0, 0, 9_000},
		"allocate all numbers":         {10, 0, allocate(0, 1, 1<<63-1), -1, unix.EFBIG, 10},
		"punch":                        {9_000, 0, allocate(punch, 100, 1<<40), 0, 0, 9_000},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, "d/")
			file := filepath.Join(dir, "d", "f")
			for p, size := range map[string]int64{filepath.Join(dir, "other"): there, file: tt.size} {
				if err := os.WriteFile(p, make([]byte, size), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			in, ids := home(dir, func(a *policy.Account) { a.QuotaSize = bytesLimit(limit) })
			m := mount(t, in, ids)
			m.count(t, dir)
			m.isUsed(t, "account:alice", dir)
			as(aliceUID, func() {
				fd, err := unix.Open(filepath.Join(m.point, "alice/d/f"), unix.O_RDWR|unix.O_CLOEXEC|tt.flags, 0)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				defer unix.Close(fd)
				n, err := tt.do(fd)
				if errnoOf(err) != tt.errno || err == nil && n != tt.n {
					t.Errorf("it returns %d, %v, want %d, %v", n, err, tt.n, tt.errno)
				}
			})
			if st, err := os.Stat(file); err != nil || st.Size() != tt.after {
				t.Errorf("the file has %d bytes (%v), want %d", st.Size(), err, tt.after)
			}
			m.isUsed(t, "account:alice", dir)
		})
	}
}

// count counts a source now.
func (m *mounted) count(t testing.TB, dirs ...string) {
	t.Helper()
	m.CheckSources()
	for _, dir := range dirs {
		if err := m.Recounter().Count(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
}
