package fs_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// attackTime is how long the tests go on that attack, race or try at random:
// GRANTFS_ATTACK_TIME, a duration (see the Makefile), or 3 s.
func attackTime(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("GRANTFS_ATTACK_TIME")
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("GRANTFS_ATTACK_TIME: %v", err)
	}
	return d
}

// What marks the secrets: no account may see any of it.
const (
	secretText = "SECRET"
	secretName = "secret-name"
	secretTime = 1_000_000_007
)

// makeSecret makes a tree that no account may reach. Its names are those that
// the view has too, so that whoever is led there finds what it asks for.
func makeSecret(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{dir, filepath.Join(dir, "sub"), filepath.Join(dir, "m"), filepath.Join(dir, "kept")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"f", "g", secretName} {
			if err := os.WriteFile(filepath.Join(d, f), bytes.Repeat([]byte(secretText), 100), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Anybody could do anything here, and every time is one that nobody sets.
	if err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Chmod(p, 0o777)
		}
		if err == nil {
			err = os.Chtimes(p, time.Unix(secretTime, 0), time.Unix(secretTime, 0))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A variant makes one of the things that come to lie at a place in turn.
type variant func(p, secret string) error

func aDir(p, _ string) error {
	if err := os.Mkdir(p, 0o775); err != nil {
		return err
	}
	for _, d := range []string{"sub", "m"} {
		if err := os.Mkdir(filepath.Join(p, d), 0o775); err != nil {
			return err
		}
		if err := aFile(filepath.Join(p, d, "f"), ""); err != nil {
			return err
		}
	}
	return aFile(filepath.Join(p, "f"), "")
}

func aFile(p, _ string) error         { return os.WriteFile(p, []byte("content of a file\n"), 0o664) }
func aFIFO(p, _ string) error         { return unix.Mkfifo(p, 0o666) }
func aSocket(p, _ string) error       { return unix.Mknod(p, unix.S_IFSOCK|0o666, 0) }
func linkToDir(p, s string) error     { return os.Symlink(s, p) }
func linkToFile(p, s string) error    { return os.Symlink(filepath.Join(s, "f"), p) }
func climbingLink(p, _ string) error  { return os.Symlink("../../secret", p) }
func climbingToF(p, _ string) error   { return os.Symlink("../../secret/f", p) }
func linkThatStays(p, _ string) error { return os.Symlink("file", p) }

// places are the names below the home where one thing is swapped for another.
var places = map[string][]variant{
	"d":        {aDir, linkToDir},
	"e":        {aDir, climbingLink, aFile},
	"file":     {aFile, linkToFile, climbingToF},
	"fifo":     {aFile, aFIFO},
	"sock":     {aFile, aSocket, aDir},
	"link":     {linkThatStays, linkToFile, linkToDir},
	"deep/n":   {aDir, linkToDir, aFIFO},
	"deep/n/m": {aDir, linkToDir},
}

// beside is who changes the backing while requests are under way, as the PHP of
// a site could: with one renameat2(2), between any two system calls.
type beside struct {
	home, stage, secret string
	swaps               atomic.Int64
}

// swap puts what lies in the slot of a place at that place and what lay there in
// the slot; now and then the slot is filled anew.
func (b *beside) swap(r *rand.Rand, place string, variants []variant) error {
	slot, at := filepath.Join(b.stage, strings.ReplaceAll(place, "/", "-")), filepath.Join(b.home, place)
	if r.IntN(4) == 0 {
		// Who has it open may still make things there; then it stays for now.
		if err := os.RemoveAll(slot); err != nil && errnoOf(err) != syscall.ENOTEMPTY {
			return fmt.Errorf("clear a slot: %w", err)
		}
	}
	if _, err := os.Lstat(slot); err != nil {
		if err := variants[r.IntN(len(variants))](slot, b.secret); err != nil {
			return fmt.Errorf("fill a slot: %w", err)
		}
	}
	// The directory that holds the place may be a link to the secrets itself.
	dir, err := unix.Openat2(unix.AT_FDCWD, filepath.Dir(at), &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return nil // it is not there at this moment
	}
	defer unix.Close(dir)
	err = unix.Renameat2(unix.AT_FDCWD, slot, dir, filepath.Base(at), unix.RENAME_EXCHANGE)
	if err == unix.ENOENT {
		err = unix.Renameat2(unix.AT_FDCWD, slot, dir, filepath.Base(at), unix.RENAME_NOREPLACE)
	}
	if err == nil {
		b.swaps.Add(1)
	}
	return nil
}

// attacker is one session of the account.
type attacker struct {
	view string
	r    *rand.Rand
	kept []int // directories that it has open
	done *atomic.Int64
	tell func(format string, args ...any)
}

// path returns a path through a place that is being swapped.
func (a *attacker) path() string {
	heads := []string{"d", "e", "file", "fifo", "sock", "link", "deep/n", "deep/n/m", "kept", "."}
	tails := []string{"", "/f", "/sub", "/sub/f", "/sub/g", "/m/f", "/new", "/sub/new", "/" + secretName}
	return heads[a.r.IntN(len(heads))] + tails[a.r.IntN(len(tails))]
}

// fresh is path, but never a name of the secrets.
func (a *attacker) fresh() string {
	for {
		if p := a.path(); !strings.HasSuffix(p, secretName) {
			return p
		}
	}
}

// at returns a directory to start from: the view's root, or one that was opened
// a while ago.
func (a *attacker) at() int { return a.kept[a.r.IntN(len(a.kept))] }

func (a *attacker) sees(what, p string, b []byte) {
	if bytes.Contains(b, []byte(secretText)) || bytes.Contains(b, []byte(secretName)) {
		a.tell("%s of %s shows %.60q", what, p, b)
	}
}

func (a *attacker) stat(p string, flags int) {
	var st unix.Stat_t
	if unix.Fstatat(a.at(), p, &st, flags) == nil && st.Mtim.Sec == secretTime {
		a.tell("stat of %s shows the secret's time", p)
	}
}

func (a *attacker) open(p string, flags int, f func(fd int)) {
	fd, err := unix.Openat(a.at(), p, flags|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) == nil {
		if st.Mtim.Sec == secretTime {
			a.tell("fstat of %s shows the secret's time", p)
		}
		if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR && flags&unix.O_PATH == 0 {
			a.tell("%s was opened as a %o", p, kind)
		}
	}
	f(fd)
}

func (a *attacker) read(p string, flags int) {
	a.open(p, flags, func(fd int) {
		b := make([]byte, 2048)
		if n, err := unix.Read(fd, b); err == nil {
			a.sees("a read", p, b[:n])
		}
	})
}

// act does one thing, whichever. What it answers does not matter, only that it
// does answer and what is seen.
func (a *attacker) act() {
	p, q := a.path(), a.fresh()
	switch a.r.IntN(20) {
	case 0:
		a.stat(p, unix.AT_SYMLINK_NOFOLLOW)
	case 1:
		a.stat(p, 0)
	case 2, 3:
		a.read(p, unix.O_RDONLY)
	case 4:
		a.read(p, unix.O_RDWR)
	case 5:
		a.open(q, unix.O_WRONLY|unix.O_CREAT, func(fd int) { _, _ = unix.Write(fd, []byte("alice was here")) })
	case 6:
		a.open(q, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, func(int) {})
	case 7:
		a.open(p, unix.O_WRONLY|unix.O_TRUNC, func(int) {})
	case 8:
		a.open(p, unix.O_WRONLY|unix.O_APPEND, func(fd int) { _, _ = unix.Write(fd, []byte("alice was here")) })
	case 9:
		_ = unix.Mkdirat(a.at(), q, 0o755)
	case 10:
		_ = unix.Unlinkat(a.at(), p, 0)
	case 11:
		_ = unix.Unlinkat(a.at(), p, unix.AT_REMOVEDIR)
	case 12:
		_ = unix.Renameat(a.at(), p, a.at(), q)
	case 13:
		_ = unix.Renameat2(a.at(), p, a.at(), q, unix.RENAME_EXCHANGE)
	case 14:
		b := make([]byte, 4096)
		if n, err := unix.Readlinkat(a.at(), p, b); err == nil {
			if a.sees("readlink", p, b[:n]); b[0] == '/' || bytes.HasPrefix(b, []byte("../")) {
				a.tell("readlink of %s shows %q", p, b[:n])
			}
		}
	case 15:
		_ = unix.Symlinkat("f", a.at(), q)
	case 16:
		_ = unix.Fchmodat(a.at(), p, 0o600, 0)
	case 17:
		_ = unix.UtimesNanoAt(a.at(), p, []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0)
	case 18:
		a.open(p, unix.O_RDONLY|unix.O_DIRECTORY, func(fd int) {
			b := make([]byte, 16<<10)
			if n, err := unix.Getdents(fd, b); err == nil {
				a.sees("the listing", p, b[:n])
			}
		})
	case 19:
		a.open(p, unix.O_RDONLY, func(from int) {
			a.open(q, unix.O_WRONLY|unix.O_CREAT, func(to int) { _, _ = unix.CopyFileRange(from, nil, to, nil, 4096, 0) })
		})
	}
	a.done.Add(1)
}

// keep opens a directory for later in place of one that is open.
func (a *attacker) keep() {
	fd, err := unix.Openat(a.kept[0], a.path(), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	if len(a.kept) < 4 {
		a.kept = append(a.kept, fd)
		return
	}
	i := 1 + a.r.IntN(3)
	unix.Close(a.kept[i])
	a.kept[i] = fd
}

// run attacks until ctx ends.
func (a *attacker) run(ctx context.Context) {
	root, err := unix.Open(a.view, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		a.tell("open the view: %v", err)
		return
	}
	a.kept = []int{root}
	defer func() {
		for _, fd := range a.kept {
			unix.Close(fd)
		}
	}()
	for ctx.Err() == nil {
		a.act()
		if a.r.IntN(50) == 0 {
			a.keep()
		}
	}
}

// TestSwapRace lets sessions of an account do everything they can while
// directories, files, FIFOs, sockets and links take each other's places in the
// backing, up to the directories above a source. Nothing outside the sources
// may be seen or touched, nobody else may wait, nothing may panic.
func TestSwapRace(t *testing.T) {
	// Directories that everybody can enter, so that only the view keeps an account
	// from what lies there.
	t.Run("handles", func(t *testing.T) { swapRace(t, openDir(t)) })
	t.Run("no handles", func(t *testing.T) { swapRace(t, overlay(t, tree(t))) })
}

func swapRace(t *testing.T, base string) {
	b := &beside{home: filepath.Join(base, "up", "home"), stage: filepath.Join(base, "stage"), secret: filepath.Join(base, "secret")}
	for _, d := range []string{b.home, b.stage, filepath.Join(b.home, "deep"), filepath.Join(base, "above", "kept")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	makeSecret(t, b.secret)
	before := world(t, b.secret)
	in, ids := home(b.home, func(a *policy.Account) {
		a.QuotaSize = set(policy.Limit{N: 1 << 40}) // so that writes are requests
		a.VirtualFolders = []policy.Mounting{{Folder: set("kept"), Path: set("/kept")}}
		a.Permissions = []policy.Permission{{Path: set("/kept"), Verbs: []policy.Setting[string]{set("*")}}}
	})
	in.Folders = []policy.Folder{{Name: "kept", Source: set(filepath.Join(base, "above", "kept"))}}
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(tree(t, "f"))}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)

	ctx, cancel := context.WithTimeout(t.Context(), attackTime(t))
	defer cancel()
	var all sync.WaitGroup
	tell := func(format string, args ...any) { t.Errorf(format, args...); cancel() }
	var acts atomic.Int64
	for i := range uint64(4) {
		a := &attacker{view: filepath.Join(m.point, "alice"), r: rand.New(rand.NewPCG(i, 7)), done: &acts, tell: tell}
		all.Go(func() { as(aliceUID, func() { a.run(ctx) }) })
	}
	for i := range uint64(2) {
		r := rand.New(rand.NewPCG(i, 8))
		names := slices.Sorted(maps.Keys(places))
		names = names[int(i)*len(names)/2 : int(i+1)*len(names)/2] // a slot is one swapper's
		all.Go(func() {
			for ctx.Err() == nil {
				p := names[r.IntN(len(names))]
				if err := b.swap(r, p, places[p]); err != nil {
					tell("%v", err)
				}
			}
		})
	}
	// A directory above a source is moved away, a link to the secrets put there.
	above, link := filepath.Join(base, "above"), filepath.Join(base, "stage-above")
	if err := os.Symlink("secret", link); err != nil {
		t.Fatal(err)
	}
	all.Go(func() {
		for ctx.Err() == nil {
			if err := unix.Renameat2(unix.AT_FDCWD, above, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE); err != nil {
				tell("exchange above a source: %v", err)
			}
			m.CheckSources()
			if err := m.reload(); err != nil {
				tell("reload the policy: %v", err)
			}
		}
	})
	neighbour(ctx, t, filepath.Join(m.point, "bob"))

	finished := make(chan struct{})
	go func() { all.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-time.After(hangs):
		t.Fatal("an attacker hangs in a request")
	}
	if diff := cmp.Diff(before, world(t, b.secret)); diff != "" {
		t.Errorf("the secrets have changed:\n%s", diff)
	}
	if acts.Load() == 0 || b.swaps.Load() == 0 {
		t.Error("nothing was attacked")
	}
	t.Logf("%d operations during %d swaps", acts.Load(), b.swaps.Load())
	noSecret(t, b.home)
}

// noSecret fails if anything below dir holds what it must not.
func noSecret(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte(secretText)) {
			t.Errorf("%s has come to hold the secret", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
