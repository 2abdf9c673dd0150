package login

import (
	"strings"
	"time"

	"grantfs/policy"
)

// Recheck asks the policy again about every session that is open, and kills
// those that would not be let in at now: the account is gone, disabled or expired,
// its hours are over, or where the client comes from and how it logged in is no
// longer allowed (product.md §4, decision 8); and those that have done nothing for
// idle_timeout. How many sessions there are, and
// what was proved at login, is not asked again.
func (s *Server) Recheck(now time.Time) {
	if err := s.endIdle(now); err != nil {
		s.Log.Error("look for idle sessions", "error", err)
	}
	for _, l := range s.table.list() {
		a := s.stillAdmitted(l.Session, now)
		if a.Allowed() {
			continue
		}
		s.Log.Warn("session revoked", "id", l.ID, "account", l.Account, "protocol", l.Protocol,
			"reason", a.Reason.String(), "setting", a.Setting, "origin", a.Origin, "at", a.At.String())
		if err := l.kill(); err != nil {
			s.Log.Error("end a session that was revoked", "id", l.ID, "account", l.Account, "error", err)
		}
	}
}

// stillAdmitted returns the first refusal of a session.
func (s *Server) stillAdmitted(e Session, now time.Time) policy.Admission {
	view, _ := s.Account(e.Account)
	if view == nil {
		return policy.Admission{Reason: policy.AdmitDisabled}
	}
	for method := range strings.SplitSeq(e.Method, ",") {
		a := view.Admit(policy.Attempt{
			Protocol: e.Protocol, Method: method, Addr: e.Addr,
			TLS: true, SecondFactor: true, PasswordChanged: now,
		}, now, nil)
		if !a.Allowed() {
			return a
		}
	}
	return policy.Admission{}
}
