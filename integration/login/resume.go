package login

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"grantfs/fs/memory"
)

// Keep holds the connections of sessions beyond the process (vault.Shelf). Its
// methods must not wait for anything. Safe for concurrent use.
type Keep interface {
	// Held returns what was held before, by number: descriptors that are the
	// caller's.
	Held() map[uint64]int
	// Hold holds a duplicate of fd.
	Hold(number uint64, fd int) error
	Drop(number uint64)
}

// attended is a session of an earlier process with its connection.
type attended struct {
	*live
	conn net.Conn
}

// Resume takes over the sessions, and the logins that were admitted, which an
// earlier process has written down in m, with their connections, which keep holds.
// What ended meanwhile is noticed as soon as Serve runs. From then on all of them are
// written down and held. To be called before Serve, once.
func (s *Server) Resume(m *memory.Memory, keep Keep) error {
	rs, err := openRecords(m)
	if err != nil {
		return fmt.Errorf("take sessions over: %w", err)
	}
	s.keep = keep
	conns := map[uint64]net.Conn{}
	for number, fd := range keep.Held() {
		f := os.NewFile(uintptr(fd), "session")
		conn, err := net.FileConn(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("take a session over: %w", err)
		}
		conns[number] = conn
	}
	for _, l := range s.table.resume(rs, func(number uint64) bool { return conns[number] != nil }) {
		s.resumed = append(s.resumed, attended{l, conns[l.number]})
		delete(conns, l.number)
	}
	for number, conn := range conns { // the process ended between two steps
		_ = conn.Close()
		keep.Drop(number)
	}
	if n := len(s.resumed); n > 0 {
		s.Log.Info("sessions go on", "sessions", n)
	}
	return nil
}

// attendResumed attends the sessions that were taken over, until the end of each or
// until closing is called, which the caller does; then it may wait.
func (s *Server) attendResumed() (closing func(), wait func()) {
	var group sync.WaitGroup
	for _, a := range s.resumed {
		group.Go(func() {
			defer a.conn.Close()
			s.attend(a.conn, a.live)
		})
	}
	return func() {
		for _, a := range s.resumed {
			_ = a.conn.Close()
		}
	}, group.Wait
}

// hold has the connection of a session held.
func (s *Server) hold(conn net.Conn, l *live) error {
	if s.keep == nil {
		return nil
	}
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return fmt.Errorf("keep the connection of a session: %w", err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = s.keep.Hold(l.number, int(fd)) })
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("keep the connection of a session: %w", err)
	}
	return nil
}

// resume fills an empty table from rs, and returns the sessions. One whose connection
// is not held was never known to who asked for it.
func (t *Table) resume(rs *records, held func(number uint64) bool) []*live {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.records = rs
	if rs.last != nil {
		t.last = rs.last.last.Load()
	}
	var sessions []*live
	for number, r := range rs.slots.Used() {
		if r == rs.last {
			continue
		}
		s, err := r.read()
		if err != nil || s.ID != 0 && !held(number) {
			rs.give(number)
			continue
		}
		monitor := reopenProcess(s.PID, s.Started)
		if s.ID == 0 {
			if !monitor.alive() {
				rs.give(number)
				monitor.close()
				continue
			}
			t.drop(s.PID)
			t.kept[s.PID] = &place{Session: s.Session.Session, monitor: monitor, number: number}
			continue
		}
		l := &live{Session: s.Session, monitor: monitor, socket: s.Socket, ended: make(chan struct{}), number: number, record: r}
		t.open[l.ID], t.byPID[l.PID] = l, l
		t.last = max(t.last, l.ID)
		sessions = append(sessions, l)
	}
	for pid := range t.byPID {
		t.drop(pid) // it became the session that is there too
	}
	return sessions
}
