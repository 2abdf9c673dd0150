package fs_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// openAs opens a file as one of the accounts until the test ends.
func openAs(t *testing.T, uid int, p string, flags int) int {
	t.Helper()
	fd := -1
	as(uid, func() {
		var err error
		if fd, err = unix.Open(p, flags|unix.O_CLOEXEC, 0o644); err != nil {
			t.Errorf("open %s: %v", p, err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// TestPassthroughIsCoherent: one file, written through the kernel by an account
// without limits and through the daemon by one with a limit of its own, and beside the
// mount; everybody sees every byte and the size at once.
func TestPassthroughIsCoherent(t *testing.T) {
	dir := tree(t, "f")
	in, ids := home(dir, nil)
	bob := policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(dir)}}
	bob.MaxUploadFileSize = set(policy.Limit{N: 1 << 30})
	in.Accounts = append(in.Accounts, bob)
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	here, there, disk := filepath.Join(m.point, "alice/f"), filepath.Join(m.point, "bob/f"), filepath.Join(dir, "f")
	write(t, disk, nil)

	type end struct{ uid, fd int }
	at := func(uid int, p string, flags int) end { return end{uid, openAs(t, uid, p, flags)} }
	writers := map[string]end{
		"passed through":           at(aliceUID, here, unix.O_RDWR),
		"passed through, appended": at(aliceUID, here, unix.O_WRONLY|unix.O_APPEND),
		"mediated, appended":       at(bobUID, there, unix.O_WRONLY|unix.O_APPEND),
		"beside, appended":         at(0, disk, unix.O_WRONLY|unix.O_APPEND),
	}
	readers := map[string]end{
		"passed through": at(aliceUID, here, unix.O_RDONLY),
		"of another":     at(bobUID, there, unix.O_RDONLY),
		"of a mediated":  at(bobUID, there, unix.O_RDWR),
	}
	m.obs.reset()
	var want []byte
	put := func(name, piece string) {
		w := writers[name]
		as(w.uid, func() {
			var err error
			if name == "passed through" {
				_, err = unix.Pwrite(w.fd, []byte(piece), int64(len(want)))
			} else {
				_, err = unix.Write(w.fd, []byte(piece))
			}
			want = append(want, piece...)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if st := fstat(t, w.fd); st.Size != int64(len(want)) {
				t.Errorf("after a write %s its own fstat says %d bytes, want %d", name, st.Size, len(want))
			}
		})
	}
	for round := range 3 {
		for name := range writers {
			put(name, fmt.Sprintf("%d %s\n", round, name))
			for who, r := range readers {
				as(r.uid, func() {
					got := make([]byte, len(want)+10)
					n, err := unix.Pread(r.fd, got, 0)
					if got = got[:max(n, 0)]; err != nil || !bytes.Equal(got, want) {
						t.Errorf("after a write %s, a reader %s sees %q, %v, want %q", name, who, got, err, want)
					}
				})
			}
		}
	}
	if got := m.obs.count(policy.OpWrite); got != 3 {
		t.Errorf("the file system was asked for %d writes, want the 3 of the account with a limit", got)
	}

	as(aliceUID, func() {
		want = want[:4]
		if err := unix.Ftruncate(writers["passed through"].fd, 4); err != nil {
			t.Error(err)
		}
	})
	put("mediated, appended", "end")
	put("passed through, appended", "!")
	if got, want := readAll(t, disk), string(want); got != want {
		t.Errorf("the file holds %q, want %q", got, want)
	}
}

func fstat(t *testing.T, fd int) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Error(err)
	}
	return st
}

func write(t *testing.T, p string, content []byte) {
	t.Helper()
	if err := os.WriteFile(p, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPassthroughClearsPrivileges: writing clears the bits also where writes are
// passed through.
func TestPassthroughClearsPrivileges(t *testing.T) {
	dir := tree(t, "f")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	p := filepath.Join(dir, "f")
	if err := unix.Chmod(p, 0o6775); err != nil {
		t.Fatal(err)
	}
	as(aliceUID, func() {
		if err := opened(filepath.Join(m.point, "alice/f"), unix.O_WRONLY, func(fd int) error {
			_, err := unix.Write(fd, []byte("x"))
			return err
		}); err != nil {
			t.Error(err)
		}
	})
	if st := lstat(t, p); st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		t.Errorf("mode after the write: %o", st.Mode)
	}
}

// TestClosedFileIsLetGo: nothing of a file that was written is held open for
// writing after its last close, so that it can be run; and the space of a deleted
// one comes back by itself.
func TestClosedFileIsLetGo(t *testing.T) {
	dir := tree(t)
	in, ids := home(dir, mediated)
	m := mount(t, in, ids)
	p := filepath.Join(m.point, "alice/f")
	as(aliceUID, func() {
		if err := os.WriteFile(p, []byte("x"), 0o644); err != nil {
			t.Error(err)
		}
	})
	disk := filepath.Join(dir, "f")
	// A lease for reading is granted only where nobody has it open for writing.
	leased := openAs(t, 0, disk, unix.O_RDONLY)
	waitFor(t, func() bool {
		_, err := unix.FcntlInt(uintptr(leased), unix.F_SETLEASE, unix.F_RDLCK)
		return err == nil
	})
}

// TestKeptBacking: opening, closing and opening again, by several at once, never
// fails for the backing id that is kept of the file meanwhile.
func TestKeptBacking(t *testing.T) {
	dir := tree(t, "f")
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	p := filepath.Join(m.point, "alice/f")
	done := make(chan struct{})
	for worker := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			as(aliceUID, func() {
				for i := range 300 {
					flags := unix.O_RDONLY
					if (i+worker)%3 == 0 {
						flags = unix.O_RDWR
					}
					if err := opened(p, flags, func(fd int) error {
						_, err := unix.Pread(fd, make([]byte, 4), 0)
						return err
					}); err != nil {
						t.Errorf("open and read: %v", err)
						return
					}
				}
			})
		}()
	}
	for range 4 {
		<-done
	}
	if err := os.WriteFile(filepath.Join(dir, "new"), []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() (seen bool) { // within the entry timeout
		as(aliceUID, func() {
			got, err := os.ReadFile(p)
			seen = err == nil && string(got) == "other"
		})
		return seen
	})
}
