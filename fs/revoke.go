package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

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
	Ino     uint64 // as views show it; 0 for a directory
}

// Revoked returns the open handles that the policy of this moment would not
// let anybody open like that: a right is missing, or a limit has come that what
// is passed through would escape. What is mediated, and directories, are refused
// at their next request, but who has mapped a file (mmap(2)) makes none; what is passed
// through goes on until its session ends (product.md §4, decision 8). It makes no system call; its cost is that of the
// open handles. What a preset decides by the mode on disk counts as allowed.
func (s *Server) Revoked() []OpenHandle {
	var list []OpenHandle
	for _, h := range s.handles.all() {
		if h.node.Kind != node.KindTop && !s.allowed(h) {
			o := OpenHandle{Account: s.views.at(h.node.View).name, PID: int(h.pid), UID: h.uid, Mode: h.mode}
			if h.stream == nil && h.node.Kind == node.KindBacked {
				o.Ino = shownIno(h.node.Ino, h.node.Dev)
			}
			list = append(list, o)
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
// through although the policy does not allow it any more, and the processes that have
// mapped such a file.
func (s *Server) EndRevoked() {
	done, mediated := map[OpenHandle]bool{}, map[OpenHandle]map[uint64]bool{}
	for _, h := range s.Revoked() {
		ino := h.Ino
		h.Ino = 0
		switch {
		case h.Mode == Passthrough && !done[h]:
			done[h] = true
			s.tellEnded(h, func() (int, error) { return s.opt.Sessions.End(h.PID, h.UID, h.Account) })
		case h.Mode == Mediated:
			h.PID = 0 // whoever opened it
			if mediated[h] == nil {
				mediated[h] = map[uint64]bool{}
			}
			mediated[h][ino] = true
		}
	}
	for h, inos := range mediated {
		s.tellEnded(h, func() (int, error) { return s.endMapped(h.UID, inos) })
	}
}

// tellEnded writes to the log what became of who goes on past the daemon.
func (s *Server) tellEnded(h OpenHandle, end func() (int, error)) {
	switch n, err := end(); {
	case err != nil:
		s.opt.Log.Error("end a session whose data is passed through against the policy", "account", h.Account, "pid", h.PID, "error", err)
	case n > 0:
		s.opt.Log.Info("sessions ended whose data was passed through against the policy", "account", h.Account, "pid", h.PID, "sessions", n)
	}
}

// endMapped ends the processes of uid that have mapped one of the files.
func (s *Server) endMapped(uid uint32, inos map[uint64]bool) (int, error) {
	var st unix.Statx_t // without a request to ourselves
	if err := unix.Statx(unix.AT_FDCWD, s.opt.Point, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
		return 0, fmt.Errorf("look at the mount: %w", err)
	}
	return s.opt.Sessions.EndMapped(uid, unix.Mkdev(st.Dev_major, st.Dev_minor), inos)
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
