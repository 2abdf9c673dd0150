package login

import (
	"net"
	"strings"
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
	maxTyped      = 1024 // bytes that may be typed: PAM takes no more than half of that
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
	if v.view == nil || !policy.Has(v.view.Effective().TwoFactorProtocols, v.attempt.Protocol) {
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
	yes, next := answerOK, note{accepted: v.note.accepted, keyed: v.note.keyed, proved: true}
	if next.accepted {
		yes = answerYes
	}
	if !s.coded(v) {
		return yes + " " + next.String()
	}
	typed, ok := v.note.code, true
	if v.attempt.Protocol != "FTP" {
		if typed, ok = s.ask(conn, v, askCode, codePatience); !ok { // somebody has to look at a telephone
			return answerNo
		}
	}
	now := time.Now()
	if s.wrong.many(v.user, now) {
		v.log.Warn("too many wrong codes of a second factor: none is taken now")
		s.refused(v, policy.Admission{Reason: policy.AdmitSecondFactor})
		return answerNo
	}
	ok, err := s.Codes.UseCode(v.user, typed, now)
	if err != nil {
		v.log.Error("check the code of a second factor", "error", err)
		return answerNo
	}
	if !ok {
		s.wrong.add(v.user, now)
		s.refused(v, policy.Admission{Reason: policy.AdmitSecondFactor})
		return answerNo
	}
	next.coded = true
	return yes + " " + next.String()
}

// splitCode takes the code of the second factor off the end of what was typed as
// password, for a protocol that asks for nothing else. What is no code is "".
func splitCode(typed string) (password, code string) {
	if len(typed) < codeDigits {
		return typed, ""
	}
	password, code = typed[:len(typed)-codeDigits], typed[len(typed)-codeDigits:]
	if strings.Trim(code, "0123456789") != "" {
		code = ""
	}
	return password, code
}

// ask has the module ask the user for something; false if nothing came.
func (s *Server) ask(conn net.Conn, v visit, what string, wait time.Duration) (string, bool) {
	if !s.answer(conn, what) {
		return "", false
	}
	if err := conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return "", false
	}
	typed := make([]byte, maxTyped)
	n, err := conn.Read(typed)
	if err != nil || n == len(typed) {
		v.log.Warn("wait for what the user types", "error", err, "bytes", n)
		return "", false
	}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", false
	}
	text := strings.TrimSuffix(string(typed[:n]), "\x00")
	return text, !strings.ContainsAny(text, "\x00\n")
}
