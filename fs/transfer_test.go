package fs_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/fs/limit"
	"grantfs/policy"
)

// TestTransfer: each direction ends when its limit is used up, in mid-transfer
// and at the next open; the counters are exact and outlive the server.
func TestTransfer(t *testing.T) {
	in, ids, dir := two(t, func(a *policy.Account) { a.UploadDataTransfer, a.DownloadDataTransfer = limited(10_000), limited(100) })
	write(t, filepath.Join(dir, "f"), make([]byte, 150))
	var snapshot []byte
	usage := func(m *mounted) (up, down int64) {
		for _, u := range m.Transfers().Usage() {
			if u.Account != "alice" || u.InFlight != [2]int64{} {
				t.Errorf("counter: %+v", u)
			}
			up, down = u.Moved[limit.Upload], u.Moved[limit.Download]
		}
		return up, down
	}
	t.Run("first", func(t *testing.T) {
		m := mount(t, in, ids)
		alice := filepath.Join(m.point, "alice")
		as(aliceUID, func() {
			err := opened(filepath.Join(alice, "f"), unix.O_RDONLY, func(fd int) error {
				b := make([]byte, 60)
				if n, err := unix.Read(fd, b); n != 60 || err != nil {
					t.Errorf("read %d, %v", n, err)
				}
				if n, err := unix.Read(fd, b); err != unix.EDQUOT {
					t.Errorf("a read of more than is left: %d, %v, want EDQUOT and nothing short", n, err)
				}
				if n, err := unix.Read(fd, b[:40]); n != 40 || err != nil {
					t.Errorf("read the rest: %d, %v", n, err)
				}
				if n, err := unix.Pread(fd, b, 150); n != 0 || err != nil {
					t.Errorf("read at the end of the file: %d, %v", n, err)
				}
				_, err := unix.Read(fd, b[:1])
				return err
			})
			if err != unix.EDQUOT {
				t.Errorf("one byte too many: %v, want EDQUOT", err)
			}
			_, err = os.ReadFile(filepath.Join(alice, "f"))
			if errnoOf(err) != unix.EDQUOT {
				t.Errorf("open when nothing is left to download: %v, want EDQUOT", err)
			}
			err = os.WriteFile(filepath.Join(alice, "up"), make([]byte, 9_000), 0o644)
			if err != nil {
				t.Error(err)
			}
		})
		if up, down := usage(m); up != 9_000 || down != 100 {
			t.Errorf("counted %d up and %d down, want 9000 and 100", up, down)
		}
		snapshot = m.Transfers().Snapshot()
	})
	m := mountFor(t, in, ids, time.Second, func(o *fs.Options) { o.Transferred = snapshot })
	alice := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		err := opened(filepath.Join(alice, "up"), unix.O_WRONLY|unix.O_APPEND, func(fd int) error {
			if n, err := unix.Write(fd, make([]byte, 3_000)); n != 1_000 || err != nil {
				t.Errorf("a write of 3000 bytes of which 1000 are left: %d, %v", n, err)
			}
			_, err := unix.Write(fd, make([]byte, 1))
			return err
		})
		if err != unix.EDQUOT {
			t.Errorf("a write when nothing is left: %v, want EDQUOT", err)
		}
		for name, flags := range map[string]int{"up": unix.O_WRONLY | unix.O_TRUNC, "new": unix.O_WRONLY | unix.O_CREAT} {
			if err := opened(filepath.Join(alice, name), flags, none); err != unix.EDQUOT {
				t.Errorf("open %s for writing when nothing is left: %v, want EDQUOT", name, err)
			}
		}
	})
	if size := lstat(t, filepath.Join(dir, "up")).Size; size != 10_000 {
		t.Errorf("the file has %d bytes, want 10000", size)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Errorf("a refused creation left something: %v", err)
	}
	if up, down := usage(m); up != 10_000 || down != 100 {
		t.Errorf("counted %d up and %d down, want 10000 and 100", up, down)
	}
	if st := m.Stats().Traffic; st[limit.Upload].Bytes != 1_000 {
		t.Errorf("traffic: %+v", st)
	}
}

// TestDamagedTransfers: counters that can't be read begin anew, and that is said.
func TestDamagedTransfers(t *testing.T) {
	in, ids, _ := two(t, func(a *policy.Account) { a.UploadDataTransfer = limited(10) })
	m := mountFor(t, in, ids, time.Second, func(o *fs.Options) { o.Transferred = []byte("junk") })
	if !m.log.has("level=ERROR", "begin anew") {
		t.Error("nothing was logged")
	}
	as(aliceUID, func() { write(t, filepath.Join(m.point, "alice/f"), make([]byte, 10)) })
	if u := m.Transfers().Usage(); len(u) != 1 || u[0].Moved[limit.Upload] != 10 {
		t.Errorf("counted: %+v", u)
	}
}

// TestTotalTransfer: many at once never move more than the limit, in both
// directions together.
func TestTotalTransfer(t *testing.T) {
	const all = 1 << 20
	in, ids, dir := two(t, func(a *policy.Account) { a.TotalDataTransfer = limited(all) })
	write(t, filepath.Join(dir, "f"), make([]byte, all))
	m := mount(t, in, ids)
	var moved [2]int64
	var mu sync.Mutex
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			as(aliceUID, func() {
				move := func(fd int, b []byte) (int, error) { return unix.Pread(fd, b, 0) } // which has no end
				if worker%2 == 0 {
					move = unix.Write
				}
				err := opened(filepath.Join(m.point, "alice/f"), unix.O_RDWR, func(fd int) error {
					for {
						n, err := move(fd, make([]byte, 7_777))
						if err != nil {
							return err
						}
						mu.Lock()
						moved[worker%2] += int64(n)
						mu.Unlock()
					}
				})
				if err != unix.EDQUOT {
					t.Errorf("the end: %v, want EDQUOT", err)
				}
			})
		})
	}
	group.Wait()
	u := m.Transfers().Usage()[0]
	if sum := moved[0] + moved[1]; sum != all || u.Moved != moved {
		t.Errorf("moved %v, %d together, want %d; counted %v", moved, sum, all, u.Moved)
	}
}
