package fs_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs/quota"
)

// walker does random operations.
type walker struct {
	*estate
	rnd *rand.Rand
	log []string
	now map[string]quota.Charge // sums, after the last operation
}

func (w *walker) place() *placed { return &w.places[w.rnd.IntN(len(w.places))] }

// placeOf returns one of an account's places.
func (w *walker) placeOf(account string) *placed {
	var list []*placed
	for i := range w.places {
		if p := &w.places[i]; p.account == account {
			list = append(list, p)
		}
	}
	return list[w.rnd.IntN(len(list))]
}

// file returns one of a few names.
func (w *walker) file() string {
	return []string{"f", "g", "h", "d/f", "d/g"}[w.rnd.IntN(5)]
}

func (w *walker) size() int64 {
	return []int64{0, 1, 100, 4096, 9_000, 14_999, 15_000, 20_000, 33_000}[w.rnd.IntN(9)] + w.rnd.Int64N(3)
}

func (w *walker) did(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

func statOf(p string) (st unix.Stat_t, ok bool) {
	return st, unix.Lstat(p, &st) == nil
}

func cost(st *unix.Stat_t) quota.Charge {
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return quota.Charge{Inodes: 1}
	case st.Nlink > 1:
		return quota.Charge{}
	}
	return quota.Charge{Bytes: st.Size, Files: 1, Inodes: 1}
}

// expect checks the result of one operation: refused for want of room exactly if
// there is none. Other errors are the operation's own.
func (w *walker) expect(err error, fits bool) error {
	switch e := errnoOf(err); {
	case e == unix.EDQUOT && fits:
		return fmt.Errorf("refused although there is room")
	case e == 0 && !fits:
		return fmt.Errorf("permitted although there is no room")
	case e == unix.EIO:
		return err
	}
	return nil
}

// step does one operation and says what was wrong about its result.
func (w *walker) step(t testing.TB) error {
	p, name := w.place(), w.file()
	view, disk := filepath.Join(w.point, p.path, name), filepath.Join(w.trees[p.tree], name)
	if w.now == nil {
		w.now = w.sums(w.scans(t))
	}
	sums := w.now
	room := p.room(sums)
	st, there := statOf(disk)
	var err error
	op := w.rnd.IntN(11)
	if w.rnd.IntN(30) == 0 {
		return w.scan(t)
	}
	if w.beside && w.rnd.IntN(6) == 0 {
		op = 11
	}
	if op < 4 && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return nil // it leads to another file
	}
	switch op {
	case 0, 1: // open, perhaps a new file, and write
		flags := unix.O_RDWR | unix.O_CREAT | []int{0, unix.O_APPEND, unix.O_TRUNC}[w.rnd.IntN(3)]
		off, n := w.size(), max(1, w.size())
		w.did("%s: write %d at %d, flags %#x, of %d (%v), room %+v", p.path+"/"+name, n, off, flags, st.Size, there, room)
		var fd, wrote int
		as(p.uid, func() {
			if fd, err = unix.Open(view, flags|unix.O_CLOEXEC, 0o644); err == nil {
				wrote, err = unix.Pwrite(fd, make([]byte, n), off)
				unix.Close(fd)
			}
		})
		if fd < 0 {
			return w.expect(err, there || room.Bytes > 0 && room.Files > 0 && room.Inodes > 0)
		}
		size := st.Size
		if flags&unix.O_TRUNC != 0 {
			room.Bytes += size
			size = 0
		}
		if flags&unix.O_APPEND != 0 {
			off = size
		}
		can := min(n, size+max(0, room.Bytes)-off)
		if can <= 0 {
			can = min(n, size-off) // in place
		}
		if err := w.expect(err, can > 0); err != nil || can <= 0 {
			return err
		}
		if int64(wrote) != can {
			return fmt.Errorf("it wrote %d bytes, want %d", wrote, can)
		}
	case 2:
		to := w.size()
		w.did("%s: truncate to %d of %d, room %+v", p.path+"/"+name, to, st.Size, room)
		as(p.uid, func() { err = unix.Truncate(view, to) })
		return w.expect(err, to <= st.Size || to-st.Size <= room.Bytes)
	case 3:
		off, n := w.size(), max(1, w.size())
		w.did("%s: allocate %d at %d of %d, room %+v", p.path+"/"+name, n, off, st.Size, room)
		as(p.uid, func() {
			var fd int
			if fd, err = unix.Open(view, unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
				err = unix.Fallocate(fd, 0, off, n)
				unix.Close(fd)
			}
		})
		return w.expect(err, off+n <= st.Size || off+n-st.Size <= room.Bytes)
	case 4:
		w.did("%s: unlink", p.path+"/"+name)
		as(p.uid, func() { err = unix.Unlink(view) })
		return w.expect(err, true)
	case 5:
		name = []string{"e", "d/e"}[w.rnd.IntN(2)]
		w.did("%s: mkdir, rmdir", p.path+"/"+name)
		as(p.uid, func() {
			if err = unix.Mkdir(filepath.Join(w.point, p.path, name), 0o755); err == unix.EEXIST {
				err = unix.Rmdir(filepath.Join(w.point, p.path, name))
				room.Inodes = 1
			}
		})
		return w.expect(err, room.Inodes > 0)
	case 6:
		w.did("%s: symlink, room %+v", p.path+"/"+name, room)
		as(p.uid, func() { err = unix.Symlink("f", view) })
		return w.expect(err, room.Inodes > 0 || there)
	case 7, 8, 9:
		return w.rename(t, p, name, sums)
	case 10:
		return w.unlinkOpen(t, p, name, room)
	default:
		w.other(t, p, name)
	}
	return nil
}

// scan has one tree counted as a whole, or all.
func (w *walker) scan(t testing.TB) error {
	names := slices.Sorted(maps.Keys(w.trees))
	if i := w.rnd.IntN(len(names) + 1); i < len(names) {
		names = names[i : i+1]
	}
	w.did("scan %v", names)
	for _, name := range names {
		if err := w.Recounter().Count(t.Context(), w.trees[name]); err != nil {
			return err
		}
	}
	return nil
}

// rename moves a name to another place of the same account.
func (w *walker) rename(t testing.TB, p *placed, name string, sums map[string]quota.Charge) error {
	q := w.placeOf(p.account)
	if w.rnd.IntN(6) == 0 {
		name = "e"
	}
	to := w.file()
	flags := []uint{0, 0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE}[w.rnd.IntN(5)]
	w.did("%s: rename to %s, flags %d", p.path+"/"+name, q.path+"/"+to, flags)
	st, there := statOf(filepath.Join(w.trees[p.tree], name))
	over, replaces := statOf(filepath.Join(w.trees[q.tree], to))
	var freed quota.Charge
	if replaces {
		freed = cost(&over)
	}
	var err error
	as(p.uid, func() {
		err = unix.Renameat2(unix.AT_FDCWD, filepath.Join(w.point, p.path, name), unix.AT_FDCWD, filepath.Join(w.point, q.path, to), flags)
	})
	if !there || p.tree == q.tree {
		return w.expect(err, true)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 1 && err == nil && flags == unix.RENAME_EXCHANGE {
		return fmt.Errorf("exchanged between buckets")
	}
	return w.expect(err, q.fits(sums, p.tree, cost(&st), freed))
}

// other does something beside the mount, in another process: what this one does is
// taken for the daemon's. It may fail.
func (w *walker) other(t testing.TB, p *placed, name string) {
	q, to := w.place(), w.file()
	from, same, elsewhere := filepath.Join(w.trees[p.tree], name), filepath.Join(w.trees[p.tree], to), filepath.Join(w.trees[q.tree], to)
	script := []string{
		"ln -T " + from + " " + same,
		"ln -T " + from + " " + same,
		"mv -T " + from + " " + elsewhere,
		fmt.Sprintf("truncate -s %d %s", w.size(), from),
		"rm -f " + from,
	}[w.rnd.IntN(5)]
	w.did("beside the mount: %s", script)
	outside(t, script+" 2>/dev/null || :")
}

// unlinkOpen takes the name of a file away while it is open, and goes on writing.
func (w *walker) unlinkOpen(t testing.TB, p *placed, name string, room quota.Charge) error {
	w.did("%s: unlink while it is open, room %+v", p.path+"/"+name, room)
	view := filepath.Join(w.point, p.path, name)
	fd, err := -1, error(nil)
	as(p.uid, func() {
		fd, err = unix.Open(view, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Unlink(view)
		}
	})
	if fd < 0 {
		return nil
	}
	defer clear(w.orphans)
	defer unix.Close(fd)
	if err != nil {
		return fmt.Errorf("unlink: %w", err)
	}
	for what, do := range []func() error{
		func() error { return nil },
		func() error { _, err := unix.Pwrite(fd, make([]byte, 5_000), w.size()); return err },
		func() error { return unix.Ftruncate(fd, w.size()) },
	} {
		var st unix.Stat_t
		as(p.uid, func() {
			if err = do(); err == nil || err == unix.EDQUOT {
				err = unix.Fstat(fd, &st)
			}
		})
		if err != nil {
			return err
		}
		if st.Nlink == 0 {
			w.orphans[p.tree] = quota.Charge{Bytes: st.Size, Files: 1, Inodes: 1}
		}
		if diff := w.settled(w.sums(w.scans(t))); diff != "" {
			return fmt.Errorf("%d (-model +ledger):\n%s", what, diff)
		}
	}
	return nil
}

// checked does a step and compares everything.
func (w *walker) checked(t testing.TB) error {
	if err := w.step(t); err != nil {
		return err
	}
	sums := w.sums(w.scans(t))
	w.now = sums
	if diff := w.settled(sums); diff != "" {
		return fmt.Errorf("(-model +ledger):\n%s", diff)
	}
	for _, p := range w.places {
		if w.beside {
			break
		}
		// Through bob's mount there may be less than nothing left: alice has more.
		if room := p.room(sums); p.account != "bob" && min(room.Bytes, room.Files, room.Inodes) < 0 {
			return fmt.Errorf("%s is over its limit: %+v", p.path, room)
		}
	}
	return nil
}

// blind does one operation, whatever comes of it.
func (w *walker) blind() {
	p, name := w.place(), w.file()
	q := w.placeOf(p.account)
	view, other := filepath.Join(w.point, p.path, name), filepath.Join(w.point, q.path, w.file())
	off, n, what := w.size(), w.size(), w.rnd.IntN(10)
	as(p.uid, func() {
		switch what {
		case 0, 1, 2, 3:
			fd, err := unix.Open(view, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|[]int{0, unix.O_APPEND, unix.O_TRUNC, 0}[what], 0o644)
			if err != nil {
				return
			}
			defer unix.Close(fd)
			unix.Pwrite(fd, make([]byte, n), off)
			if what == 3 {
				unix.Unlink(view)
				unix.Pwrite(fd, make([]byte, n), off/2)
			}
			unix.Ftruncate(fd, off)
		case 4:
			unix.Unlink(view)
		case 5:
			unix.Truncate(view, off)
		case 6:
			unix.Symlink("g", view)
		case 7:
			if unix.Mkdir(filepath.Join(filepath.Dir(view), "e"), 0o755) != nil {
				unix.Rmdir(filepath.Join(filepath.Dir(view), "e"))
			}
		case 8:
			unix.Renameat2(unix.AT_FDCWD, view, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
		default:
			unix.Rename(view, other)
		}
	})
}
