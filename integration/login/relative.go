package login

import "net/netip"

// maxSteps is how many parents OfPid asks for: a program of a session may have
// started others.
const maxSteps = 8

// relative is a process that was found to belong to a session.
type relative struct {
	session *live
	process *process
}

// OfPid returns the session that a process or thread belongs to: that of the
// monitor among its parents. What it found it remembers for as long as process
// and session live, so that it still knows after the monitor was killed. Asked
// for the first time after that, it does not know.
//
// The caller must compare the account with the one that it deals with: a parent
// that ends while it is asked for may be mistaken for another process.
func (t *Table) OfPid(pid int) (Session, bool) {
	if pid <= 0 {
		return Session{}, false
	}
	t.mu.Lock()
	r, ok := t.known[pid]
	if ok && r.process.alive() {
		s := r.session.Session
		t.mu.Unlock()
		return s, true
	}
	if ok {
		t.unrelate(pid)
	}
	none := len(t.open) == 0
	t.mu.Unlock()
	if none {
		return Session{}, false
	}
	return t.find(pid)
}

// Source is OfPid for whom account and address of the client are enough.
func (t *Table) Source(pid int) (account string, addr netip.Addr, ok bool) {
	s, ok := t.OfPid(pid)
	return s.Account, s.Addr, ok
}

// find walks up from pid to the monitor of a session.
func (t *Table) find(pid int) (Session, bool) {
	k, err := readKin(pid)
	if err != nil {
		return Session{}, false
	}
	p, err := openProcess(k.tgid)
	if err != nil {
		return Session{}, false
	}
	at := k.tgid
	for range maxSteps {
		if s, ok := t.relate(pid, p, at); ok {
			return s, true
		}
		if k, err = readKin(at); err != nil || k.parent <= 1 {
			break
		}
		at = k.parent
	}
	p.close()
	return Session{}, false
}

// relate remembers pid, which is of process p, as one of the session whose
// monitor is at, if there is one.
func (t *Table) relate(pid int, p *process, at int) (Session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.byPID[at]
	// While both live, none of the pids that led here is another's.
	if !ok || !l.monitor.alive() || !p.alive() {
		return Session{}, false
	}
	if _, ok := t.known[pid]; ok {
		t.unrelate(pid)
	}
	t.known[pid] = &relative{session: l, process: p}
	return l.Session, true
}

// unrelate forgets a process. The caller holds mu.
func (t *Table) unrelate(pid int) {
	t.known[pid].process.close()
	delete(t.known, pid)
}
