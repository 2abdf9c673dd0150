package fs

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"grantfs/fs/memory"
	"grantfs/policy"
)

// view is what is kept for the view of one account that somebody has entered.
type view struct {
	index uint32
	name  string
	moves atomic.Uint64 // directories moved: places below them are found again
	rules atomic.Pointer[viewRules]
}

// viewRules are a view's rules in one epoch of the policy.
type viewRules struct {
	*epochPolicy
	view *policy.View // nil: the account has no view (any more)
	ids  policy.IDs
	// limits are found when data is to move first.
	limits atomic.Pointer[limits]
}

// views holds every view that was entered; they are never taken out.
type views struct {
	mu     sync.RWMutex // guards what follows
	byName map[string]*view
	list   []*view // by index; 0 is nobody's
	kept   numbered
}

// init takes over what lies in m.
func (vs *views) init(m *memory.Memory, log *slog.Logger) error {
	vs.byName = map[string]*view{}
	vs.list = []*view{nil}
	held, err := vs.kept.open(m, memory.Views, log)
	for _, account := range held {
		vs.add(account)
	}
	return err
}

// add appends a view. The caller holds mu.
func (vs *views) add(account string) *view {
	v := &view{index: uint32(len(vs.list)), name: account}
	vs.byName[account] = v
	vs.list = append(vs.list, v)
	return v
}

// at returns the view with an index that named or byName gave.
func (vs *views) at(index uint32) *view {
	vs.mu.RLock()
	defer vs.mu.RUnlock()
	return vs.list[index]
}

// named returns the view of an account, making it if there is none.
func (vs *views) named(account string) *view {
	vs.mu.RLock()
	v := vs.byName[account]
	vs.mu.RUnlock()
	if v != nil {
		return v
	}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if v := vs.byName[account]; v != nil {
		return v
	}
	vs.kept.append(account)
	return vs.add(account)
}

// rulesOf returns the rules of a view under the policy of this moment.
func (s *Server) rulesOf(v *view) *viewRules {
	now := s.policy.Load()
	r := v.rules.Load()
	if r != nil && r.epochPolicy == now {
		return r
	}
	r = &viewRules{epochPolicy: now}
	if ids, ok := now.IDs[v.name]; ok {
		if pv, ok := now.Set.View(v.name); ok {
			r.view, r.ids = pv, ids
		}
	}
	v.rules.Store(r)
	return r
}

// epoch numbers what a place of v depends on: the policy and the moves.
func (v *view) epoch(r *viewRules) uint64 { return r.epochPolicy.epoch<<32 | v.moves.Load()&0xffffffff }
