package login

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"grantfs/policy"
)

// visit is one question with what the daemon found out about the asker.
type visit struct {
	request
	view    *policy.View // nil: the account can't log in
	attempt policy.Attempt
	monitor int // pid of the process that will open the session
	log     *slog.Logger
}

// visit judges how the user logs in. Over SSH PAM does not say: keyboard-
// interactive runs in a process of its own, and of the rest only a password has
// been proved to PAM.
func (s *Server) visit(r request, view *policy.View, pid int) visit {
	v := visit{request: r, view: view, monitor: pid}
	v.attempt = policy.Attempt{Protocol: r.protocol, Method: "password", SecondFactor: r.note.coded}
	source := r.rhost // as it is, where it is no address
	if addr, err := netip.ParseAddr(r.rhost); err == nil {
		v.attempt.Addr = addr.Unmap().WithZone("")
		source = v.attempt.Addr.String() // vsftpd writes ::ffff:192.0.2.1
	}
	switch r.protocol {
	case "FTPS": // a vsftpd that takes passwords over TLS only
		v.attempt.Protocol, v.attempt.TLS = "FTP", true
	case "SSH":
		if monitor, ok := helper(pid); ok {
			v.monitor, v.attempt.Method = monitor, "keyboard-interactive"
		} else if r.phase == phaseAccount && !r.note.proved {
			v.attempt.Method = "publickey"
		}
	}
	switch {
	case r.note.keyed: // no password is used, so that none is too old
		v.attempt.PasswordChanged = time.Now()
	case v.attempt.Method != "publickey":
		v.attempt.PasswordChanged = s.PasswordChanged(r.user)
	}
	v.log = s.Log.With("account", r.user, "protocol", v.attempt.Protocol, "source", source, "service", r.service)
	return v
}

// auth answers before the password is looked at. What the client may not be told
// of is refused here already, so that the answer says nothing about the
// password. Where others are to judge the password than pam_unix, they do it now.
// Where a second factor is wanted, a key that sshd has accepted before is the
// first, and there is no password to judge.
func (s *Server) auth(conn net.Conn, v visit) string {
	if a := v.ask(v.attempt); !a.Allowed() && !a.Tell() {
		s.refused(v, a)
		return answerNo
	}
	e := v.view.Effective()
	if e.Scalars.Anonymous.Value { // over FTP, else it has been refused
		return answerYes + " " + note{accepted: true}.String()
	}
	coded := s.coded(v)
	if coded && v.attempt.Protocol == "SSH" && slices.Contains(sshMethods(v.methods), "publickey") {
		return answerYes + " " + note{accepted: true, keyed: true}.String()
	}
	split := coded && v.attempt.Protocol == "FTP"
	check, external := hookOf(e, checkPassword).Set, hookOf(e, externalAuth).Set
	if !split && !check && !external {
		return answerOK
	}
	password, ok := s.ask(conn, v, askPassword, typePatience)
	if !ok {
		return answerNo
	}
	yes, next, changed := answerOK, note{}, ""
	if split {
		password, next.code = splitCode(password)
		changed = "\n" + password
	}
	ctx, cancel := context.WithTimeout(context.Background(), hookPatience)
	defer cancel()
	if check && !s.hooked(ctx, v, e, checkPassword, password) {
		return answerNo
	}
	if external {
		if !s.hooked(ctx, v, e, externalAuth, password) {
			return answerNo
		}
		yes, next.accepted = answerYes, true
	}
	return yes + " " + next.String() + changed
}

// account answers whether the account may open one more session.
func (s *Server) account(v visit) string {
	monitor, err := openProcess(v.monitor)
	if err != nil {
		v.log.Error("admit a login", "error", err)
		return answerNo
	}
	if v.ask(v.attempt).Allowed() {
		ctx, cancel := context.WithTimeout(context.Background(), hookPatience)
		defer cancel()
		if e := v.view.Effective(); hookOf(e, preLogin).Set && !s.hooked(ctx, v, e, preLogin, "") {
			monitor.close()
			return answerNo
		}
	}
	a := policy.Admission{Reason: policy.AdmitDisabled}
	if v.view == nil {
		monitor.close()
	} else {
		a = s.table.admit(v.view, v.attempt, time.Now(), monitor)
	}
	if a.Allowed() {
		return answerOK
	}
	s.refused(v, a)
	if a.Tell() {
		return answerNo + " " + texts[a.Reason]
	}
	return answerNo
}

// ask asks the policy about everything but the number of sessions.
func (v visit) ask(a policy.Attempt) policy.Admission {
	if v.view == nil {
		return policy.Admission{Reason: policy.AdmitDisabled}
	}
	return v.view.Admit(a, time.Now(), nil)
}

// open turns an admitted login into a session. Only now sshd says for sure what
// the user has proved: each of it must be allowed. It is said to be open once its
// connection is held: from then on the asker learns so, even of a successor.
func (s *Server) open(conn net.Conn, v visit) (*live, bool) {
	admitted, ok := s.table.admitted(v.monitor, v.user)
	if !ok {
		v.log.Error("open a session", "error", errNotAdmitted)
		return nil, false
	}
	methods := []string{admitted.Method}
	if admitted.Protocol == "SSH" {
		methods = sshMethods(v.methods)
	}
	for _, v.attempt.Method = range methods {
		a := v.attempt
		a.SecondFactor, a.PasswordChanged = true, time.Now() // asked at admission
		if answer := v.ask(a); !answer.Allowed() {
			s.table.forget(v.monitor)
			s.refused(v, answer)
			return nil, false
		}
	}
	l, err := s.table.start(v.request, v.monitor, strings.Join(methods, ","), time.Now())
	if err != nil {
		v.log.Error("open a session", "error", err)
		return nil, false
	}
	if slices.ContainsFunc(methods, func(m string) bool { return m == "password" || m == "keyboard-interactive" }) {
		s.PasswordUsed(v.user)
	}
	if err := s.hold(conn, l); err != nil {
		v.log.Error("open a session", "error", err)
		s.end(l)
		return nil, false
	}
	s.Observer.Login(l.Protocol, policy.AdmitOK)
	s.record(Event{Session: l.Session})
	v.log.Info("session opened", "id", l.ID, "method", l.Method, "pid", l.PID)
	return l, true
}

// end takes a session out.
func (s *Server) end(l *live) {
	s.table.end(l)
	if s.keep != nil {
		s.keep.Drop(l.number)
	}
}

// close takes a session out that has ended.
func (s *Server) close(l *live) {
	s.end(l)
	s.record(Event{Session: l.Session, Ended: true})
	s.Log.Info("session ended", "id", l.ID, "account", l.Account, "protocol", l.Protocol, "lasted", time.Since(l.Since).Round(time.Millisecond))
}

// refused tells the admin why a login was refused.
func (s *Server) refused(v visit, a policy.Admission) {
	s.Observer.Login(v.attempt.Protocol, a.Reason)
	s.record(Event{Session: Session{
		Session: policy.Session{Account: v.user, Protocol: v.attempt.Protocol, Method: v.attempt.Method, Addr: v.attempt.Addr}, Service: v.service,
	}, Refusal: a})
	v.log.Warn("login refused", "reason", a.Reason.String(), "method", v.attempt.Method,
		"setting", a.Setting, "origin", a.Origin, "at", a.At.String())
}

// sshMethods reads sshd's list of what was proved, a line each: "publickey
// ssh-ed25519 AAAA…", "keyboard-interactive/pam". None is one unknown method.
func sshMethods(info string) []string {
	var methods []string
	for line := range strings.Lines(info) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ = strings.Cut(name, "/")
		methods = append(methods, name)
	}
	if methods == nil {
		return []string{""}
	}
	return methods
}

// texts are what the client is told, for the reasons that it may be told.
var texts = map[policy.AdmitReason]string{
	policy.AdmitOutsideHours:    "This account can't log in at this time.",
	policy.AdmitClearText:       "Passwords are taken over TLS only.",
	policy.AdmitSecondFactor:    "This account needs a second factor to log in.",
	policy.AdmitPasswordExpired: "The password has expired. The main account can set a new one.",
	policy.AdmitTooManySessions: "This account has too many sessions open. End one and try again.",
}
