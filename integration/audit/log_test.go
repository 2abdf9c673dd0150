package audit

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, o Options) *Log {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// lines returns the entries of files, each line of which must be one.
func lines(t *testing.T, paths ...string) []Entry {
	t.Helper()
	var list []Entry
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var e Entry
			if err := json.Unmarshal(s.Bytes(), &e); err != nil {
				t.Errorf("%s: line %q: %v", path, s.Text(), err)
			}
			list = append(list, e)
		}
	}
	return list
}

func closed(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNames: whatever a name holds, it is one line, and all of it is there.
func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "audit.log")
	l := open(t, Options{Path: path})
	names := []string{"/plain", "/a\nb\"c\\d\x00\x1b[2J", "/caf\xe9", "/é\u2028", "/" + strings.Repeat("x", 5000)}
	for _, name := range names {
		l.Write(Entry{Event: Operation, Account: "alice", Path: name, To: name, Result: OK})
	}
	closed(t, l)
	l.Write(Entry{}) // is nothing, and no panic
	got := lines(t, path)
	if len(got) != len(names) {
		t.Fatalf("%d lines, want %d", len(got), len(names))
	}
	for i, e := range got {
		for what, have := range map[string][2]string{"vpath": {e.Path, string(e.PathBytes)}, "to": {e.To, string(e.ToBytes)}} {
			if have[1] == "" {
				have[1] = have[0]
			}
			if have[1] != names[i] {
				t.Errorf("%s %q, want %q", what, have[1], names[i])
			}
		}
		if e.Time.IsZero() || time.Since(e.Time) < 0 {
			t.Errorf("time %v", e.Time)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v, want a file of mode 0600", info.Mode(), err)
	}
}

// TestHalfLine: what a killed process has left half is not there any more, and
// what is whole stays.
func TestHalfLine(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "a line": "{}\n", "a line and a half": "{}\n{\"ev", "half a line": "{\"ev",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			l := open(t, Options{Path: path})
			l.Write(Entry{Account: "alice", Result: OK})
			closed(t, l)
			got := lines(t, path)
			if len(got) != 1+strings.Count(text, "\n") || got[len(got)-1].Account != "alice" {
				t.Errorf("%d lines: %+v", len(got), got)
			}
		})
	}
}

// TestRotate: no file is larger than it may be, the newest are kept, and nothing
// is lost or there twice at the seams.
func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	const size, keep = 400_000, 2
	n := 0
	for range 8 { // each at most once through the queue
		l := open(t, Options{Path: path, MaxSize: size, Keep: keep})
		for range 1000 {
			n++
			l.Write(Entry{Event: Operation, Account: "alice", Session: uint64(n), Path: strings.Repeat("x", 100), Result: OK})
		}
		closed(t, l)
		if l.Lost() != 0 {
			t.Errorf("%d lost", l.Lost())
		}
	}
	paths := []string{path + ".2", path + ".1", path}
	got := lines(t, paths...)
	for i, e := range got {
		if want := uint64(n - len(got) + i + 1); e.Session != want {
			t.Fatalf("entry %d is number %d, want %d", i, e.Session, want)
		}
	}
	for _, p := range paths {
		if info, err := os.Stat(p); err != nil || info.Size() > size {
			t.Errorf("%s: %v, %v", p, info.Size(), err)
		}
	}
	if _, err := os.Stat(path + ".3"); err == nil {
		t.Error("more are kept than were wanted")
	}
}

// TestReopen: after somebody has moved the file away, it goes on in a new one.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, Options{Path: path})
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	l.Reopen()
	for { // until it is there
		if _, err := os.Stat(path); err == nil {
			break
		}
	}
	l.Write(Entry{Account: "alice", Result: OK})
	closed(t, l)
	if got := lines(t, path); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestRefusals: one account's refusals are summed up, others' are not touched, and
// what was done is written always.
func TestRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, Options{Path: path})
	for range perWindow + 1000 {
		l.Write(Entry{Event: Operation, Account: "noisy", Operation: "create", Result: "no_permission"})
	}
	l.Write(Entry{Event: Operation, Account: "quiet", Operation: "create", Result: "no_permission"})
	l.Write(Entry{Event: Operation, Account: "noisy", Operation: "create", Result: OK})
	closed(t, l)
	count := map[string]int{}
	for _, e := range lines(t, path) {
		count[e.Account+" "+e.Result] += max(1, e.Count)
	}
	if count["noisy no_permission"] != perWindow+1000 || count["quiet no_permission"] != 1 || count["noisy ok"] != 1 {
		t.Errorf("counted %v", count)
	}
	if n := len(lines(t, path)); n != perWindow+3 {
		t.Errorf("%d lines", n)
	}
}

// TestFull: who writes never waits; what is lost is counted, and told.
func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := &Log{ // nobody takes anything from the queue yet
		opt: Options{Path: path}, entries: make(chan Entry, 2), quit: make(chan struct{}), done: make(chan struct{}),
		file: f, refusals: map[string]*refusals{},
	}
	for range 5 {
		l.Write(Entry{Account: "alice", Result: OK})
	}
	go l.run()
	closed(t, l)
	got := lines(t, path)
	if l.Lost() != 3 || len(got) != 3 || got[0].Event != "lost" || got[0].Count != 3 {
		t.Errorf("%d lost, lines: %+v", l.Lost(), got)
	}
}

// TestUnwritten: of what the disk does not take each line is lost.
func TestUnwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, Options{Path: path})
	if err := l.file.close(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		l.Write(Entry{Account: "alice", Result: OK})
	}
	if err := l.Close(); err == nil {
		t.Error("a file that was closed was closed again")
	}
	if l.Lost() != 5 {
		t.Errorf("%d lost, want 5", l.Lost())
	}
}

// TestRotateAgain: while no new file can be made, each try leaves the old ones where
// they are.
func TestRotateAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if f, err = f.rotate(path, 2); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil { // as if it had not been made
			t.Fatal(err)
		}
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, path+".1"); len(got) != 1 {
		t.Errorf("%d lines in the last file, want 1", len(got))
	}
}
