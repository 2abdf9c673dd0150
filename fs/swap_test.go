package fs_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/policy"
)

// TestSwap: another policy counts for the next request, in open files too.
func TestSwap(t *testing.T) {
	dir := tree(t, "f", "sub/", "sub/deep/", "sub/deep/f")
	in, ids := home(dir, mediated)
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	var writer, handle int
	as(aliceUID, func() {
		var err error
		if writer, err = unix.Open(filepath.Join(view, "sub/deep/f"), unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
		if handle, err = unix.Open(filepath.Join(view, "sub/deep"), unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	defer unix.Close(writer)
	defer unix.Close(handle)
	swap := func(in policy.Input, ids map[string]policy.IDs) {
		t.Helper()
		if err := m.Swap(fs.Policy{Set: compile(t, in), IDs: ids}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, write, read, list, create error) {
		t.Helper()
		as(aliceUID, func() {
			_, err := unix.Pwrite(writer, []byte("x"), 0)
			if errnoOf(err) != errnoOf(write) {
				t.Errorf("%s: write to the open file = %v, want %v", when, err, write)
			}
			if _, err = unix.Pread(writer, make([]byte, 1), 0); errnoOf(err) != errnoOf(read) {
				t.Errorf("%s: read of the open file = %v, want %v", when, err, read)
			}
			if _, err = unix.Seek(handle, 0, 0); err != nil {
				t.Error(err)
			}
			if _, err = unix.Getdents(handle, make([]byte, 4096)); errnoOf(err) != errnoOf(list) {
				t.Errorf("%s: list of the open directory = %v, want %v", when, err, list)
			}
			err = os.WriteFile(filepath.Join(view, "sub/deep/new"), nil, 0o644)
			if errnoOf(err) != errnoOf(create) {
				t.Errorf("%s: create = %v, want %v", when, err, create)
			}
		})
	}
	expect("at first", nil, nil, nil, nil)
	// One more file that is still being created when the policy changes.
	var creating int
	as(aliceUID, func() {
		var err error
		if creating, err = unix.Open(filepath.Join(view, "sub/deep/new2"), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o644); err != nil {
			t.Error(err)
		}
	})
	defer unix.Close(creating)

	readOnly, _ := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/sub"), Verbs: []policy.Setting[string]{set("list"), set("download")}}}
	})
	swap(readOnly, ids)
	expect("read-only", EACCES, nil, nil, EACCES)
	as(aliceUID, func() {
		if _, err := unix.Write(creating, []byte("x")); errnoOf(err) != EACCES {
			t.Errorf("write to what is being created = %v, want EACCES", err)
		}
		if err := opened(filepath.Join(view, "sub/deep/new2"), unix.O_WRONLY, none); errnoOf(err) != EACCES {
			t.Errorf("open what is being created = %v, want EACCES", err)
		}
	})

	nothing, _ := home(dir, func(a *policy.Account) {
		a.Permissions = []policy.Permission{{Path: set("/sub"), Verbs: []policy.Setting[string]{}}}
	})
	swap(nothing, ids)
	expect("nothing", EACCES, EACCES, EACCES, ENOENT)

	swap(in, ids)
	expect("everything again", nil, nil, nil, nil)

	swap(in, map[string]policy.IDs{})
	expect("no account", EACCES, EACCES, EACCES, ENOENT)

	swap(in, map[string]policy.IDs{"alice": {UID: bobUID, GID: bobUID}})
	expect("another uid", EACCES, EACCES, EACCES, EACCES)

	swap(in, ids)
	other := tree(t, "g")
	elsewhere, _ := home(other, nil)
	swap(elsewhere, ids)
	expect("another home", EACCES, EACCES, EACCES, ENOENT)
	as(aliceUID, func() {
		if got := names(t, view); !slices.Equal(got, []string{"g"}) {
			t.Errorf("the other home shows %v", got)
		}
	})
}

// TestSwappedDirectories: another view turns a tree inside out while this one
// holds directories of it open.
func TestSwappedDirectories(t *testing.T) {
	dir := tree(t, "a/", "a/b/", "z/")
	in, ids := home(dir, nil)
	in.Accounts = append(in.Accounts, policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(dir)}})
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	alice, bob := filepath.Join(m.point, "alice"), filepath.Join(m.point, "bob")
	var b int
	as(aliceUID, func() {
		var err error
		if b, err = unix.Open(filepath.Join(alice, "a/b"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	defer unix.Close(b)
	as(bobUID, func() {
		for _, move := range [][2]string{{"a/b", "b"}, {"a", "b/a"}} {
			if err := os.Rename(filepath.Join(bob, move[0]), filepath.Join(bob, move[1])); err != nil {
				t.Error(err)
			}
		}
	})
	as(aliceUID, func() {
		var st unix.Stat_t
		if err := unix.Fstatat(b, "a", &st, 0); errnoOf(err) != syscall.ESTALE {
			t.Errorf("look up a below b, known below a: %v, want ESTALE", err)
		}
		if err := os.Rename(filepath.Join(alice, "z"), filepath.Join(alice, "y")); err != nil {
			t.Error(err)
		}
	})
	// By path everything is found where it is now, as soon as the kernel asks.
	waitFor(t, func() (done bool) {
		as(aliceUID, func() { done = unix.Lstat(filepath.Join(alice, "b/a"), new(unix.Stat_t)) == nil })
		return done
	})
	as(aliceUID, func() {
		if err := unix.Fstatat(b, "a", new(unix.Stat_t), 0); err != nil {
			t.Errorf("look up a below b afterwards: %v", err)
		}
	})
}

// TestMovedDirectory: what lies below a directory obeys the rules of where the
// directory is now.
func TestMovedDirectory(t *testing.T) {
	dir := tree(t, "free/", "free/d/", "free/d/f", "closed/")
	in, ids := home(dir, func(a *policy.Account) {
		mediated(a)
		verbs := []policy.Setting[string]{set("list"), set("download"), set("rename"), set("create_dirs")}
		a.Permissions = []policy.Permission{{Path: set("/closed"), Verbs: verbs}}
	})
	m := mount(t, in, ids)
	view := filepath.Join(m.point, "alice")
	as(aliceUID, func() {
		fd, err := unix.Open(filepath.Join(view, "free/d/f"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		if err := os.Rename(filepath.Join(view, "free/d"), filepath.Join(view, "closed/d")); err != nil {
			t.Error(err)
		}
		if _, err := unix.Write(fd, []byte("x")); errnoOf(err) != EACCES {
			t.Errorf("write after the move = %v, want EACCES", err)
		}
		if err := os.Rename(filepath.Join(view, "closed/d"), filepath.Join(view, "free/d")); err != nil {
			t.Error(err)
		}
		if _, err := unix.Write(fd, []byte("x")); err != nil {
			t.Errorf("write after the move back = %v", err)
		}
	})
}
