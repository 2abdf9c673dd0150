package fs_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// check compares a whole tree with the model's.
func check(where string, dir int, n *inode) error {
	b := make([]byte, 4096) // three names fit
	if _, err := unix.Seek(dir, 0, 0); err != nil {
		return fmt.Errorf("%s: seek: %w", where, err)
	}
	var names []string
	for {
		k, err := unix.Getdents(dir, b)
		if err != nil {
			return fmt.Errorf("%s: list: %w", where, err)
		}
		if k == 0 {
			break
		}
		_, _, names = unix.ParseDirent(b[:k], -1, names)
	}
	slices.Sort(names)
	if want := n.names(); !slices.Equal(names, want) {
		return fmt.Errorf("%s lists %q, want %q", where, names, want)
	}
	for _, name := range names {
		if err := checkOne(where+"/"+name, dir, name, n.entries[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkOne(where string, dir int, name string, n *inode) error {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	if err := sameStat(&st, n); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	b := make([]byte, max(len(n.data), len(n.text))+1)
	if n.kind == unix.S_IFLNK {
		k, err := unix.Readlinkat(dir, name, b)
		if err != nil || string(b[:k]) != n.text {
			return fmt.Errorf("%s leads to %q, %v, want %q", where, b[:max(k, 0)], err, n.text)
		}
		return nil
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%s: open: %w", where, err)
	}
	defer unix.Close(fd)
	if n.kind == unix.S_IFDIR {
		return check(where, fd, n)
	}
	k, err := unix.Pread(fd, b, 0)
	if err != nil || !bytes.Equal(b[:k], n.data) {
		return fmt.Errorf("%s holds %s, %v, want %s", where, brief(b[:max(k, 0)]), err, brief(n.data))
	}
	return nil
}

// checkAll compares the view and the backing with the model.
func (t *trial) checkAll() error {
	for where, dir := range map[string]int{"view": t.root, "backing": t.back} {
		fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open the %s: %w", where, err)
		}
		err = check(where, fd, t.model.root)
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
	return nil
}

// bothWays mounts dir as the home of alice, whose writes pass through, and of bob,
// whose writes are counted.
func bothWays(t testing.TB, dir string) *mounted {
	t.Helper()
	in, ids := home(dir, nil)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(dir), QuotaSize: set(policy.Limit{N: 1 << 40})}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	return mount(t, in, ids)
}

// try runs the operations that ops encodes in a new directory of alice's or, if
// counted, of bob's view and returns the first difference, and what was done.
func try(m *mounted, home string, counted bool, ops []byte) (log []string, err error) {
	account, uid := "alice", aliceUID
	if counted {
		account, uid = "bob", bobUID
	}
	back, err := os.MkdirTemp(home, "trial-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(back)
	if err := os.Chmod(back, 0o777); err != nil { // so that they can look at it
		return nil, err
	}
	backFD, err := unix.Open(back, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(backFD)
	as(uid, func() {
		var root int
		if root, err = unix.Open(filepath.Join(m.point, account, filepath.Base(back)), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		defer unix.Close(root)
		t := &trial{reload: m.reload, model: newModel(slots), root: root, back: backFD, fds: slices.Repeat([]int{-1}, slots)}
		defer func() {
			for slot := range t.fds {
				t.close(slot)
			}
		}()
		for ; err == nil && len(ops) >= opBytes; ops = ops[opBytes:] {
			err = t.do([opBytes]byte(ops))
			if t.step++; err == nil && t.step%checkEvery == 0 {
				err = t.checkAll()
			}
		}
		if err == nil {
			err = t.checkAll()
		}
		log = slices.Clone(t.log)
	})
	return log, err
}

// shrink returns a short part of ops that still fails.
func shrink(m *mounted, home string, counted bool, ops []byte) []byte {
	for size := len(ops) / 2 / opBytes * opBytes; size > 0; size = size / 2 / opBytes * opBytes {
		for at := 0; at+size <= len(ops); {
			less := slices.Concat(ops[:at], ops[at+size:])
			if _, err := try(m, home, counted, less); err != nil {
				ops = less
			} else {
				at += size
			}
		}
	}
	return ops
}

// differ fails the test with the shortest way to the difference.
func differ(t *testing.T, m *mounted, home string, counted bool, ops []byte) {
	t.Helper()
	ops = shrink(m, home, counted, ops)
	log, err := try(m, home, counted, ops)
	t.Fatalf("%v, after\n\t%s", err, strings.Join(log, "\n\t"))
}

// TestRandomOperations does the same random things in a view and in a model of
// POSIX, and compares every answer, and now and then everything, the backing
// included. The seeds are the same each time; more of them are tried for as long
// as attackTime says.
func TestRandomOperations(t *testing.T) {
	t.Run("handles", func(t *testing.T) { randomly(t, tree(t)) })
	t.Run("no handles", func(t *testing.T) { randomly(t, overlay(t, tree(t))) })
}

func randomly(t *testing.T, dir string) {
	m := bothWays(t, dir)
	until := time.Now().Add(attackTime(t) / 2)
	seed := uint64(0)
	for ; seed < 20 || time.Now().Before(until); seed++ {
		ops := randomOps(seed, 400)
		counted := seed%2 == 1
		if _, err := try(m, dir, counted, ops); err != nil {
			t.Logf("seed %d: %v", seed, err)
			differ(t, m, dir, counted, ops)
		}
	}
	t.Logf("%d seeds", seed)
}

func randomOps(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	ops := make([]byte, n*opBytes)
	for i := range ops {
		ops[i] = byte(r.Uint32())
		if i%opBytes == 1 && r.IntN(2) == 0 {
			ops[i] %= 12 // shorter paths
		}
	}
	return ops
}

// FuzzOperations is TestRandomOperations on what the fuzzer thinks of.
func FuzzOperations(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(seed%2 == 1, randomOps(seed, 40))
	}
	dir := tree(f)
	m := bothWays(f, dir)
	f.Fuzz(func(t *testing.T, counted bool, ops []byte) {
		if len(ops) > 400*opBytes {
			return
		}
		if _, err := try(m, dir, counted, ops); err != nil {
			differ(t, m, dir, counted, ops)
		}
	})
}
