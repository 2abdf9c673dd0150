package login

import (
	"sync"
	"time"
)

// idleness is how long each session has done nothing. Safe for concurrent use.
type idleness struct {
	mu   sync.Mutex // a leaf
	last map[uint64]activity
}

// activity is what was seen of a session's processes last.
type activity struct {
	count int // differs when they have done something
	since time.Time
}

// endIdle kills the sessions of accounts with idle_timeout that have done nothing
// for as long. What is looked at are the processes that serve files, not those that
// hold the connection: a client that only says that it is alive is idle.
func (s *Server) endIdle(now time.Time) error {
	limits := make(map[*live]time.Duration)
	for _, l := range s.table.list() {
		view, _ := s.Account(l.Account)
		if view == nil {
			continue
		}
		if limit := view.Effective().Scalars.IdleTimeout; limit.Set && limit.Value > 0 {
			limits[l] = limit.Value
		}
	}
	if len(limits) == 0 {
		s.idle.forget(nil)
		return nil
	}
	counts, err := activities(limits)
	if err != nil {
		return err
	}
	s.idle.forget(counts)
	for l, limit := range limits {
		lasted := s.idle.lasted(l.ID, counts[l.ID], now)
		if lasted < limit {
			continue
		}
		s.Log.Info("session is idle", "id", l.ID, "account", l.Account, "protocol", l.Protocol, "since", lasted.Round(time.Second))
		if err := l.kill(); err != nil {
			s.Log.Error("end a session that is idle", "id", l.ID, "account", l.Account, "error", err)
		}
	}
	return nil
}

// lasted returns for how long the count of a session has been what it is.
func (i *idleness) lasted(id uint64, count int, now time.Time) time.Duration {
	i.mu.Lock()
	defer i.mu.Unlock()
	if a, ok := i.last[id]; ok && a.count == count {
		return now.Sub(a.since)
	}
	if i.last == nil {
		i.last = make(map[uint64]activity)
	}
	i.last[id] = activity{count, now}
	return 0
}

// forget forgets the sessions that are not among those.
func (i *idleness) forget(but map[uint64]int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for id := range i.last {
		if _, ok := but[id]; !ok {
			delete(i.last, id)
		}
	}
}

// activities counts how often the processes of each session that serve files have
// had something to do: each time they were woken.
func activities(sessions map[*live]time.Duration) (map[uint64]int, error) {
	serving, err := servers(sessions)
	if err != nil {
		return nil, err
	}
	counts := make(map[uint64]int, len(sessions))
	for l, pids := range serving {
		for _, pid := range pids {
			if k, err := readKin(pid); err == nil {
				counts[l.ID] += k.woken
			}
		}
	}
	return counts, nil
}

// servers returns the processes of each session that serve files: those that have
// no children.
func servers[T any](sessions map[*live]T) (map[*live][]int, error) {
	pids, err := processes()
	if err != nil {
		return nil, err
	}
	children := make(map[int][]int, len(pids))
	for _, pid := range pids {
		if k, err := readKin(pid); err == nil {
			children[k.parent] = append(children[k.parent], pid)
		}
	}
	serving := make(map[*live][]int, len(sessions))
	for l := range sessions {
		family := []int{l.PID}
		for i := 0; i < len(family) && i < len(pids); i++ {
			below := children[family[i]]
			if len(below) == 0 {
				serving[l] = append(serving[l], family[i])
			}
			family = append(family, below...)
		}
	}
	return serving, nil
}
