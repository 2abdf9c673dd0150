package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"grantfs/integration/socket"
	"grantfs/policy"
)

// SocketPath is where the PAM module finds the daemon unless its arguments say
// otherwise.
const SocketPath = "/run/grantfs/pam.sock"

const (
	// patience is how long a question may take to come; the module waits as long
	// for the answer.
	patience = 5 * time.Second
	// codePatience is how long a code may take to be typed; sshd's LoginGraceTime
	// ends what lasts longer.
	codePatience = 2 * time.Minute
	// typePatience is how long a password may take to be typed.
	typePatience = 2 * time.Minute
	// orphanGrace is how long the processes of a session may outlive its monitor.
	orphanGrace = time.Second
)

// Observer is told how each login ended, AdmitOK for a session that opened. It
// must be quick and safe for concurrent use.
type Observer interface {
	Login(protocol string, reason policy.AdmitReason)
}

// Event is a session that was opened or has ended, or a login that was refused.
type Event struct {
	Session                  // without ID and PID for a login that was refused
	Refusal policy.Admission // the zero Admission unless it was
	Ended   bool
}

// ServerOptions are what a Server needs; all of it but what may be nil. The functions are called for each
// login, by several goroutines, and must not look up names through NSS.
type ServerOptions struct {
	Log      *slog.Logger
	Observer Observer
	// Account returns the view of an account; ours is false for a name that is
	// no account. One without a view can't log in.
	Account func(name string) (v *policy.View, ours bool)
	// Codes has the second factors. It is asked where the policy wants one.
	Codes Codes
	// PasswordChanged returns when the account's password was set, the zero Time
	// if nobody knows.
	PasswordChanged func(name string) time.Time
	// PasswordUsed is told of each session that was opened with a password.
	PasswordUsed func(name string)
	// Record is told of every Event, and must not wait; nil: nobody is.
	Record func(Event)
}

// Server answers the PAM module. It is safe for concurrent use.
type Server struct {
	ServerOptions
	table   *Table
	wrong   wrongCodes
	keep    Keep // nil for none
	resumed []attended
	hooks   *hooks
	idle    idleness
}

// record tells whoever wants to know of an event.
func (s *Server) record(e Event) {
	if s.Record != nil {
		s.Record(e)
	}
}

// New returns a Server with an empty table.
func New(o ServerOptions) *Server {
	return &Server{ServerOptions: o, table: newTable(), hooks: newHooks()}
}

// Table returns the sessions that the server has let in.
func (s *Server) Table() *Table { return s.table }

// Listen makes the socket of the PAM module at path, for root alone.
func Listen(path string) (net.Listener, error) { return socket.ListenPackets(path, 0o600) }

// Serve answers what connects to l until ctx ends, then closes l and every
// connection, and returns when the last of its goroutines has. The error is nil
// after ctx ended. The sessions that were open then are no longer known, but to who
// resumes them.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	closing, wait := s.attendResumed()
	defer wait()
	defer closing()
	if err := socket.Serve(ctx, l, s.Log, s.converse); err != nil {
		return fmt.Errorf("serve logins: %w", err)
	}
	return nil
}

// converse answers one question. No answer means no to members of our group.
func (s *Server) converse(conn net.Conn) {
	peer, err := socket.Peer(conn)
	if err != nil || peer.Uid != 0 {
		s.Log.Warn("a question about a login that is not root's", "error", err)
		return
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return
	}
	r, err := readRequest(conn)
	if err != nil {
		s.Log.Warn("a question about a login makes no sense", "pid", peer.Pid, "error", err)
		return
	}
	view, ours := s.Account(r.user)
	if !ours {
		s.answer(conn, answerOther)
		return
	}
	v := s.visit(r, view, int(peer.Pid))
	switch r.phase {
	case phaseAuth:
		s.answer(conn, s.auth(conn, v))
	case phaseProved:
		s.answer(conn, s.proved(conn, v))
	case phaseAccount:
		s.answer(conn, s.account(v))
	case phaseSession:
		s.session(conn, v)
	}
}

func readRequest(conn net.Conn) (request, error) {
	packet := make([]byte, maxPacket+1)
	n, err := conn.Read(packet)
	if err != nil {
		return request{}, fmt.Errorf("read it: %w", err)
	}
	return parseRequest(packet[:n])
}

// answer reports whether the asker got its answer.
func (s *Server) answer(conn net.Conn, text string) bool {
	_, err := conn.Write([]byte(text))
	if err != nil {
		s.Log.Warn("answer about a login", "error", err)
	}
	return err == nil
}

// session opens a session, which lasts until the other end is closed by all that
// have it: every process of the session.
func (s *Server) session(conn net.Conn, v visit) {
	l, ok := s.open(conn, v)
	if !ok {
		s.answer(conn, answerNo)
		return
	}
	s.attend(conn, l)
}

// attend stays with a session until it ends; or until the connection is closed
// here, since somebody else will go on with it.
func (s *Server) attend(conn net.Conn, l *live) {
	if err := s.attendTo(conn, l); errors.Is(err, net.ErrClosed) {
		return
	}
	s.close(l)
}

// attendTo returns what was wrong with the connection at the end.
func (s *Server) attendTo(conn net.Conn, l *live) error {
	// One that comes from an earlier process may hear it a second time, and does not
	// listen any more.
	if l.record.answered.Load() == 0 {
		if _, err := conn.Write([]byte(answerOK)); err != nil {
			return err
		}
		l.record.answered.Store(1)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	var watch sync.WaitGroup
	defer watch.Wait()
	defer l.monitor.close()
	watch.Go(func() {
		if l.monitor.wait() {
			// The end wakes the loop below, unless somebody still holds the socket.
			_ = conn.SetReadDeadline(time.Now().Add(orphanGrace))
		}
	})
	var buf [1]byte
	for {
		_, err := conn.Read(buf[:])
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		// sshd's monitor was killed and the session goes on without it, or one of
		// its processes does what none of them would.
		s.Log.Warn("kill what is left of a session", "id", l.ID, "account", l.Account)
		if err := l.kill(); err != nil {
			s.Log.Error("kill what is left of a session", "id", l.ID, "account", l.Account, "error", err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(orphanGrace)); err != nil {
			return err
		}
	}
}
