package login

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// kickPatience is how long Kick waits for what it has killed.
const kickPatience = 2 * time.Second

// Kick ends every session of an account at once, and every login of it that was
// admitted and has not opened one yet, by killing their processes. It returns
// how many sessions there were, when the last process of each is gone. The error
// names the processes that could not be killed and the sessions that are still
// open after 2 s.
func (t *Table) Kick(account string) (int, error) {
	var sessions []*live
	var errs []error
	t.mu.Lock()
	for _, l := range t.open {
		if l.Account == account {
			sessions = append(sessions, l)
		}
	}
	for _, p := range t.kept {
		if p.Account == account {
			errs = append(errs, p.monitor.kill())
		}
	}
	t.mu.Unlock()
	for _, l := range sessions {
		errs = append(errs, l.kill())
	}
	patience := time.NewTimer(kickPatience)
	defer patience.Stop()
	for _, l := range sessions {
		select {
		case <-l.ended:
		case <-patience.C:
			return len(sessions), errors.Join(append(errs, fmt.Errorf("session %d of %s does not end", l.ID, account))...)
		}
	}
	return len(sessions), errors.Join(errs...)
}

// End kills the session of an account that a process or thread belongs to. A process
// that belongs to no session is killed alone if it is of uid. Any other has ended, and
// what it had open is somebody else's: then all sessions of the account are killed, and
// whoever is of uid and belongs to none. It returns how many sessions and processes
// beside them were, without waiting for their end.
func (t *Table) End(pid int, uid uint32, account string) (int, error) {
	of, known := t.OfPid(pid)
	if k, err := readKin(pid); !known && err == nil && k.uid == uid {
		return 1, killOf(uid, []int{k.tgid})
	}
	ours := known && of.Account == account
	n, errs := 0, []error(nil)
	if !ours {
		strays, err := t.strays(uid)
		n, errs = len(strays), append(errs, err, killOf(uid, strays))
	}
	for _, l := range t.list() {
		if l.Account == account && (!ours || l.ID == of.ID) {
			n, errs = n+1, append(errs, l.kill())
		}
	}
	return n, errors.Join(errs...)
}

// strays returns the processes of uid that belong to no session; never root's.
func (t *Table) strays(uid uint32) (list []int, err error) {
	if uid == 0 {
		return nil, nil
	}
	pids, err := processes()
	for _, pid := range pids {
		if k, err := readKin(pid); err != nil || k.uid != uid {
			continue
		}
		p, err := openProcess(pid)
		if err != nil {
			continue
		}
		if _, known := t.OfPid(pid); !known && p.alive() { // no zombie
			list = append(list, pid)
		}
		p.close()
	}
	return list, err
}

// killOf kills those processes that are of uid.
func killOf(uid uint32, pids []int) error {
	return killAll(pids, func(pid int) bool {
		k, err := readKin(pid)
		return err == nil && k.uid == uid
	})
}

// KickAll ends the sessions of everybody, without waiting for the end of any.
func (t *Table) KickAll() error { return kill(t.list()...) }

// kill is kill of one session.
func (l *live) kill() error { return kill(l) }

// kill kills the monitors, whoever holds the sessions' sockets, and what descends
// from them. It reaches those that a killed monitor has left behind.
func kill(sessions ...*live) error {
	if len(sessions) == 0 {
		return nil
	}
	pids, err := processes()
	if err != nil {
		return err
	}
	parents := make(map[int]int, len(pids))
	for _, pid := range pids {
		if k, err := readKin(pid); err == nil {
			parents[pid] = k.parent
		}
	}
	monitors, sockets := map[int]bool{}, map[string]bool{}
	for _, l := range sessions {
		monitors[l.PID] = l.monitor.alive()
		sockets[socketLink(l.socket)] = true
	}
	ours := func(pid int) bool { return monitors[pid] || pid != os.Getpid() && holds(pid, sockets) }
	var family []int
	for _, pid := range pids {
		if ours(pid) {
			family = append(family, pid)
		}
	}
	for i := 0; i < len(family); i++ {
		for pid, parent := range parents {
			if parent == family[i] && !slices.Contains(family, pid) {
				family = append(family, pid)
			}
		}
	}
	return killAll(family, func(pid int) bool {
		k, err := readKin(pid)
		return err == nil && k.parent == parents[pid]
	})
}

// killAll kills the processes that still are what they were taken for.
func killAll(pids []int, still func(pid int) bool) error {
	var errs []error
	var sure []*process
	for _, pid := range pids {
		p, err := openProcess(pid)
		if err != nil {
			continue // it has ended
		}
		defer p.close()
		if still(pid) {
			sure = append(sure, p)
		}
	}
	// Not before all are open: with its parent gone a child looks like another's.
	for _, p := range sure {
		errs = append(errs, p.kill())
	}
	return errors.Join(errs...)
}
