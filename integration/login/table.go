package login

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"grantfs/policy"
)

// Session is one session that is open.
type Session struct {
	policy.Session
	Service string `json:"service"` // PAM service
	PID     int    `json:"pid"`     // sshd's monitor, vsftpd's privileged parent
}

// live is a Session with what belongs to it.
type live struct {
	Session
	monitor *process
	socket  uint64        // inode of the socket that every process of it inherits
	ended   chan struct{} // closed when it is out of the table
	number  uint64        // of the record
	record  *record
}

// place is room for one session that an admitted login will open.
type place struct {
	policy.Session // without ID
	monitor        *process
	number         uint64 // of the record, 0 for none
}

// Table is the sessions that are open and the logins that were admitted and have
// not opened theirs yet: these count too, so that no burst of logins passes
// max_sessions. Safe for concurrent use.
type Table struct {
	mu sync.Mutex
	// mu guards the following.
	last    uint64
	kept    map[int]*place // by the monitor's pid
	open    map[uint64]*live
	byPID   map[int]*live     // by the monitor's pid
	known   map[int]*relative // by the pid of a request
	records *records          // nil for none
}

func newTable() *Table {
	return &Table{kept: make(map[int]*place), open: make(map[uint64]*live), byPID: make(map[int]*live), known: make(map[int]*relative)}
}

// Sessions returns the sessions that are open, the oldest first.
func (t *Table) Sessions() []Session {
	open := t.list()
	list := make([]Session, len(open))
	for i, l := range open {
		list[i] = l.Session
	}
	return list
}

func (t *Table) list() []*live {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedFunc(maps.Values(t.open), func(a, b *live) int { return cmp.Compare(a.ID, b.ID) })
}

// admit asks the policy for one more session of v's account and, if it agrees,
// keeps a place for it until the monitor opens the session, asks again, or ends.
// The monitor is the table's from now on.
func (t *Table) admit(v *policy.View, a policy.Attempt, now time.Time, monitor *process) policy.Admission {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(monitor.pid)
	var sessions []policy.Session
	for _, l := range t.open {
		if l.Account == v.Account() {
			sessions = append(sessions, l.Session.Session)
		}
	}
	for pid, p := range t.kept {
		if !p.monitor.alive() {
			t.drop(pid)
			continue
		}
		sessions = append(sessions, p.Session)
	}
	answer := v.Admit(a, now, sessions)
	if !answer.Allowed() {
		monitor.close()
		return answer
	}
	p := &place{monitor: monitor, Session: policy.Session{
		Account: v.Account(), Protocol: a.Protocol, Method: a.Method, Addr: a.Addr,
	}}
	// One that is not written down is lost with the process: that login fails then.
	p.number, _, _ = t.save(Session{Session: p.Session, PID: monitor.pid}, monitor, 0)
	t.kept[monitor.pid] = p
	return answer
}

// drop gives a place back. The caller holds mu.
func (t *Table) drop(pid int) {
	if p, ok := t.kept[pid]; ok {
		p.monitor.close()
		t.records.give(p.number)
		delete(t.kept, pid)
	}
}

// forget gives back the place that was kept for a monitor.
func (t *Table) forget(pid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop(pid)
}

// admitted returns what was admitted for a monitor.
func (t *Table) admitted(pid int, account string) (policy.Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.kept[pid]
	if !ok || p.Account != account || !p.monitor.alive() {
		return policy.Session{}, false
	}
	return p.Session, true
}

// errNotAdmitted says that a session was to be opened that no admission came
// before.
var errNotAdmitted = errors.New("no login was admitted")

// start turns the place that was kept for a monitor into a session.
func (t *Table) start(r request, pid int, method string, now time.Time) (*live, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, ok := t.kept[pid]
	if !ok || p.Account != r.user {
		return nil, errNotAdmitted
	}
	l := &live{monitor: p.monitor, socket: r.socket, ended: make(chan struct{}), Session: Session{Session: p.Session, Service: r.service, PID: pid}}
	l.ID, l.Since, l.Method = t.last+1, now, method
	if err := t.records.count(l.ID); err != nil {
		return nil, err
	}
	var err error
	if l.number, l.record, err = t.save(l.Session, p.monitor, l.socket); err != nil {
		return nil, err
	}
	t.records.give(p.number)
	delete(t.kept, pid)
	t.last = l.ID
	t.open[l.ID], t.byPID[pid] = l, l
	return l, nil
}

// save writes a session or a place down.
func (t *Table) save(s Session, monitor *process, socket uint64) (uint64, *record, error) {
	began, err := monitor.began()
	if err != nil {
		return 0, nil, err
	}
	return t.records.save(saved{Session: s, Started: began, Socket: socket})
}

// end takes a session out.
func (t *Table) end(l *live) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, l.ID)
	if t.byPID[l.PID] == l { // else it was killed, and its pid is another's
		delete(t.byPID, l.PID)
	}
	for pid, r := range t.known {
		if r.session == l {
			t.unrelate(pid)
		}
	}
	l.monitor.close()
	t.records.give(l.number)
	close(l.ended)
}
