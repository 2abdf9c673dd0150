package login

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"grantfs/fs/memory"
	"grantfs/policy"
)

// shelf is a Keep whose content outlives servers.
type shelf struct {
	t    *testing.T
	full bool // no more is held
	mu   sync.Mutex
	fds  map[uint64]int // guarded by mu
}

func (s *shelf) Held() map[uint64]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := maps.Clone(s.fds)
	for number, fd := range list {
		list[number] = duplicate(s.t, fd)
	}
	return list
}

func duplicate(t *testing.T, fd int) int {
	t.Helper()
	fd, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func (s *shelf) Hold(number uint64, fd int) error {
	if s.full {
		return syscall.EMFILE
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err := syscall.Dup(fd)
	s.fds[number] = fd
	return err
}

func (s *shelf) Drop(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fd, ok := s.fds[number]; ok {
		syscall.Close(fd)
		delete(s.fds, number)
	}
}

type silent struct{}

func (silent) Login(string, policy.AdmitReason)                {}
func (silent) HasCode(string) (bool, error)                    { return false, nil }
func (silent) UseCode(string, string, time.Time) (bool, error) { return false, nil }

// relay is one Server after another behind one memory and one shelf.
type relay struct {
	*Server
	t      *testing.T
	path   string
	view   *policy.View
	memory *memory.Memory
	shelf  *shelf
	events chan Event // that were told
	end    func()
}

func newRelay(t *testing.T, sessions int64) *relay {
	t.Helper()
	m, err := memory.New()
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{t: t, events: make(chan Event, 100), path: filepath.Join(t.TempDir(), "pam.sock"), view: limited(t, "alice", sessions), memory: m, shelf: &shelf{t: t, fds: map[uint64]int{}}}
	r.next()
	t.Cleanup(func() {
		r.end()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// next begins another server, as a process would that follows the last one.
func (r *relay) next() {
	r.t.Helper()
	if r.end != nil {
		r.end()
	}
	m, err := memory.Open(duplicate(r.t, r.memory.FD()))
	if err != nil {
		r.t.Fatal(err)
	}
	l, err := Listen(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Server = New(ServerOptions{
		Log: slog.New(slog.NewTextHandler(r.t.Output(), nil)), Observer: silent{}, Codes: silent{},
		Account:         func(name string) (*policy.View, bool) { return r.view, name == "alice" },
		PasswordChanged: func(string) time.Time { return time.Now() },
		PasswordUsed:    func(string) {},
		Record:          func(e Event) { r.events <- e },
	})
	if err := r.Resume(m, r.shelf); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l) }()
	r.end = func() {
		cancel()
		if err := <-served; err != nil {
			r.t.Errorf("Serve = %v", err)
		}
		if err := m.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

// ask asks as the PAM module does, in this process's name, and returns the
// connection.
func (r *relay) ask(phase, want string) net.Conn {
	r.t.Helper()
	conn, err := net.Dial("unixpacket", r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	fields := []string{magic, phase, "FTPS", "grantfs-vsftpd", "alice", "192.0.2.1", "proved ", "1", ""}
	if _, err := fmt.Fprint(conn, strings.Join(fields, "\x00")); err != nil {
		r.t.Fatal(err)
	}
	if got := hear(r.t, conn); !strings.HasPrefix(got, want) {
		r.t.Errorf("%s: %q, want %q", phase, got, want)
	}
	return conn
}

func hear(t *testing.T, conn net.Conn) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 256)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer[:n])
}

// TestResume: what was let in is known to one server after another, counts, and
// ends when its client does, also while nobody serves.
func TestResume(t *testing.T) {
	r := newRelay(t, 1)
	r.ask("account", "OK").Close()
	r.next()
	first := r.ask("session", "OK") // its admission was another server's
	before := r.table.Sessions()
	if len(before) != 1 || before[0].ID != 1 {
		t.Fatalf("sessions: %+v", before)
	}
	for range 2 {
		r.next()
		if diff := cmp.Diff(before, r.table.Sessions(), cmpopts.EquateComparable(before[0].Addr)); diff != "" {
			t.Errorf("sessions, before and after:\n%s", diff)
		}
		r.ask("account", "NO This account has too many").Close()
	}

	// It ends under a server that has only heard of it,
	ended := r.table.list()[0].ended
	first.Close()
	<-ended
	r.ask("account", "OK").Close()
	second := r.ask("session", "OK")
	if list := r.table.Sessions(); len(list) != 1 || list[0].ID != 2 {
		t.Errorf("sessions: %+v", list)
	}
	// and between two servers.
	r.end()
	second.Close()
	r.end = nil
	r.next()
	for _, l := range r.table.list() {
		<-l.ended
	}
	r.ask("account", "OK").Close()
	if third := r.ask("session", "OK"); third != nil {
		if list := r.table.Sessions(); len(list) != 1 || list[0].ID != 3 {
			t.Errorf("sessions: %+v", list)
		}
	}
	if n := len(r.shelf.Held()); n != 1 {
		t.Errorf("%d connections are held, want that of the one session", n)
	}
}

// TestResumeUnanswered: a session whose process ended before it had answered is
// answered by the next one; one whose connection was not held yet never was.
func TestResumeUnanswered(t *testing.T) {
	r := newRelay(t, 2)
	r.ask("account", "OK").Close()
	conn := r.ask("session", "OK")
	l := r.table.list()[0]
	for !l.record.answered.CompareAndSwap(1, 0) { // it is noted after it was said
		runtime.Gosched()
	}
	r.next()
	if got := hear(t, conn); got != answerOK {
		t.Errorf("the next server says %q", got)
	}
	r.shelf.Drop(l.number)
	r.next()
	if list := r.table.Sessions(); len(list) != 0 {
		t.Errorf("sessions that nobody has: %+v", list)
	}
}

// TestUnheld: a session whose connection can't be held never was, and nobody is told
// that it began.
func TestUnheld(t *testing.T) {
	r := newRelay(t, 1)
	r.shelf.full = true
	r.ask("account", "OK").Close()
	r.ask("session", "NO").Close()
	if list := r.table.Sessions(); len(list) != 0 || len(r.events) != 0 {
		t.Errorf("sessions: %+v, %d events", list, len(r.events))
	}
	r.ask("account", "OK").Close() // its place is free
}

// TestReopenProcess: a process is known by its number and when it began.
func TestReopenProcess(t *testing.T) {
	f := start(t)
	began, err := f.monitor.began()
	if err != nil {
		t.Fatal(err)
	}
	same, other := reopenProcess(f.monitor.pid, began), reopenProcess(f.monitor.pid, began+1)
	defer same.close()
	if !same.alive() || other.alive() || !other.wait() || other.kill() != nil {
		t.Errorf("the same one is alive: %v, another one: %v", same.alive(), other.alive())
	}
	f.end()
	if same.alive() || reopenProcess(f.monitor.pid, began).alive() {
		t.Error("it has ended and is alive")
	}
}
