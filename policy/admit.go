package policy

import (
	"net/netip"
	"slices"
	"time"
)

// Attempt is one try of an account to open a session, as far as the daemon that
// the client speaks to can know it.
type Attempt struct {
	Protocol string     // "SSH" or "FTP"
	Method   string     // "publickey", "password", "keyboard-interactive" or "TLSCertificate"
	Addr     netip.Addr // the client's; invalid where it could not be parsed
	TLS      bool       // FTP: the control connection is encrypted

	// SecondFactor says that a second factor was asked for and was right.
	SecondFactor bool
	// PasswordChanged is when the account's password was set. The zero Time
	// means that nobody knows, which is too long ago for any expiration.
	PasswordChanged time.Time
}

// Session is one session that is open.
type Session struct {
	ID       uint64     `json:"id"` // never used twice by a daemon
	Account  string     `json:"account"`
	Protocol string     `json:"protocol"` // as in Attempt
	Method   string     `json:"method"`   // as in Attempt; several that were all needed are joined by commas
	Addr     netip.Addr `json:"source"`   // the client's, v4-mapped normalised; invalid where it could not be parsed
	Since    time.Time  `json:"since"`
}

// AdmitReason says why a login is refused. The list is closed (product.md §10).
type AdmitReason uint8

// The reasons; admitReasons says what each means.
const (
	AdmitOK AdmitReason = iota // let in
	AdmitDisabled
	AdmitExpired
	AdmitOutsideHours
	AdmitAddressUnknown
	AdmitAddressDenied
	AdmitAddressNotAllowed
	AdmitUnknownProtocol
	AdmitProtocolDenied
	AdmitClearText
	AdmitUnknownMethod
	AdmitMethodDenied
	AdmitSecondFactor
	AdmitPasswordExpired
	AdmitTooManySessions
	AdmitHookRefused
	AdmitHookFailed
	admitReasonCount
)

// admitReasons holds the name of each reason, what it means, and whether the
// client may be told of it. It may where the text helps the account's owner and
// says nothing of the host's rules about addresses or of who is locked out.
var admitReasons = [admitReasonCount]struct {
	name string
	text string
	tell bool
}{
	AdmitOK:                {"", "let in", false},
	AdmitDisabled:          {"disabled", "the account is disabled", false},
	AdmitExpired:           {"expired", "the account has expired", false},
	AdmitOutsideHours:      {"outside_hours", "it is in none of the access times", true},
	AdmitAddressUnknown:    {"address_unknown", "there are rules about addresses, and the client's can't be read", false},
	AdmitAddressDenied:     {"address_denied", "the client's address is in denied_ip", false},
	AdmitAddressNotAllowed: {"address_not_allowed", "the client's address is not in allowed_ip", false},
	AdmitUnknownProtocol:   {"unknown_protocol", "the protocol is neither SSH nor FTP", false},
	AdmitProtocolDenied:    {"protocol_denied", "the protocol is in denied_protocols", false},
	AdmitClearText:         {"clear_text", "FTP without TLS", true},
	AdmitUnknownMethod:     {"unknown_method", "the login method is none that there is", false},
	AdmitMethodDenied:      {"method_denied", "the login method is in denied_login_methods", false},
	AdmitSecondFactor:      {"second_factor", "a second factor is required, and is missing, wrong or used", true},
	AdmitPasswordExpired:   {"password_expired", "the password is older than password_expiration", true},
	AdmitTooManySessions:   {"too_many_sessions", "there are max_sessions already", true},
	AdmitHookRefused:       {"hook_refused", "a hook said no", false},
	AdmitHookFailed:        {"hook_failed", "a hook could not be asked, or made no sense", false},
}

// String returns the name of r as it stands in metrics, logs and explain.
func (r AdmitReason) String() string {
	if r >= admitReasonCount {
		return "unknown"
	}
	return admitReasons[r].name
}

// Text says what r means, in a line.
func (r AdmitReason) Text() string {
	if r >= admitReasonCount {
		return "unknown"
	}
	return admitReasons[r].text
}

// Tell reports whether the client may be told r. The admin sees it always.
func (r AdmitReason) Tell() bool { return r < admitReasonCount && admitReasons[r].tell }

// AdmitReasons returns every reason for a refusal.
func AdmitReasons() []AdmitReason {
	list := make([]AdmitReason, 0, admitReasonCount)
	for r := AdmitOK + 1; r < admitReasonCount; r++ {
		list = append(list, r)
	}
	return list
}

// Admission is the answer to an Attempt. The zero Admission is "let in".
type Admission struct {
	Reason  AdmitReason
	Setting string // the key that decided, "" where none did; "account lock" where the admin has locked it
	Origin  string // whose it is: "account:NAME", "group:NAME" or "default"; of a lock, why
	At      Pos
}

// Allowed reports whether the login is let in.
func (a Admission) Allowed() bool { return a.Reason == AdmitOK }

// Tell reports whether the client may be told the reason. The admin sees it
// always.
func (a Admission) Tell() bool { return a.Reason.Tell() }

// Admit answers whether the account may open one more session at now. live are
// the sessions that are open; those of other accounts do not count. It asks
// everything that the policy says about logins, and in one fixed order, so that
// the same attempt is always refused for the same reason; whether the
// credentials are right is for others to judge.
func (v *View) Admit(a Attempt, now time.Time, live []Session) Admission {
	l := login{view: v, effective: v.Effective(), Attempt: a, now: now, live: live}
	for _, ask := range [...]func(*login) Admission{
		(*login).life, (*login).hours, (*login).address, (*login).protocol, (*login).method,
		(*login).secondFactor, (*login).passwordAge, (*login).sessions,
	} {
		if answer := ask(&l); !answer.Allowed() {
			return answer
		}
	}
	return Admission{}
}

// login is an Attempt with what it is judged by.
type login struct {
	Attempt
	view      *View
	effective *Effective
	now       time.Time
	live      []Session
}

// refuse returns a refusal by a setting of which the account has one value.
func (l *login) refuse(r AdmitReason, key string, at Pos) Admission {
	return Admission{Reason: r, Setting: key, Origin: l.effective.Origin(key), At: at}
}

// refuseBy returns a refusal by an element of a list.
func refuseBy[T any](r AdmitReason, key string, by From[T]) Admission {
	return Admission{Reason: r, Setting: key, Origin: by.Origin, At: by.At}
}

// life asks whether the account is enabled and not expired. The moment of
// expires_at itself is too late.
func (l *login) life() Admission {
	_, locked := l.view.Locked()
	switch e := l.effective; {
	case locked:
		return Admission{Reason: AdmitDisabled, Setting: "account lock", Origin: l.view.WhyDisabled()}
	case !l.view.Enabled():
		return l.refuse(AdmitDisabled, "enabled", l.view.account.Enabled.At)
	case e.ExpiresAt.Set && !l.now.Before(e.ExpiresAt.Value):
		return l.refuse(AdmitExpired, "expires_at", e.ExpiresAt.At)
	case e.Scalars.ExpiresIn.Set && e.Scalars.ExpiresIn.Value > 0 && !e.ExpiresAt.Set:
		// Nobody has noted when the account appeared: better none than for ever.
		return l.refuse(AdmitExpired, "expires_in", e.Scalars.ExpiresIn.At)
	}
	return Admission{}
}

// hours asks the access times: without any the account may be used always.
func (l *login) hours() Admission {
	windows := l.effective.AccessTime
	if len(windows) == 0 || slices.ContainsFunc(windows, func(w From[AccessTime]) bool { return w.Value.contains(l.now) }) {
		return Admission{}
	}
	return refuseBy(AdmitOutsideHours, "access_time", windows[0])
}

// address asks the networks: deny beats allow (product.md §4, decision 5).
func (l *login) address() Admission {
	allowed, denied := l.effective.AllowedIP, l.effective.DeniedIP
	addr := plainAddr(l.Addr)
	if !addr.IsValid() {
		switch {
		case len(denied) > 0:
			return refuseBy(AdmitAddressUnknown, "denied_ip", denied[0])
		case len(allowed) > 0:
			return refuseBy(AdmitAddressUnknown, "allowed_ip", allowed[0])
		}
		return Admission{}
	}
	for _, n := range denied {
		if holds(n.Value, addr) {
			return refuseBy(AdmitAddressDenied, "denied_ip", n)
		}
	}
	if len(allowed) == 0 || slices.ContainsFunc(allowed, func(n From[netip.Prefix]) bool { return holds(n.Value, addr) }) {
		return Admission{}
	}
	return refuseBy(AdmitAddressNotAllowed, "allowed_ip", allowed[0])
}

// protocol asks the protocol, and that FTP is encrypted: always, whether
// ftp_security says so or not (product.md §10).
func (l *login) protocol() Admission {
	s := &l.effective.Scalars
	if !slices.Contains(protocols, l.Protocol) {
		return Admission{Reason: AdmitUnknownProtocol}
	}
	for _, d := range l.effective.DeniedProtocols {
		if d.Value == l.Protocol {
			return refuseBy(AdmitProtocolDenied, "denied_protocols", d)
		}
	}
	switch {
	case s.Anonymous.Value && l.Protocol != protocolFTP:
		return l.refuse(AdmitProtocolDenied, "anonymous", s.Anonymous.At)
	case l.Protocol == protocolFTP && !l.TLS:
		return l.refuse(AdmitClearText, "ftp_security", s.FTPSecurity.At)
	}
	return Admission{}
}

// method asks the login method. An anonymous account has a password only: any.
func (l *login) method() Admission {
	if !slices.Contains(loginMethods, l.Method) {
		return Admission{Reason: AdmitUnknownMethod}
	}
	for _, d := range l.effective.DeniedLoginMethods {
		if d.Value == l.Method {
			return refuseBy(AdmitMethodDenied, "denied_login_methods", d)
		}
	}
	if anonymous := l.effective.Scalars.Anonymous; anonymous.Value && l.Method != methodPassword {
		return l.refuse(AdmitMethodDenied, "anonymous", anonymous.At)
	}
	return Admission{}
}

// secondFactor asks for a second factor where the protocol needs one.
func (l *login) secondFactor() Admission {
	for _, p := range l.effective.TwoFactorProtocols {
		if p.Value == l.Protocol && !l.SecondFactor {
			return refuseBy(AdmitSecondFactor, "two_factor_protocols", p)
		}
	}
	return Admission{}
}

// passwordAge asks how old a password is, where one was used to log in. (A key
// stays good, as with SFTPGo; an anonymous account's password is none.)
func (l *login) passwordAge() Admission {
	s := &l.effective.Scalars
	limit := s.PasswordExpiration
	if !limit.Set || limit.Value <= 0 || s.Anonymous.Value || (l.Method != methodPassword && l.Method != methodKeyboard) {
		return Admission{}
	}
	if l.PasswordChanged.IsZero() || !l.now.Before(l.PasswordChanged.Add(limit.Value)) {
		return l.refuse(AdmitPasswordExpired, "password_expiration", limit.At)
	}
	return Admission{}
}

// sessions asks whether there is room for one more session.
func (l *login) sessions() Admission {
	most := l.effective.Scalars.MaxSessions
	if !most.Set || most.Value.Unlimited {
		return Admission{}
	}
	open := int64(0)
	for _, s := range l.live {
		if s.Account == l.view.Account() {
			open++
		}
	}
	if open >= most.Value.N {
		return l.refuse(AdmitTooManySessions, "max_sessions", most.At)
	}
	return Admission{}
}
