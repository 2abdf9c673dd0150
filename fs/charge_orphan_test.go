package fs_test

import (
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/quota"
	"grantfs/policy"
)

// TestUnlinkWhileOpened: a file that is opened in the moment when it is unlinked
// costs what it holds until it is closed.
func TestUnlinkWhileOpened(t *testing.T) {
	const size, rounds = 1000, 1500
	dir := tree(t)
	in, ids := home(dir, func(a *policy.Account) { a.QuotaSize = bytesLimit(1 << 30) })
	m := mount(t, in, ids)
	m.count(t, dir)
	name := filepath.Join(m.point, "alice/f")
	var fds []int
	defer func() { closeFDs(fds) }()
	for range rounds {
		as(aliceUID, func() {
			fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
			if err == nil {
				err = unix.Ftruncate(fd, size)
				unix.Close(fd)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		var opening sync.WaitGroup
		start := make(chan struct{})
		got := -1
		opening.Go(func() {
			as(aliceUID, func() {
				<-start
				got, _ = unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			})
		})
		opening.Go(func() {
			as(aliceUID, func() {
				<-start
				if err := unix.Unlink(name); err != nil {
					t.Error(err)
				}
			})
		})
		close(start)
		opening.Wait()
		if got >= 0 {
			fds = append(fds, got)
		}
		if len(fds) == 100 {
			break
		}
	}
	waitFor(t, func() bool { return m.Stats().Handles[0]+m.Stats().Handles[1] <= len(fds)+1 })
	if got, want := m.Ledger().Usage("account:alice").Used.Bytes, int64(len(fds)*size); got != want {
		t.Errorf("%d bytes are charged, the %d open files hold %d", got, len(fds), want)
	}
	closeFDs(fds)
	fds = nil
	waitFor(t, func() bool { return m.Ledger().Usage("account:alice").Used == (quota.Charge{}) })
}
