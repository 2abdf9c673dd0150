package fs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"grantfs/fs/quota"
	"grantfs/policy"
)

// estate is three accounts around their limits: alice, who is also charged for a
// shared folder that bob may fill up to a limit of his own, and carol, whose home
// lies in that folder.
type estate struct {
	*mounted
	trees   map[string]string // name to directory
	places  []placed
	orphans map[string]quota.Charge // by tree: what is open and has no name
}

// placed is a tree as an account sees it.
type placed struct {
	account string
	uid     int
	path    string // in the view
	tree    string
	limits  []bounds
}

// bounds are the limits of one bucket.
type bounds struct {
	bucket               string
	bytes, files, inodes int64
}

const noLimit = math.MaxInt64

// buckets of the trees: A and B are homes, S is shared, and C lies in it.
var estateBuckets = map[string][]string{
	"A": {"account:alice"}, "B": {"account:bob"}, "S": {"account:alice", "folder:shared"}, "C": {"account:carol", "account:alice", "folder:shared"},
}

func newEstate(t testing.TB) *estate {
	s := tree(t, "c/", "d/")
	a, b, c := tree(t, "d/"), tree(t, "d/"), filepath.Join(s, "c")
	if err := os.Mkdir(filepath.Join(c, "d"), 0o777); err != nil {
		t.Fatal(err)
	}
	account := func(name, home string, bytes, files, inodes int64, mount int64) policy.Account {
		acc := policy.Account{Name: name, Settings: policy.Settings{HomeDir: set(home), QuotaSize: bytesLimit(bytes), QuotaFiles: bytesLimit(files)}}
		acc.QuotaInodes = bytesLimit(inodes)
		if mount != 0 {
			f := policy.Mounting{Folder: set("shared"), Path: set("/pool"), QuotaSize: set(mount)}
			if mount < 0 {
				f.QuotaFiles = set(mount)
			}
			acc.VirtualFolders = []policy.Mounting{f}
		}
		return acc
	}
	in := policy.Input{
		Accounts: []policy.Account{
			account("alice", a, 60_000, 12, 20, -1), account("bob", b, 20_000, 4, 8, 30_000), account("carol", c, 15_000, 5, 8, 0),
		},
		Folders: []policy.Folder{{Name: "shared", Source: set(s)}},
	}
	const carolUID = 61003
	ids := map[string]policy.IDs{
		"alice": {UID: aliceUID, GID: aliceUID}, "bob": {UID: bobUID, GID: bobUID}, "carol": {UID: carolUID, GID: carolUID},
	}
	ofAlice, ofBob, ofCarol := bounds{"account:alice", 60_000, 12, 20}, bounds{"account:bob", 20_000, 4, 8}, bounds{"account:carol", 15_000, 5, 8}
	byBob := bounds{"folder:shared", 30_000, noLimit, noLimit}
	e := &estate{
		mounted: mountFor(t, in, ids, 0), trees: map[string]string{"A": a, "B": b, "S": s, "C": c}, orphans: map[string]quota.Charge{},
		places: []placed{
			{"alice", aliceUID, "alice", "A", []bounds{ofAlice}},
			{"alice", aliceUID, "alice/pool", "S", []bounds{ofAlice}},
			{"alice", aliceUID, "alice/pool/c", "C", []bounds{ofAlice, ofCarol}},
			{"bob", bobUID, "bob", "B", []bounds{ofBob}},
			{"bob", bobUID, "bob/pool", "S", []bounds{ofAlice, byBob}},
			{"bob", bobUID, "bob/pool/c", "C", []bounds{ofAlice, ofCarol, byBob}},
			{"carol", carolUID, "carol", "C", []bounds{ofAlice, ofCarol}},
		},
	}
	e.count(t, a, b, s, c)
	return e
}

// scans counts what each tree holds, orphans included.
func (e *estate) scans(t testing.TB) map[string]quota.Charge {
	all := map[string]quota.Charge{}
	for name, dir := range e.trees {
		all[name] = scan(t, dir)
	}
	all["S"] = all["S"].Sub(all["C"])
	for name, c := range e.orphans {
		all[name] = all[name].Plus(c)
	}
	return all
}

// sums makes of what the trees hold what the buckets must.
func (e *estate) sums(trees map[string]quota.Charge) map[string]quota.Charge {
	all := map[string]quota.Charge{}
	for tree, buckets := range estateBuckets {
		for _, b := range buckets {
			all[b] = all[b].Plus(trees[tree])
		}
		all[quota.SourceBucket(e.trees[tree]).Name] = trees[tree]
	}
	return all
}

// differ compares the ledger with sums; at rest nothing is reserved.
func (e *estate) differ(want map[string]quota.Charge) string {
	got := map[string]quota.Charge{}
	for name := range want {
		u := e.Ledger().Usage(name)
		got[name] = u.Used
		if u.Reserved != (quota.Charge{}) {
			return fmt.Sprintf("%s has %+v reserved at rest", name, u.Reserved)
		}
	}
	return cmp.Diff(want, got)
}

// settled is differ when what close(2) does not wait for has happened.
func (e *estate) settled(want map[string]quota.Charge) string {
	diff := e.differ(want)
	for end := time.Now().Add(5 * time.Second); diff != "" && time.Now().Before(end); diff = e.differ(want) {
		runtime.Gosched()
	}
	return diff
}

// room returns what is left through a place.
func (p *placed) room(sums map[string]quota.Charge) quota.Charge {
	left := quota.Charge{Bytes: noLimit, Files: noLimit, Inodes: noLimit}
	for _, b := range p.limits {
		u := sums[b.bucket]
		left.Bytes = min(left.Bytes, b.bytes-u.Bytes)
		if b.files != noLimit {
			left.Files, left.Inodes = min(left.Files, b.files-u.Files), min(left.Inodes, b.inodes-u.Inodes)
		}
	}
	return left
}

// fits reports whether moving what costs so much here, from a tree, over something,
// finds room in the buckets that it gains.
func (p *placed) fits(sums map[string]quota.Charge, from string, what, over quota.Charge) bool {
	for _, b := range p.limits {
		if strings.Contains(strings.Join(estateBuckets[from], " ")+" ", b.bucket+" ") {
			continue
		}
		now := sums[b.bucket].Plus(what).Sub(over)
		grows := what.Sub(over)
		if grows.Bytes > 0 && now.Bytes > b.bytes || grows.Files > 0 && now.Files > b.files || grows.Inodes > 0 && now.Inodes > b.inodes {
			return false
		}
	}
	return true
}

// walker does random operations.
type walker struct {
	*estate
	rnd *rand.Rand
	log []string
}

func (w *walker) place() *placed { return &w.places[w.rnd.IntN(len(w.places))] }

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
	trees := w.scans(t)
	sums := w.sums(trees)
	room := p.room(sums)
	st, there := statOf(disk)
	var err error
	op := w.rnd.IntN(11)
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
	}
	return nil
}

// rename moves a name to another place of the same account.
func (w *walker) rename(t testing.TB, p *placed, name string, sums map[string]quota.Charge) error {
	q := w.place()
	for q.account != p.account {
		q = w.place()
	}
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

// TestQuotaModel does random operations around the limits. After each the ledger
// is what a fresh scan says, no limit is passed, and what was refused had no room.
func TestQuotaModel(t *testing.T) {
	const steps = 1000
	for range 3 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &walker{estate: newEstate(t), rnd: rand.New(rand.NewPCG(seed, 0))}
			for i := range steps {
				if err := w.checked(t); err != nil {
					t.Fatalf("step %d: %v\n%s", i, err, strings.Join(w.log[max(0, len(w.log)-6):], "\n"))
				}
			}
		})
	}
}

// checked does a step and compares everything.
func (w *walker) checked(t testing.TB) error {
	if err := w.step(t); err != nil {
		return err
	}
	sums := w.sums(w.scans(t))
	if diff := w.settled(sums); diff != "" {
		return fmt.Errorf("(-model +ledger):\n%s", diff)
	}
	for _, p := range w.places {
		// Through bob's mount there may be less than nothing left: alice has more.
		if room := p.room(sums); p.account != "bob" && min(room.Bytes, room.Files, room.Inodes) < 0 {
			return fmt.Errorf("%s is over its limit: %+v", p.path, room)
		}
	}
	return nil
}

// TestQuotaInParallel does random operations at once. At every moment what is used
// and reserved is within the limits; at rest the ledger is what a scan says.
func TestQuotaInParallel(t *testing.T) {
	const walkers, steps = 16, 150
	e := newEstate(t)
	quit, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			for _, p := range e.places {
				for _, b := range p.limits[:1] { // the others are not of every place
					u := e.Ledger().Usage(b.bucket)
					if now := u.Used.Plus(u.Reserved); now.Bytes > b.bytes || now.Files > b.files || now.Inodes > b.inodes {
						t.Errorf("%s holds %+v", b.bucket, now)
					}
				}
			}
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	var group sync.WaitGroup
	for i := range walkers {
		group.Go(func() {
			w := &walker{estate: e, rnd: rand.New(rand.NewPCG(uint64(i), 1))}
			for range steps {
				w.blind()
			}
		})
	}
	group.Wait()
	close(quit)
	<-watched
	if diff := e.settled(e.sums(e.scans(t))); diff != "" {
		t.Errorf("at rest (-scan +ledger):\n%s", diff)
	}
}

// blind does one operation, whatever comes of it.
func (w *walker) blind() {
	p, name := w.place(), w.file()
	q := w.place()
	for q.account != p.account {
		q = w.place()
	}
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
