package fs_test

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTimes sets one time, leaves the other, and takes the present, of a file, a
// directory and a symlink, by name and by descriptor.
func TestTimes(t *testing.T) {
	dir := tree(t, "f", "d/")
	if err := unix.Symlink("f", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Lchown(filepath.Join(dir, "l"), ownerUID, groupGID); err != nil {
		t.Fatal(err)
	}
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	omit, now := unix.Timespec{Nsec: unix.UTIME_OMIT}, unix.Timespec{Nsec: unix.UTIME_NOW}
	old := unix.Timespec{Sec: 1000, Nsec: 123456789}
	byName := func(p string, ts []unix.Timespec) error {
		return unix.UtimesNanoAt(unix.AT_FDCWD, p, ts, unix.AT_SYMLINK_NOFOLLOW)
	}
	byHandle := func(p string, ts []unix.Timespec) error {
		return opened(p, unix.O_RDONLY, func(fd int) error { return unix.UtimesNanoAt(fd, "", ts, unix.AT_EMPTY_PATH) })
	}
	for _, tt := range []struct {
		name string
		set  func(string, []unix.Timespec) error
	}{{"f", byName}, {"f", byHandle}, {"d", byName}, {"d", byHandle}, {"l", byName}} {
		p := filepath.Join(dir, tt.name)
		for _, ts := range [][]unix.Timespec{{old, omit}, {omit, old}, {old, now}, {now, old}, {now, now}, {omit, omit}, {{Sec: 1}, {Sec: 2}}} {
			before := time.Now().Add(-time.Second) // the file system's clock is coarse
			if err := byName(p, []unix.Timespec{{Sec: 50}, {Sec: 60}}); err != nil {
				t.Fatal(err)
			}
			as(aliceUID, func() {
				if err := tt.set(filepath.Join(m.point, "alice", tt.name), ts); err != nil {
					t.Errorf("%s: set %v: %v", tt.name, ts, err)
				}
			})
			st := lstat(t, p)
			for i, got := range []unix.Timespec{st.Atim, st.Mtim} {
				right := got == ts[i]
				switch ts[i] {
				case omit:
					right = got == unix.Timespec{Sec: []int64{50, 60}[i]}
				case now:
					right = time.Unix(got.Unix()).After(before)
				}
				if !right {
					t.Errorf("%s: time %d of %v is %v", tt.name, i, ts, got)
				}
			}
		}
	}
}
