package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/posixtest"
	"golang.org/x/sys/unix"
)

// kills is how manyFiles processes TestKills ends: GRANTFS_KILLS (see the Makefile), or
// 20.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GRANTFS_KILLS")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("GRANTFS_KILLS: %v", err)
	}
	return n
}

// folderLimit is what the folder /other of a victim's account holds at most.
const folderLimit = 2 << 20

// rounds are what an account does again and again, the round given, without any
// error, be there a process that serves or not.
var rounds = map[string]func(root string, round int) error{
	"names":    nameRound,
	"data":     dataRound,
	"unlinked": unlinkedRound,
	"walk":     walkRound,
	"full":     fullRound,
	"append": func(root string, round int) error {
		return appendTo(filepath.Join(root, "log"), fmt.Sprintf("alice %d\n", round))
	},
	"append with others": func(root string, round int) error {
		return appendTo(filepath.Join(root, "common/log"), fmt.Sprintf("alice %d\n", round))
	},
	"read what others replace": func(root string, _ int) error {
		b, err := readFile(filepath.Join(root, "common/page"))
		if err == unix.ESTALE {
			return nil // replaced again while the kernel looked for it again
		}
		if err == nil && (len(b) != pageLength || len(bytes.Trim(b, string(b[:1]))) != 0) {
			err = fmt.Errorf("a page of %d bytes", len(b))
		}
		return err
	},
}

const pageLength = 10 << 10

// nameRound makes, moves and removes names.
func nameRound(root string, round int) error {
	dir := filepath.Join(root, fmt.Sprint("dir", round))
	name := func(s string) string { return filepath.Join(dir, s) }
	errs := []error{unix.Mkdir(dir, 0o755)}
	for _, s := range []string{"f", "g"} {
		errs = append(errs, writeFile(name(s), []byte(s)))
	}
	errs = append(errs,
		unix.Renameat2(unix.AT_FDCWD, name("f"), unix.AT_FDCWD, name("h"), unix.RENAME_NOREPLACE),
		unix.Rename(name("h"), name("g")),
		unix.Symlink("g", name("link")),
		unix.Renameat2(unix.AT_FDCWD, name("g"), unix.AT_FDCWD, name("link"), unix.RENAME_EXCHANGE))
	b, err := readFile(name("link"))
	if err == nil && string(b) != "f" {
		err = fmt.Errorf("what was moved holds %q", b)
	}
	return errors.Join(append(errs, err, unix.Unlink(name("g")), unix.Unlink(name("link")), unix.Rmdir(dir))...)
}

// dataRound writes a file in pieces and reads it again.
func dataRound(root string, round int) error {
	name := filepath.Join(root, fmt.Sprint("data", round))
	data := bytes.Repeat([]byte(fmt.Sprintf("%07d\n", round)), 20000)
	if err := writeFile(name, data); err != nil {
		return err
	}
	got, err := readFile(name)
	if err == nil && !bytes.Equal(got, data) {
		err = fmt.Errorf("%d bytes differ from what was written", len(got))
	}
	return errors.Join(err, unix.Truncate(name, int64(len(data)/2)), unix.Unlink(name))
}

// unlinkedRound uses a file without a name.
func unlinkedRound(root string, round int) error {
	name := filepath.Join(root, fmt.Sprint("open", round))
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	errs := []error{unix.Unlink(name)}
	for i := range 8 {
		_, err := unix.Pwrite(fd, []byte("12345678"), int64(i)*8)
		errs = append(errs, err)
	}
	b := make([]byte, 100)
	n, err := unix.Pread(fd, b, 0)
	if err == nil && string(b[:n]) != strings.Repeat("12345678", 8) {
		err = fmt.Errorf("a file without a name holds %q", b[:n])
	}
	return errors.Join(append(errs, err, unix.Close(fd))...)
}

// manyFiles is how many files lie in the directory that is manyFiles.
const manyFiles = 500

// walkRound lists a directory in small pieces: each name comes once.
func walkRound(root string, _ int) error {
	fd, err := unix.Open(filepath.Join(root, "many"), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var list []string
	for b := make([]byte, 1<<10); ; {
		n, err := unix.Getdents(fd, b)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		_, _, list = unix.ParseDirent(b[:n], -1, list)
	}
	seen := map[string]bool{}
	for _, name := range list {
		seen[name] = true
	}
	if len(list) != manyFiles || len(seen) != manyFiles {
		return fmt.Errorf("%d names, %d of them once", len(list), len(seen))
	}
	return nil
}

// fullRound fills a folder up to its limit, never beyond.
func fullRound(root string, _ int) error {
	name := filepath.Join(root, "other/full")
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o644)
	if err == unix.EDQUOT {
		return nil // the file of the last round is not quite closed
	}
	if err != nil {
		return err
	}
	written := 0
	for piece := make([]byte, 100<<10); err == nil && written <= folderLimit; {
		var n int
		n, err = unix.Write(fd, piece)
		written += max(0, n)
	}
	if err == unix.EDQUOT && written <= folderLimit {
		err = nil
	}
	return errors.Join(err, unix.Close(fd), unix.Unlink(name))
}

func appendTo(name, line string) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(line))
	return errors.Join(err, unix.Close(fd))
}

func writeFile(name string, data []byte) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, 0o644)
	for err == nil && len(data) > 0 {
		var n int
		if n, err = unix.Write(fd, data[:min(len(data), 30000)]); err == nil {
			data = data[n:]
		}
	}
	return errors.Join(err, unix.Close(fd))
}

func readFile(name string) (data []byte, err error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	for b := make([]byte, 50000); ; {
		n, err := unix.Read(fd, b)
		if err != nil || n == 0 {
			return data, err
		}
		data = append(data, b[:n]...)
	}
}

// replace puts a page of others in place of another, as a whole.
func replace(name string, round int) error {
	if err := os.WriteFile(name+".next", bytes.Repeat([]byte{'a' + byte(round%26)}, pageLength), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".next", name)
}

// TestKills ends one process after another while an account works and others work
// on the same names: nothing is lost, done twice or told to be an error, and each
// time the ledger is right before anything is answered.
func TestKills(t *testing.T) {
	files := []string{"many/"}
	for i := range manyFiles {
		files = append(files, fmt.Sprint("many/f", i))
	}
	v := startVictims(t, tree(t, files...), false)
	v.tell.Closing = true
	shared := v.tell.Shared
	if err := replace(filepath.Join(shared, "page"), 0); err != nil {
		t.Fatal(err)
	}
	v.start(never, 0)
	root := filepath.Join(v.tell.Point, "alice")
	stop, progress := make(chan struct{}), make(chan string)
	var working sync.WaitGroup
	done := map[string]*int{}
	work := func(name string, round func(i int) error) {
		n := new(int)
		done[name] = n
		working.Go(func() {
			for {
				if err := round(*n); err != nil {
					t.Errorf("%s, round %d: %v", name, *n, err)
				}
				*n++
				select {
				case progress <- name:
				case <-stop:
					return
				}
			}
		})
	}
	for name, round := range rounds {
		work(name, func(i int) (err error) {
			as(aliceUID, func() { err = round(root, i) })
			return err
		})
	}
	work("others", func(i int) error {
		return errors.Join(replace(filepath.Join(shared, "page"), i), appendTo(filepath.Join(shared, "log"), fmt.Sprintf("other %d\n", i)))
	})
	for range kills(t) {
		// Everybody gets on, so that no request is there twice: that ends with EIO.
		late := maps.Clone(done)
		for more := rand.IntN(100); len(late) > 0 || more > 0; more-- {
			select {
			case name := <-progress:
				delete(late, name)
			case <-time.After(20 * time.Second):
				t.Fatalf("nobody gets on, of %d who should", len(late))
			}
		}
		if t.Failed() {
			break
		}
		v.kill()
	}
	close(stop)
	working.Wait()
	v.restart()
	for name, n := range done {
		t.Logf("%s: %d rounds", name, *n)
	}
	lines := func(who string, n int) (all string) {
		for i := range n {
			all += fmt.Sprintf("%s %d\n", who, i)
		}
		return all
	}
	if got, want := readAll(t, filepath.Join(v.tell.Dir, "log")), lines("alice", *done["append"]); got != want {
		t.Errorf("the log differs from what was appended: %d bytes, want %d", len(got), len(want))
	}
	var alice, other strings.Builder
	for line := range strings.Lines(readAll(t, filepath.Join(shared, "log"))) {
		if strings.HasPrefix(line, "alice") {
			alice.WriteString(line)
		} else {
			other.WriteString(line)
		}
	}
	if alice.String() != lines("alice", *done["append with others"]) || other.String() != lines("other", *done["others"]) {
		t.Errorf("the shared log holds %d bytes of alice's and %d of others', which is not what was appended", alice.Len(), other.Len())
	}
}

// TestPOSIXUnderKills: go-fuse's suite finds the same as without.
func TestPOSIXUnderKills(t *testing.T) {
	v := startVictims(t, tree(t, "a"), false)
	v.tell.Root, v.tell.Others = true, true
	v.start(never, 0)
	work := filepath.Join(v.tell.Point, "root/x")
	poll(t, filepath.Join(work, "a"))
	for name, f := range posixtest.All {
		if _, ok := notPOSIX[name]; ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(work, name)
			if err := unix.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			// Once, so that no request is there twice: that ends with EIO.
			killed := make(chan struct{})
			time.AfterFunc(time.Duration(rand.IntN(int(10*time.Millisecond))), func() {
				defer close(killed)
				v.kill()
			})
			defer func() { <-killed }() // also where f leaves out what the machine can't do
			f(t, dir)
		})
	}
}

// poll asks for a file's readiness, so that the kernel knows that it need not ask us.
func poll(t *testing.T, name string) {
	t.Helper()
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != nil && err != syscall.EINTR {
		t.Fatal(err)
	}
}
