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
