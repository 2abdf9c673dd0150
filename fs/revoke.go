package fs

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"syscall"

	"grantfs/fs/node"
	"grantfs/policy"
)

// OpenHandle is an open file or directory that the policy does not allow any
// more.
type OpenHandle struct {
	Account string
	PID     int // thread that opened it, in the daemon's PID namespace; it may be gone
	UID     uint32
	Mode    HandleMode
}

// Revoked returns the open handles that the policy of this moment would not
// let anybody open like that: a right is missing, or a limit has come that what
// is passed through would escape. What is mediated, and directories, are refused
// at their next request; what is passed through goes on until its session ends
// (product.md §4, decision 8). It makes no system call; its cost is that of the
// open handles. What a preset decides by the mode on disk counts as allowed.
func (s *Server) Revoked() []OpenHandle {
	var list []OpenHandle
	for _, h := range s.handles.all() {
		if h.node.Kind != node.KindTop && !s.allowed(h) {
			list = append(list, OpenHandle{s.views.at(h.node.View).name, int(h.pid), h.uid, h.mode})
		}
	}
	return list
}

// allowed judges everything that a handle was opened for.
func (s *Server) allowed(h *handle) bool {
	v := s.views.at(h.node.View)
	r := s.rulesOf(v)
	if r.view == nil || r.ids.UID != h.uid && h.uid != 0 {
		return false
	}
	n := s.nodes.Get(h.node.ID) // which may have moved since it was opened
	if n == nil {
		return false
	}
	w := s.locate(n, v, r)
	if w == nil {
		return false
	}
	sp := spot{n, w, v, r}
	may := func(op policy.Op, t policy.Target) bool {
		verdict := w.Place.Check(op, t)
		return verdict.Allowed() || verdict.Reason == policy.ReasonPreset
	}
	if h.stream != nil {
		return may(policy.OpReaddir, policy.Target{})
	}
	if h.mode == Passthrough {
		m := w.Place.Mount()
		if m == nil {
			return false
		}
		if need := r.view.Mediation(m); h.read && need.Reads || h.write && (need.Writes || s.limited(s.charges.plan.Load(), sp)) {
			return false
		}
	}
	// What a creator reads back through us is asked then.
	reads := h.read && (!h.created || h.mode == Passthrough)
	return (!reads || may(policy.OpRead, sp.target(nil))) &&
		(!h.write || may(s.rewriting(sp, policy.OpWrite), sp.target(nil)))
}

// afterSwaps starts what is done after each change of the policy, beside the
// requests; the returned function ends it.
func (s *Server) afterSwaps() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-s.swapped:
				s.rates.Reload()
				s.dropRules()
				s.dropAttributes()
				s.logRevoked()
				s.EndRevoked()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// dropRules lets go of the policies that are not in force any more. A view that
// nobody uses would keep the one of its last request, whole.
func (s *Server) dropRules() {
	now := s.policy.Load()
	s.views.mu.RLock()
	defer s.views.mu.RUnlock()
	for _, v := range s.views.list[1:] {
		if r := v.rules.Load(); r != nil && r.epochPolicy != now {
			v.rules.CompareAndSwap(r, nil)
		}
	}
	s.nodes.DropRules()
}

// dropAttributes has the kernel ask again what it knows of open files: owner and
// mode show the account's rights. For what is found by its name IncEpoch does.
func (s *Server) dropAttributes() {
	seen := map[uint64]bool{}
	for _, h := range s.handles.all() {
		if seen[h.node.ID] {
			continue
		}
		seen[h.node.ID] = true
		if _, err := s.conn.DropAttributes(h.node.ID); err != nil {
			if !errors.Is(err, syscall.ENODEV) { // the end has begun
				s.opt.Log.Error("make the kernel forget what it knows of open files", "error", err)
			}
			return
		}
	}
}

// EndRevoked ends the sessions that have something open whose data is passed
// through although the policy does not allow it any more.
func (s *Server) EndRevoked() {
	done := map[OpenHandle]bool{}
	for _, h := range s.Revoked() {
		if h.Mode != Passthrough || done[h] {
			continue
		}
		done[h] = true
		switch n, err := s.opt.Sessions.End(h.PID, h.UID, h.Account); {
		case err != nil:
			s.opt.Log.Error("end a session whose data is passed through against the policy", "account", h.Account, "pid", h.PID, "error", err)
		case n > 0:
			s.opt.Log.Info("sessions ended whose data was passed through against the policy", "account", h.Account, "pid", h.PID, "sessions", n)
		}
	}
}

// logRevoked writes one line for each account that has handles open which it
// may not have any more. What is passed through is worth a warning: it goes on.
func (s *Server) logRevoked() {
	byAccount := map[string]*[HandleModes]int{}
	for _, h := range s.Revoked() {
		if byAccount[h.Account] == nil {
			byAccount[h.Account] = &[HandleModes]int{}
		}
		byAccount[h.Account][h.Mode]++
	}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		n := byAccount[account]
		log := s.opt.Log.Info
		if n[Passthrough] > 0 {
			log = s.opt.Log.Warn
		}
		log("open handles that the policy does not allow any more", "account", account,
			slog.Int(Passthrough.String(), n[Passthrough]), slog.Int(Mediated.String(), n[Mediated]), slog.Int(Directory.String(), n[Directory]))
	}
}
