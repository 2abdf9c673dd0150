package fs_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// TestMissingName: the kernel keeps for the entry timeout that a name is not
// there, and asks only once; what is made of it in this view is there at once, and
// a file of another's making is never overwritten.
func TestMissingName(t *testing.T) {
	for _, tt := range []struct {
		name  string
		entry time.Duration
	}{{"for long", time.Hour}, {"not at all", 0}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, "sub/")
			m, stat := missingNames(t, dir, tt.entry)
			for range 3 {
				if err := stat("sub/name"); errnoOf(err) != unix.ENOENT {
					t.Errorf("a name that is not there: %v, want ENOENT", err)
				}
			}
			m.obs.reset()
			for range 100 {
				stat("sub/name")
			}
			if asked := m.obs.count(policy.OpLookup); (asked < 100) != (tt.entry > 0) {
				t.Errorf("%d lookups of a name that is not there, asked for a hundred times", asked)
			}
			if err := os.WriteFile(filepath.Join(dir, "sub/name"), []byte("PHP's"), 0o644); err != nil {
				t.Fatal(err)
			}
			as(aliceUID, func() {
				p := filepath.Join(m.point, "alice/sub/name")
				if err := opened(p, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, none); errnoOf(err) != unix.EEXIST {
					t.Errorf("create what is there by now: %v, want EEXIST", err)
				}
				if err := unix.Mkdir(filepath.Join(m.point, "alice/sub/made"), 0o755); err != nil {
					t.Error(err)
				}
			})
			if err := stat("sub/made"); err != nil {
				t.Errorf("what was made in the view: %v", err)
			}
		})
	}
}

// TestMissingNameAppears: what others make at such a name is seen within the
// entry timeout.
func TestMissingNameAppears(t *testing.T) {
	dir := tree(t)
	_, stat := missingNames(t, dir, 50*time.Millisecond)
	if err := stat("name"); errnoOf(err) != unix.ENOENT {
		t.Errorf("a name that is not there: %v, want ENOENT", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "name"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return stat("name") == nil })
}

// missingNames mounts dir as alice's home. stat asks as her for the attributes of
// a name in it.
func missingNames(t *testing.T, dir string, entry time.Duration) (*mounted, func(name string) error) {
	in, ids := home(dir, nil)
	m := mountFor(t, in, ids, entry)
	root := keep(t, filepath.Join(m.point, "alice"))
	return m, func(name string) (err error) {
		as(aliceUID, func() { err = unix.Fstatat(root, name, new(unix.Stat_t), unix.AT_SYMLINK_NOFOLLOW) })
		return err
	}
}
