package fs_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/policy"
)

// Who writes and reads one file at once: two accounts in views of the same
// directory, and somebody beside the mount.
var parties = []struct {
	name string
	uid  int
}{{"beside", 0}, {"alice", aliceUID}, {"bob", bobUID}}

// shared mounts dir as two accounts' home; what bob writes is counted, so that it
// does not pass through as what alice writes may. at returns the path by which a party
// knows a name in it.
func shared(t *testing.T, dir string) (at func(party, name string) string) {
	t.Helper()
	in, ids := home(dir, nil)
	bob := policy.Account{Name: "bob", Settings: policy.Settings{HomeDir: set(dir), QuotaSize: set(policy.Limit{N: 1 << 30})}}
	in.Accounts = append(in.Accounts, bob)
	ids["bob"] = policy.IDs{UID: bobUID, GID: bobUID}
	m := mount(t, in, ids)
	return func(party, name string) string {
		if party == "beside" {
			return filepath.Join(dir, name)
		}
		return filepath.Join(m.point, party, name)
	}
}

// slurp reads a whole file, up to len(b), without asking for its size.
func slurp(fd int, b []byte) ([]byte, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Pread(fd, b[done:], int64(done))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		done += n
	}
	return b[:done], nil
}

// TestSeenAtOnce: whatever anybody has changed in a file, everybody who has it
// open reads the very next moment: passed through, mediated or mapped.
func TestSeenAtOnce(t *testing.T) {
	dir := tree(t, "f")
	at := shared(t, dir)
	const most = 64 << 10
	type reader struct {
		name string
		uid  int
		read func(size int) ([]byte, error)
	}
	var readers []reader
	for _, p := range parties {
		for how, flags := range map[string]int{"reading": unix.O_RDONLY, "both": unix.O_RDWR, "appending": unix.O_RDWR | unix.O_APPEND} {
			fd := openAs(t, p.uid, at(p.name, "f"), flags)
			readers = append(readers, reader{p.name + ", open for " + how, p.uid, func(int) ([]byte, error) { return slurp(fd, make([]byte, most)) }})
			// A fault in a page is the backing's: this process never waits for itself.
			mapped, err := unix.Mmap(fd, 0, most, unix.PROT_READ, unix.MAP_SHARED)
			if err != nil {
				t.Fatalf("%s, open for %s: mmap: %v", p.name, how, err)
			}
			t.Cleanup(func() {
				if err := unix.Munmap(mapped); err != nil {
					t.Error(err)
				}
			})
			readers = append(readers, reader{p.name + ", mapped for " + how, p.uid, func(size int) ([]byte, error) { return bytes.Clone(mapped[:size]), nil }})
		}
	}
	want := []byte("content of f\n")
	round := byte(0)
	for _, w := range parties {
		fd := openAs(t, w.uid, at(w.name, "f"), unix.O_RDWR)
		appending := openAs(t, w.uid, at(w.name, "f"), unix.O_WRONLY|unix.O_APPEND)
		for _, change := range []struct {
			name string
			do   func(b []byte) error
		}{
			{"append", func(b []byte) error {
				want = append(want, b...)
				_, err := unix.Write(appending, b)
				return err
			}},
			{"overwrite", func(b []byte) error {
				copy(want, b)
				_, err := unix.Pwrite(fd, b, 0)
				return err
			}},
			{"write beyond the end", func(b []byte) error {
				want = append(append(want, make([]byte, 7000)...), b...)
				_, err := unix.Pwrite(fd, b, int64(len(want)-len(b)))
				return err
			}},
			{"punch a hole", func([]byte) error {
				clear(want[1:5000])
				return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 1, 4999)
			}},
			{"truncate", func([]byte) error {
				want = want[:100]
				return unix.Ftruncate(fd, 100)
			}},
			{"truncate by name", func([]byte) error {
				want = append(want, make([]byte, 4000)...)
				return unix.Truncate(at(w.name, "f"), int64(len(want)))
			}},
			{"empty and write anew", func(b []byte) error {
				want = bytes.Clone(b)
				other, err := unix.Open(at(w.name, "f"), unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
				if err != nil {
					return err
				}
				defer unix.Close(other)
				_, err = unix.Write(other, b)
				return err
			}},
		} {
			round++
			as(w.uid, func() {
				if err := change.do(bytes.Repeat([]byte{round}, 3000)); err != nil {
					t.Errorf("%s: %s: %v", w.name, change.name, err)
				}
			})
			for _, r := range readers {
				as(r.uid, func() {
					if got, err := r.read(len(want)); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s: after %s did %s: %s, %v, want %s", r.name, w.name, change.name, brief(got), err, brief(want))
					}
				})
			}
		}
	}
}

// recordSize is what a record of an appending party takes: who, and the how
// manieth.
const recordSize = 16

// TestAppendRace lets all parties append to one file at once. Whoever reads sees
// every record whose write had returned by then, whole, once, and in order.
func TestAppendRace(t *testing.T) {
	dir := tree(t, "f")
	at := shared(t, dir)
	until := time.Now().Add(attackTime(t) / 3)
	rounds := 0
	for ; rounds < 1 || time.Now().Before(until); rounds++ {
		if err := os.Truncate(filepath.Join(dir, "f"), 0); err != nil {
			t.Fatal(err)
		}
		if !t.Run("round", func(t *testing.T) { appendRace(t, at, 300) }) {
			return
		}
	}
	t.Logf("%d rounds", rounds)
}

func appendRace(t *testing.T, at func(party, name string) string, records uint64) {
	t.Helper()
	written := make([]atomic.Uint64, len(parties))
	var writers, readers sync.WaitGroup
	var over atomic.Bool
	for i, p := range parties {
		fd := openAs(t, p.uid, at(p.name, "f"), unix.O_WRONLY|unix.O_APPEND)
		writers.Go(func() {
			as(p.uid, func() {
				b := make([]byte, recordSize)
				binary.NativeEndian.PutUint64(b, uint64(i))
				for n := range records {
					binary.NativeEndian.PutUint64(b[8:], n)
					if k, err := unix.Write(fd, b); err != nil || k != recordSize {
						t.Errorf("%s: write: %d, %v", p.name, k, err)
						return
					}
					written[i].Store(n + 1)
				}
			})
		})
		for _, flags := range []int{unix.O_RDONLY, unix.O_RDWR} {
			fd := openAs(t, p.uid, at(p.name, "f"), flags)
			readers.Go(func() {
				as(p.uid, func() {
					b := make([]byte, recordSize*records*uint64(len(parties)))
					for last := false; !last; {
						last = over.Load()
						if err := readRecords(fd, b, written); err != nil {
							t.Errorf("%s, open with %#x: %v", p.name, flags, err)
							return
						}
					}
				})
			})
		}
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
}

// readRecords reads all records, and compares them with how many had been
// written of each party before.
func readRecords(fd int, b []byte, written []atomic.Uint64) error {
	before := make([]uint64, len(written))
	for i := range written {
		before[i] = written[i].Load()
	}
	got, err := slurp(fd, b)
	if err != nil {
		return err
	}
	next := make([]uint64, len(written))
	for at := 0; at+recordSize <= len(got); at += recordSize {
		who, n := binary.NativeEndian.Uint64(got[at:]), binary.NativeEndian.Uint64(got[at+8:])
		if who >= uint64(len(next)) || next[who] != n {
			return fmt.Errorf("at %d: record %d of party %d, want one of %v", at, n, who, next)
		}
		next[who]++
	}
	for i := range next {
		if next[i] < before[i] {
			return fmt.Errorf("%d records of %s, of which %d had been written", next[i], parties[i].name, before[i])
		}
	}
	return nil
}

// TestOverwriteRace lets all parties in turn count up a number in place: nobody
// reads one that was overwritten before.
func TestOverwriteRace(t *testing.T) {
	dir := tree(t, "f")
	at := shared(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "f"), make([]byte, 8), 0o664); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(attackTime(t) / 3)
	var turn sync.Mutex // guards the writing of the next number
	var number atomic.Uint64
	var writers, readers sync.WaitGroup
	var over atomic.Bool
	for _, p := range parties {
		fd := openAs(t, p.uid, at(p.name, "f"), unix.O_WRONLY)
		writers.Go(func() {
			as(p.uid, func() {
				for i := 0; i < 1000 || time.Now().Before(until); i++ {
					turn.Lock()
					n := number.Load() + 1
					_, err := unix.Pwrite(fd, binary.NativeEndian.AppendUint64(nil, n), 0)
					number.Store(n)
					turn.Unlock()
					if err != nil {
						t.Errorf("%s: write: %v", p.name, err)
						return
					}
				}
			})
		})
		for _, flags := range []int{unix.O_RDONLY, unix.O_RDWR} {
			fd := openAs(t, p.uid, at(p.name, "f"), flags)
			readers.Go(func() {
				as(p.uid, func() {
					b := make([]byte, 8)
					for !over.Load() {
						before := number.Load()
						k, err := unix.Pread(fd, b, 0)
						if n := binary.NativeEndian.Uint64(b); err != nil || k != len(b) || n < before {
							t.Errorf("%s, open with %#x: read %d, %d bytes, %v, after %d was written", p.name, flags, n, k, err, before)
							return
						}
					}
				})
			})
		}
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
}

// TestReplaceRace replaces a file by rename(2), in turn beside the mount and in a
// view. A name may lead to the file before for the entry timeout, but never back
// to an earlier one; and what is open stays what it was.
func TestReplaceRace(t *testing.T) {
	dir := tree(t, "f")
	at := shared(t, dir)
	number := func(fd int) uint64 {
		b := make([]byte, 8)
		if k, err := unix.Pread(fd, b, 0); err != nil || k != len(b) {
			t.Errorf("read of the file: %d bytes, %v", k, err)
		}
		return binary.NativeEndian.Uint64(b)
	}
	put := func(party string, uid int, n uint64) {
		as(uid, func() {
			err := os.WriteFile(at(party, "new-"+party), binary.NativeEndian.AppendUint64(nil, n), 0o644)
			if err == nil {
				err = os.Rename(at(party, "new-"+party), at(party, "f"))
			}
			if err != nil {
				t.Errorf("%s replaces the file: %v", party, err)
			}
		})
	}
	put("beside", 0, 1)
	const last = 200
	var readers sync.WaitGroup
	for _, p := range parties {
		waitFor(t, func() (there bool) { // the first number may be known as another file
			as(p.uid, func() {
				there = opened(at(p.name, "f"), unix.O_RDONLY, func(fd int) error { number(fd); return nil }) == nil
			})
			return there
		})
		readers.Go(func() {
			as(p.uid, func() {
				deadline := time.Now().Add(hangs)
				for seen := uint64(0); seen < last && !t.Failed(); {
					if err := opened(at(p.name, "f"), unix.O_RDONLY, func(fd int) error {
						n := number(fd)
						if n < seen {
							t.Errorf("%s reads %d by name, after it has read %d", p.name, n, seen)
						}
						if again := number(fd); again != n {
							t.Errorf("%s reads %d, then %d in the same file", p.name, n, again)
						}
						seen = n
						return nil
					}); err != nil && errnoOf(err) != syscall.ESTALE {
						// ESTALE: replaced between lookup and open, twice; the kernel looks
						// a name up anew only once.
						t.Errorf("%s: open: %v", p.name, err)
					}
					if time.Now().After(deadline) {
						t.Errorf("%s still reads %d", p.name, seen)
					}
				}
			})
		})
	}
	for n := uint64(2); n <= last; n++ {
		p := parties[n%uint64(len(parties))]
		put(p.name, p.uid, n)
	}
	readers.Wait()
}
