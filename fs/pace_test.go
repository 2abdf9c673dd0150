package fs_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/fs/limit"
	"grantfs/policy"
)

func limited(n int64) policy.Setting[policy.Limit] { return set(policy.Limit{N: n}) }

// burst is what an account of a low rate may move at once.
const burst = 256 << 10

// atSource are the sessions of one account, all from one address.
type atSource struct {
	mu      sync.Mutex
	account string
	addr    netip.Addr
	ended   map[string]int // thread, by account
	mapped  []mapping      // whose processes were to be ended
}

// mapping is a file that a user's processes may have mapped.
type mapping struct {
	uid      uint32
	dev, ino uint64
}

func (s *atSource) Source(int) (account string, addr netip.Addr, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account, s.addr, s.account != ""
}

func (s *atSource) set(account, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account, s.addr = account, netip.MustParseAddr(addr)
}

func (s *atSource) End(pid int, _ uint32, account string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		s.ended = map[string]int{}
	}
	s.ended[account] = pid
	return 1, nil
}

func (s *atSource) EndMapped(uid uint32, dev uint64, inos map[uint64]bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ino := range inos {
		s.mapped = append(s.mapped, mapping{uid, dev, ino})
	}
	return 0, nil
}

// takeEnded returns which thread's session of an account was ended last, 0 for
// none, and forgets it.
func (s *atSource) takeEnded(account string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer delete(s.ended, account)
	return s.ended[account]
}

// with returns the rules of m after a change of alice's settings.
func (m *mounted) with(t *testing.T, in policy.Input, change func(*policy.Account)) fs.Policy {
	in.Accounts = slices.Clone(in.Accounts)
	change(&in.Accounts[0])
	return fs.Policy{Set: compile(t, in), IDs: m.rules.IDs}
}

// two are alice, with a change, and bob, each with a home of their own.
func two(t *testing.T, change func(*policy.Account)) (in policy.Input, ids map[string]policy.IDs, home2 string) {
	home1, home2 := tree(t, "f"), tree(t, "f")
	in, ids = home(home1, change)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(home2)}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	return in, ids, home1
}

// TestRate: what moves is counted, requests beyond the burst wait, and reading
// beyond the end of a file costs nothing.
func TestRate(t *testing.T) {
	in, ids, dir := two(t, func(a *policy.Account) { a.UploadBandwidth, a.DownloadBandwidth = limited(4<<20), limited(4<<20) })
	m := mount(t, in, ids)
	data := bytes.Repeat([]byte("rate"), 3<<20/4)
	p := filepath.Join(m.point, "alice/big")
	as(aliceUID, func() {
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Error(err)
		}
		got, err := os.ReadFile(p)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("read back %d bytes, %v", len(got), err)
		}
	})
	if got := readAll(t, filepath.Join(dir, "big")); got != string(data) {
		t.Errorf("the file holds %d bytes", len(got))
	}
	for d, f := range m.Stats().Traffic {
		if f.Bytes != uint64(len(data)) || f.Waits == 0 || f.Waited <= 0 {
			t.Errorf("%s: %+v, want %d bytes and waits", limit.Direction(d), f, len(data))
		}
	}
}

// TestWaitingHoldsUpNobody: dozens of alice's requests wait for ever, more than
// there are readers or slots; bob works, and each can be interrupted.
func TestWaitingHoldsUpNobody(t *testing.T) {
	in, ids, _ := two(t, func(a *policy.Account) { a.UploadBandwidth = limited(1) })
	m := mount(t, in, ids)
	alice, bob := filepath.Join(m.point, "alice"), filepath.Join(m.point, "bob")
	as(aliceUID, func() { write(t, filepath.Join(alice, "f"), make([]byte, burst)) })

	const waiting = 50
	threads, errs := make(chan int, waiting), make(chan error, waiting)
	for range waiting {
		go as(aliceUID, func() {
			threads <- unix.Gettid()
			errs <- opened(filepath.Join(alice, "f"), unix.O_WRONLY, func(fd int) error {
				_, err := unix.Pwrite(fd, make([]byte, 64<<10), 0)
				return err
			})
		})
	}
	waitFor(t, func() bool { return m.Stats().Waiting == waiting })
	as(bobUID, func() {
		for range 100 {
			write(t, filepath.Join(bob, "f"), make([]byte, 1<<10))
			readAll(t, filepath.Join(bob, "f"))
		}
	})
	if n := m.Stats().Waiting; n != waiting {
		t.Errorf("%d wait, want %d", n, waiting)
	}
	var tids []int
	for range waiting {
		tids = append(tids, <-threads)
	}
	interrupt(t, m, tids)
	for range waiting {
		// In the first moment a byte may have come.
		if err := <-errs; err != nil && err != unix.EINTR {
			t.Errorf("an interrupted write = %v, want EINTR", err)
		}
	}
}

// interrupt sends signals to threads until no request waits any more.
func interrupt(t *testing.T, m *mounted, tids []int) {
	for m.Stats().Waiting > 0 {
		for _, tid := range tids {
			// The runtime uses this signal itself and takes no offence.
			if err := unix.Tgkill(os.Getpid(), tid, unix.SIGURG); err != nil && err != unix.ESRCH {
				t.Fatal(err)
			}
		}
		runtime.Gosched()
	}
}

// TestInterruptedWrite: of a write that waits the part that the rate has let go is
// written.
func TestInterruptedWrite(t *testing.T) {
	in, ids, dir := two(t, func(a *policy.Account) { a.UploadBandwidth = limited(1) })
	m := mount(t, in, ids)
	thread, n := make(chan int, 1), make(chan int, 1)
	go as(aliceUID, func() {
		thread <- unix.Gettid()
		err := opened(filepath.Join(m.point, "alice/f"), unix.O_WRONLY, func(fd int) error {
			got, err := unix.Write(fd, bytes.Repeat([]byte("x"), burst+burst/2))
			n <- got
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	waitFor(t, func() bool { return m.Stats().Waiting == 1 })
	interrupt(t, m, []int{<-thread})
	if got := <-n; got < burst || got > burst+1000 {
		t.Errorf("an interrupted write wrote %d bytes, want the burst of %d", got, burst)
	} else if size := int(lstat(t, filepath.Join(dir, "f")).Size); size != got {
		t.Errorf("the file has %d bytes, want the %d that were written", size, got)
	}
}

// TestReloadWhileWaiting: what waits obeys a new policy at once: a rate that is
// lifted, and a right that is gone.
func TestReloadWhileWaiting(t *testing.T) {
	slow := func(a *policy.Account) { a.UploadBandwidth = limited(1) }
	for name, test := range map[string]struct {
		change func(*policy.Account)
		want   syscall.Errno
	}{
		"no limit":     {func(a *policy.Account) { a.UploadBandwidth = policy.Setting[policy.Limit]{} }, 0},
		"a higher one": {func(a *policy.Account) { a.UploadBandwidth = limited(1 << 40) }, 0},
		"no right": {func(a *policy.Account) {
			a.UploadBandwidth = policy.Setting[policy.Limit]{}
			a.Permissions = []policy.Permission{{Path: set("/"), Verbs: []policy.Setting[string]{set("list")}}}
		}, unix.EACCES},
	} {
		t.Run(name, func(t *testing.T) {
			in, ids, dir := two(t, slow)
			m := mount(t, in, ids)
			done := make(chan error, 1)
			go as(aliceUID, func() {
				done <- opened(filepath.Join(m.point, "alice/f"), unix.O_WRONLY, func(fd int) error {
					_, err := unix.Write(fd, make([]byte, 2*burst))
					return err
				})
			})
			waitFor(t, func() bool { return m.Stats().Waiting == 1 })
			if err := m.Swap(m.with(t, in, test.change)); err != nil {
				t.Fatal(err)
			}
			if err := <-done; errnoOf(err) != test.want {
				t.Errorf("the write that waited = %v, want %v", err, test.want)
			}
			want := int64(2 * burst)
			if test.want != 0 {
				want = int64(len("content of f\n"))
			}
			if size := lstat(t, filepath.Join(dir, "f")).Size; size != want {
				t.Errorf("the file has %d bytes, want %d", size, want)
			}
		})
	}
}

// TestPerSource: an entry for the client's network replaces the account's limits
// and has a counter of its own; what is of no session, or of another account's, is
// refused.
func TestPerSource(t *testing.T) {
	in, ids, dir := two(t, func(a *policy.Account) {
		a.UploadDataTransfer = limited(100)
		a.DataTransferLimits = []policy.DataTransferLimit{{
			Sources: []policy.Setting[netip.Prefix]{set(netip.MustParsePrefix("10.0.0.0/8"))}, UploadDataTransfer: limited(1000),
		}}
	})
	sessions := &atSource{}
	m := mountFor(t, in, ids, time.Second, func(o *fs.Options) { o.Sessions = sessions })
	up := func(n int) (wrote int, err error) {
		as(aliceUID, func() {
			err = opened(filepath.Join(m.point, "alice/f"), unix.O_WRONLY|unix.O_TRUNC, func(fd int) error {
				wrote, err = unix.Write(fd, make([]byte, n))
				return err
			})
		})
		return wrote, err
	}
	for _, step := range []struct {
		account, addr string
		n, wrote      int
		want          error
	}{
		{"alice", "192.0.2.1", 60, 60, nil},
		{"alice", "10.1.2.3", 600, 600, nil},
		{"alice", "192.0.2.2", 60, 40, nil},
		{"alice", "192.0.2.1", 60, 0, unix.EDQUOT},
		{"alice", "10.0.0.9", 600, 400, nil},
		{"bob", "10.0.0.9", 1, 0, unix.EACCES},
		{"", "10.0.0.9", 1, 0, unix.EACCES},
	} {
		sessions.set(step.account, step.addr)
		if n, err := up(step.n); n != step.wrote || err != step.want {
			t.Errorf("%d bytes from %s as %q: %d, %v, want %d, %v", step.n, step.addr, step.account, n, err, step.wrote, step.want)
		}
	}
	if got := m.obs.take(); !slices.Equal(got, []policy.Reason{policy.ReasonNoSession, policy.ReasonNoSession}) {
		t.Errorf("refusals: %v", got)
	}
	if size := lstat(t, filepath.Join(dir, "f")).Size; size != 400 {
		t.Errorf("the file has %d bytes, want the last 400", size)
	}
	as(bobUID, func() { readAll(t, filepath.Join(m.point, "bob/f")) }) // whose limits ask for no session
}

// TestMediatesWhatIsLimited: a limit in one direction leaves the other at native
// speed, and an account without any leaves both.
func TestMediatesWhatIsLimited(t *testing.T) {
	for name, test := range map[string]struct {
		change      func(*policy.Account)
		read, write fs.HandleMode
	}{
		"nothing":       {func(*policy.Account) {}, fs.Passthrough, fs.Passthrough},
		"upload rate":   {func(a *policy.Account) { a.UploadBandwidth = limited(1 << 20) }, fs.Passthrough, fs.Mediated},
		"download rate": {func(a *policy.Account) { a.DownloadBandwidth = limited(1 << 20) }, fs.Mediated, fs.Passthrough},
		"upload":        {func(a *policy.Account) { a.UploadDataTransfer = limited(1 << 20) }, fs.Passthrough, fs.Mediated},
		"download":      {func(a *policy.Account) { a.DownloadDataTransfer = limited(1 << 20) }, fs.Mediated, fs.Passthrough},
		"total":         {func(a *policy.Account) { a.TotalDataTransfer = limited(1 << 20) }, fs.Mediated, fs.Mediated},
		"file size":     {func(a *policy.Account) { a.MaxUploadFileSize = limited(1 << 20) }, fs.Passthrough, fs.Mediated},
		"unlimited":     {func(a *policy.Account) { a.TotalDataTransfer = set(policy.Limit{Unlimited: true}) }, fs.Passthrough, fs.Passthrough},
	} {
		t.Run(name, func(t *testing.T) {
			in, ids, _ := two(t, test.change)
			m := mount(t, in, ids)
			for flags, want := range map[int]fs.HandleMode{unix.O_RDONLY: test.read, unix.O_WRONLY: test.write} {
				waitFor(t, func() bool { return m.Stats().Handles == [fs.HandleModes]int{} })
				as(aliceUID, func() {
					err := opened(filepath.Join(m.point, "alice/f"), flags, func(int) error {
						if n := m.Stats().Handles[want]; n != 1 {
							t.Errorf("flags %d: %d %s handles, want 1", flags, n, want)
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}
