package userdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves d in a new directory until the test ends, and returns the
// server and its socket.
func serve(t *testing.T, d Directory) (*Server, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), Service)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := New(slog.New(slog.DiscardHandler), d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after Serve the socket is still there: %v", err)
		}
	})
	return s, path
}

// connect connects to the socket at path until the test ends.
func connect(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

const askFoo = `{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"service":"io.grantfs","userName":"o1.foo"}}` + "\x00"

func TestServeManyCallsOnOneConnection(t *testing.T) {
	s, path := serve(t, sample)
	conn := connect(t, path)
	in := bufio.NewReader(conn)
	// The third call is one-way: it has no reply. All are sent at once.
	oneway := strings.Replace(askFoo, `{"method"`, `{"oneway":true,"method"`, 1)
	if _, err := io.WriteString(conn, askFoo+askFoo+oneway+askFoo); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, err := in.ReadString(0); err != nil || !strings.Contains(got, `"o1.foo"`) {
			t.Fatalf("reply = %q, %v, want the record of o1.foo", got, err)
		}
	}
	s.Publish(fixed{})
	if _, err := io.WriteString(conn, askFoo); err != nil {
		t.Fatal(err)
	}
	if got, err := in.ReadString(0); err != nil || !strings.Contains(got, "NoRecordFound") {
		t.Errorf("reply after a new directory = %q, %v, want NoRecordFound", got, err)
	}
}

func TestServeHangsUpOnNonsense(t *testing.T) {
	_, path := serve(t, sample)
	for _, message := range []string{
		"hello\x00", "{}\x00", "\x00", `{"method":7}` + "\x00", `[]` + "\x00", strings.Repeat(" ", 2*maxRequest),
	} {
		conn := connect(t, path)
		// The server may have hung up before all of it is written.
		_, _ = io.WriteString(conn, message)
		if got, _ := io.ReadAll(conn); len(got) != 0 {
			t.Errorf("reply to %.20q = %q, want none", message, got)
		}
	}
}

func TestServeTwentyLookupsForEachOfManyLogins(t *testing.T) {
	_, path := serve(t, sample)
	var logins sync.WaitGroup
	for range 20 {
		logins.Go(func() {
			for range 20 {
				conn, err := net.Dial("unix", path)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.WriteString(conn, askFoo)
				got, readErr := bufio.NewReader(conn).ReadString(0)
				if err = errors.Join(err, readErr, conn.Close()); err != nil || !strings.Contains(got, `"o1.foo"`) {
					t.Errorf("reply = %q, %v, want the record of o1.foo", got, err)
					return
				}
			}
		})
	}
	logins.Wait()
}

func TestConnectionsAreCountedPerUser(t *testing.T) {
	s := New(slog.New(slog.DiscardHandler), nil)
	for range maxPerUser {
		if !s.enter(1000) {
			t.Fatal("refused below the limit")
		}
	}
	if s.enter(1000) {
		t.Errorf("connection %d of one user was let in", maxPerUser+1)
	}
	for uid := uint32(2000); uid < 2000+(maxConnections-maxPerUser)/maxPerUser; uid++ {
		for range maxPerUser {
			if !s.enter(uid) {
				t.Fatal("refused below the limit of all")
			}
		}
	}
	if s.enter(3000) {
		t.Errorf("connection %d of users was let in", maxConnections+1)
	}
	for range maxConnections {
		if !s.enter(0) {
			t.Fatal("what users hold counts against root")
		}
	}
	if s.enter(0) {
		t.Errorf("connection %d of root was let in", maxConnections+1)
	}
	s.leave(1000)
	if !s.enter(3000) {
		t.Error("refused although one had left")
	}
	for range maxPerUser - 1 {
		s.leave(1000)
	}
	if _, kept := s.open[1000]; kept {
		t.Error("a user without connections is still counted")
	}
}

func TestServeReportsAListenerThatIsGone(t *testing.T) {
	l, err := Listen(filepath.Join(t.TempDir(), Service))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := New(slog.New(slog.DiscardHandler), nil).Serve(context.Background(), l); err == nil {
		t.Error("Serve on a closed listener = nil, want an error")
	}
}

// FuzzConverse says anything to the server, in one piece: it hangs up or answers
// in whole messages, and never tells a hash.
func FuzzConverse(f *testing.F) {
	f.Add([]byte(askFoo + askFoo))
	f.Add([]byte(strings.Replace(askFoo, "GetUserRecord", "GetMemberships", 1) + "{}\x00"))
	f.Add([]byte(`{"method":"org.varlink.service.GetInfo","parameters":[1]}` + "\x00\x00"))
	f.Add([]byte(`{"more":true,"oneway":true,"method":"io.systemd.UserDatabase.GetGroupRecord","parameters":{"service":"io.grantfs","gid":4294967295}}` + "\x00"))
	f.Fuzz(func(t *testing.T, said []byte) {
		s := New(slog.New(slog.DiscardHandler), sample)
		server, client := net.Pipe()
		var both sync.WaitGroup
		both.Go(func() {
			s.converse(server)
			_ = server.Close()
		})
		both.Go(func() {
			_, _ = client.Write(said) // the server may have hung up
			// A message that never ends is waited for: five seconds are too long here.
			_, _ = client.Write(append(make([]byte, 1), bytes.Repeat([]byte{' '}, 2*maxRequest)...))
		})
		heard, err := io.ReadAll(client)
		both.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(heard, []byte(hash)) {
			t.Errorf("a hash for somebody who is not root: %s", heard)
		}
		for message := range bytes.SplitAfterSeq(heard, []byte{0}) {
			if len(message) > 0 && !json.Valid(bytes.TrimSuffix(message, []byte{0})) {
				t.Errorf("half a message: %q", message)
			}
		}
		if s.openAll != 0 {
			t.Errorf("%d connections are still counted", s.openAll)
		}
	})
}
