package fs_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// TestLimitsEndSessions: a limit that comes while data is passed through ends the
// session, be it the account's own or another's in the same folder; others go on.
// What was written meanwhile is counted when the file is closed.
func TestLimitsEndSessions(t *testing.T) {
	for name, tt := range map[string]struct {
		path   string // that alice has open
		flags  int
		change func(in *policy.Input)
	}{
		"her quota":          {"alice/f", unix.O_WRONLY, func(in *policy.Input) { in.Accounts[0].QuotaSize = limited(10) }},
		"her upload rate":    {"alice/f", unix.O_WRONLY, func(in *policy.Input) { in.Accounts[0].UploadBandwidth = limited(1 << 20) }},
		"her download rate":  {"alice/f", unix.O_RDONLY, func(in *policy.Input) { in.Accounts[0].DownloadBandwidth = limited(1 << 20) }},
		"her transfer limit": {"alice/f", unix.O_RDONLY, func(in *policy.Input) { in.Accounts[0].DownloadDataTransfer = limited(10) }},
		"bob's quota on what both share": {"alice/pool/f", unix.O_WRONLY, func(in *policy.Input) {
			in.Accounts[1].VirtualFolders = []policy.Mounting{{Folder: set("pool"), Path: set("/pool"), QuotaSize: set(int64(10))}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			pool := tree(t, "f")
			in, ids, home := two(t, nil)
			for i := range in.Accounts {
				in.Accounts[i].VirtualFolders = []policy.Mounting{{Folder: set("pool"), Path: set("/pool")}}
			}
			in.Folders = []policy.Folder{{Name: "pool", Source: set(pool)}}
			sessions := &atSource{}
			m := mountFor(t, in, ids, time.Second, func(o *fs.Options) { o.Sessions = sessions })
			m.count(t, home, pool)
			var hers, his, tid int
			as(aliceUID, func() {
				tid = unix.Gettid()
				hers = must(unix.Open(filepath.Join(m.point, tt.path), tt.flags|unix.O_CLOEXEC, 0))
			})
			as(bobUID, func() { his = must(unix.Open(filepath.Join(m.point, "bob/f"), unix.O_RDWR|unix.O_CLOEXEC, 0)) })
			defer closeFDs([]int{his})
			if n := m.Stats().Handles[fs.Passthrough]; n != 2 {
				t.Fatalf("%d files are passed through, want both", n)
			}
			tt.change(&in)
			if err := m.Swap(fs.Policy{Set: compile(t, in), IDs: ids}); err != nil {
				t.Fatal(err)
			}
			ended := 0
			waitFor(t, func() bool { ended = sessions.takeEnded("alice"); return ended != 0 })
			if ended != tid {
				t.Errorf("the session of %d ends, want that of %d", ended, tid)
			}
			if tt.flags == unix.O_WRONLY {
				if n, err := unix.Pwrite(hers, make([]byte, 5_000), 0); n != 5_000 {
					t.Errorf("what is passed through until then: %d bytes, %v", n, err)
				}
			}
			closeFDs([]int{hers})
			waitFor(t, func() bool { return m.OpenHandles() == 1 })
			m.isUsed(t, "source:"+home, home)
			m.isUsed(t, "source:"+pool, pool)
			if pid := sessions.takeEnded("bob"); pid != 0 {
				t.Error("a session of bob's ends")
			}
		})
	}
}

// TestMappedEnds: of a file that is open through the daemon, and may not be any more,
// whoever has it mapped is ended, for that one makes no request that could be refused.
func TestMappedEnds(t *testing.T) {
	in, ids, _ := two(t, nil)
	in.Accounts[0].QuotaSize = limited(1 << 30)
	sessions := &atSource{}
	m := mountFor(t, in, ids, time.Second, func(o *fs.Options) { o.Sessions = sessions })
	var fd int
	as(aliceUID, func() { fd = must(unix.Open(filepath.Join(m.point, "alice/f"), unix.O_WRONLY|unix.O_CLOEXEC, 0)) })
	defer closeFDs([]int{fd})
	var st unix.Stat_t
	as(aliceUID, func() {
		if err := unix.Fstat(fd, &st); err != nil {
			t.Error(err)
		}
	})
	if err := m.Swap(fs.Policy{Set: compile(t, in).Freeze([]string{"account:alice"}), IDs: ids}); err != nil {
		t.Fatal(err)
	}
	want := mapping{aliceUID, st.Dev, st.Ino}
	waitFor(t, func() bool {
		sessions.mu.Lock()
		defer sessions.mu.Unlock()
		return slices.Contains(sessions.mapped, want)
	})
}
