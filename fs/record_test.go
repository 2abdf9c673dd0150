package fs_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// recorder keeps what the file system has written down.
type recorder struct {
	mu     sync.Mutex
	events []fs.Event
}

func (r *recorder) Record(e fs.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// TestRecordDeep: who digs deeper than any path can say makes no record longer than
// a path, and the end of it is what counts.
func TestRecordDeep(t *testing.T) {
	dir := tree(t)
	r := &recorder{}
	m := mountFor(t, policy.Input{
		Accounts: []policy.Account{{Name: "alice", Settings: policy.Settings{HomeDir: set(dir)}}},
	}, map[string]policy.IDs{"alice": {UID: aliceUID, GID: groupGID}}, time.Second, func(o *fs.Options) { o.Recorder = r })
	name := strings.Repeat("d", 250)
	const depth = 40
	as(aliceUID, func() {
		at, err := unix.Open(filepath.Join(m.point, "alice"), unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
		for i := 0; i < depth && err == nil; i++ {
			down := -1
			if err = unix.Mkdirat(at, name, 0o755); err == nil {
				down, err = unix.Openat(at, name, unix.O_DIRECTORY|unix.O_PATH|unix.O_CLOEXEC, 0)
			}
			unix.Close(at)
			at = down
		}
		if err != nil {
			t.Errorf("dig: %v", err)
			return
		}
		defer unix.Close(at)
		if err := unix.Renameat(at, "none", at, "else"); err != unix.ENOENT {
			t.Errorf("rename what is not there: %v", err)
		}
		if err := unix.Mkdirat(at, "last", 0o755); err != nil {
			t.Error(err)
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) != depth+1 {
		t.Fatalf("%d events, want %d", len(r.events), depth+1)
	}
	if got, want := r.events[2].Path, strings.Repeat("/"+name, 3); got != want {
		t.Errorf("third directory: %q", got)
	}
	path := r.events[depth].Path
	if len(path) > 2*unix.PathMax || !strings.HasPrefix(path, "…/"+name) || !strings.HasSuffix(path, name+"/last") {
		t.Errorf("a directory at depth %d: %d bytes, %.300q", depth+1, len(path), path)
	}
}
