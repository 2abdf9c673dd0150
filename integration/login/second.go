package login

import (
	"net"
	"slices"
	"sync"
	"time"

	"grantfs/policy"
)

// Codes has the second factors of accounts. Safe for concurrent use.
type Codes interface {
	// HasCode reports whether the account has one.
	HasCode(account string) (bool, error)
	// UseCode reports whether code is right; it never is again.
	UseCode(account, code string, now time.Time) (bool, error)
}

const (
	maxWrongCodes = 10 // of one account in wrongWindow, then none is right
	wrongWindow   = 10 * time.Minute
	maxCode       = 64 // bytes of what may be typed as code
)

// wrongCodes counts wrong codes, so that they can't be tried out. Only those who
// know the password come to be counted. Safe for concurrent use.
type wrongCodes struct {
	mu sync.Mutex
	at map[string][]time.Time // guarded by mu: by account, the last maxWrongCodes
}

// many reports whether the account had too many wrong codes lately.
func (w *wrongCodes) many(account string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.at[account]
	return len(list) == maxWrongCodes && now.Sub(list[0]) < wrongWindow
}

func (w *wrongCodes) add(account string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil {
		w.at = make(map[string][]time.Time)
	}
	list := append(w.at[account], now)
	w.at[account] = list[max(0, len(list)-maxWrongCodes):]
}

// coded reports whether a code is wanted: the policy asks for a second factor
// and the account has one. Without one, admission refuses.
func (s *Server) coded(v visit) bool {
	if v.view == nil || !slices.ContainsFunc(v.view.Effective().TwoFactorProtocols, func(p policy.From[string]) bool {
		return p.Value == v.attempt.Protocol
	}) {
		return false
	}
	has, err := s.Codes.HasCode(v.user)
	if err != nil {
		v.log.Error("look for a second factor", "error", err)
	}
	return has && err == nil
}

// proved answers after the password was found right: the code of the second
// factor is asked for, where there is one, and judged.
func (s *Server) proved(conn net.Conn, v visit) string {
	if !s.coded(v) {
		return answerOK
	}
	if !s.answer(conn, answerCode) {
		return answerNo
	}
	// Somebody has to look at a telephone.
	if err := conn.SetReadDeadline(time.Now().Add(codePatience)); err != nil {
		return answerNo
	}
	typed := make([]byte, maxCode)
	n, err := conn.Read(typed)
	if err != nil {
		v.log.Warn("wait for the code of a second factor", "error", err)
		return answerNo
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return answerNo
	}
	now := time.Now()
	if s.wrong.many(v.user, now) {
		v.log.Warn("too many wrong codes of a second factor: none is taken now")
		s.refused(v, policy.Admission{Reason: policy.AdmitSecondFactor})
		return answerNo
	}
	ok, err := s.Codes.UseCode(v.user, string(typed[:n]), now)
	if err != nil {
		v.log.Error("check the code of a second factor", "error", err)
		return answerNo
	}
	if !ok {
		s.wrong.add(v.user, now)
		s.refused(v, policy.Admission{Reason: policy.AdmitSecondFactor})
		return answerNo
	}
	return answerOK
}
