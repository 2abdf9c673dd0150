package stress

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	grantfs "grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/policy"
)

// Nobody on the machine has these ids.
const (
	accountID = 61021
	ownerID   = 61022
)

// mounted is a view that permits everything.
type mounted struct {
	server *grantfs.Server
	view   string
	back   string
}

// ignored observes nothing.
type ignored struct{}

func (ignored) Observe(policy.Op, syscall.Errno, time.Duration) {}
func (ignored) Denied(policy.Reason)                            {}

// mount serves one account's view until the test ends. If counted, it has a quota,
// far beyond what the programs write: without one, writes pass through the kernel.
func mount(t *testing.T, counted bool) *mounted {
	t.Helper()
	if counted {
		return mountWith(t, 1<<40)
	}
	return mountWith(t, 0)
}

// mountWith is mount with a quota of so many bytes, 0 for none.
func mountWith(t *testing.T, size int64) *mounted {
	t.Helper()
	settings := policy.Settings{}
	if size > 0 {
		settings.QuotaSize = policy.Setting[policy.Limit]{Value: policy.Limit{N: size}, Set: true}
	}
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), kernel.Readers()+2))
	base, err := os.MkdirTemp("", "grantfs-stress-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(base); err != nil {
			t.Errorf("remove what was mounted: %v", err)
		}
	})
	back, point := filepath.Join(base, "back"), filepath.Join(base, "views")
	for _, err := range []error{
		os.Chmod(base, 0o755), os.Mkdir(back, 0o755), os.Mkdir(point, 0o755), os.Chmod(back, 0o775|fs.ModeSetgid), os.Chown(back, ownerID, ownerID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	settings.HomeDir = policy.Setting[string]{Value: back, Set: true}
	set, problems := policy.Compile(policy.Input{Accounts: []policy.Account{{Name: "stress", Settings: settings}}})
	if set == nil {
		t.Fatal(problems)
	}
	server, err := grantfs.Mount(grantfs.Options{
		Point: point, EntryTimeout: time.Second, Observer: ignored{},
		Log:    slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Policy: grantfs.Policy{Set: set, IDs: map[string]policy.IDs{"stress": {UID: accountID, GID: accountID}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve() }()
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Errorf("Unmount: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := server.Panics(); n != 0 {
			t.Errorf("%d requests panicked", n)
		}
		if err := server.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &mounted{server, filepath.Join(point, "stress"), back}
}

// patience is how long a program may take beyond its own time limit.
const patience = 2 * time.Minute

// run runs a program as the account, in the view, and returns what it said. The
// program is entered by a shell: this process must not wait for its own mount
// between fork and exec.
func (m *mounted) run(t *testing.T, atMost time.Duration, name string, args ...string) string {
	t.Helper()
	out, err := m.try(t, atMost, name, args...)
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// try is run for a program that may fail, but not hang.
func (m *mounted) try(t *testing.T, atMost time.Duration, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost+patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", `cd "$0" && exec "$@"`, m.view, name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: accountID, Gid: accountID}, Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "LC_ALL=C"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		t.Errorf("%s %s: it hangs: %v\n%s", name, strings.Join(args, " "), errors.Join(err, cause), out.Bytes())
	}
	return out.String(), err
}

// sound looks at the backing: everything belongs to its owner, nothing is of a
// kind that no view makes.
func (m *mounted) sound(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(m.back, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != ownerID || st.Gid != ownerID {
			t.Errorf("%s belongs to %d:%d", p, st.Uid, st.Gid)
		}
		if kind := info.Mode().Type(); kind != 0 && kind != fs.ModeDir && kind != fs.ModeSymlink || info.Mode()&(fs.ModeSetuid|fs.ModeSticky) != 0 {
			t.Errorf("%s is %v", p, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := m.server.Panics(); n != 0 {
		t.Errorf("%d requests panicked", n)
	}
}

// clear empties the view as the account would: what vanished beside the mount
// would be known for the entry timeout yet.
func (m *mounted) clear(t *testing.T) {
	t.Helper()
	m.run(t, 0, "find", ".", "-mindepth", "1", "-delete")
	entries, err := os.ReadDir(m.back)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left", e.Name())
	}
}

// turn is how long each program may work: 1 s, 3 s where GRANTFS_ATTACK_TIME (a
// duration, see the Makefile) is 15 s or more, and so long that all of them take
// about that time where it is an hour.
func turn(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("GRANTFS_ATTACK_TIME")
	if text == "" {
		return time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("GRANTFS_ATTACK_TIME: %v", err)
	}
	return max(time.Second, min(d/5, 3*time.Second), d/60).Truncate(time.Second)
}
