package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// noon is a Wednesday.
var noon = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

// ssh and ftp are attempts that an account without any rule admits.
var (
	ssh = Attempt{Protocol: "SSH", Method: "publickey", Addr: netip.MustParseAddr("192.0.2.7")}
	ftp = Attempt{Protocol: "FTP", Method: "password", Addr: netip.MustParseAddr("192.0.2.7"), TLS: true}
)

// with returns a changed copy of an attempt.
func (a Attempt) with(change func(*Attempt)) Attempt {
	change(&a)
	return a
}

func from(addr string) func(*Attempt) {
	return func(a *Attempt) { a.Addr, _ = netip.ParseAddr(addr) }
}

func by(method string) func(*Attempt) { return func(a *Attempt) { a.Method = method } }

func networks(list ...string) []Setting[netip.Prefix] {
	var out []Setting[netip.Prefix]
	for i, n := range list {
		out = append(out, setAt(i+1, netip.MustParsePrefix(n)))
	}
	return out
}

// wordsAt returns the fields of text as settings, each on a line of its own.
func wordsAt(line int, text string) []Setting[string] {
	list := words(text)
	for i := range list {
		list[i].At = at(line + i)
	}
	return list
}

func TestAdmit(t *testing.T) {
	sessions := func(names string) []Session {
		var list []Session
		for _, name := range strings.Fields(names) {
			list = append(list, Session{Account: name})
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		account func(*Account)
		group   func(*Group)
		attempt Attempt
		live    []Session
		want    string // "reason setting origin at", "ok"
	}{
		{name: "key", attempt: ssh, want: "ok"},
		{name: "ftp", attempt: ftp, want: "ok"},

		{name: "disabled", account: func(a *Account) { a.Enabled = setAt(3, false) }, attempt: ssh, want: "disabled enabled account:alice 3"},
		{name: "enabled", account: func(a *Account) { a.Enabled = setAt(3, true) }, attempt: ssh, want: "ok"},

		{name: "expires now", account: func(a *Account) { a.ExpiresAt = setAt(3, noon) }, attempt: ssh, want: "expired expires_at account:alice 3"},
		{name: "expires in a moment", account: func(a *Account) { a.ExpiresAt = setAt(3, noon.Add(1)) }, attempt: ssh, want: "ok"},
		{
			name:    "expired by the group",
			account: func(a *Account) { a.CreatedAt = set(noon.Add(-48 * time.Hour)) },
			group:   func(g *Group) { g.ExpiresIn = setAt(7, 48*time.Hour) },
			attempt: ssh, want: "expired expires_at group:staff 7",
		},
		{
			name:    "the account's own expires_at beats the group",
			account: func(a *Account) { a.CreatedAt, a.ExpiresAt = set(noon.Add(-48*time.Hour)), set(noon.Add(time.Hour)) },
			group:   func(g *Group) { g.ExpiresIn = set(time.Hour) },
			attempt: ssh, want: "ok",
		},

		{name: "denied address", group: func(g *Group) { g.DeniedIP = networks("198.51.100.0/24", "192.0.2.0/24") }, attempt: ssh, want: "address_denied denied_ip group:staff 2"},
		{name: "other address", group: func(g *Group) { g.DeniedIP = networks("198.51.100.0/24") }, attempt: ssh, want: "ok"},
		{name: "allowed address", group: func(g *Group) { g.AllowedIP = networks("192.0.2.7/32") }, attempt: ssh, want: "ok"},
		{name: "not allowed", group: func(g *Group) { g.AllowedIP = networks("192.0.2.8/32") }, attempt: ssh, want: "address_not_allowed allowed_ip group:staff 1"},
		{
			name:    "deny beats allow, whoever says it",
			account: func(a *Account) { a.AllowedIP = networks("192.0.2.7/32", "198.51.100.0/24") },
			group:   func(g *Group) { g.DeniedIP = networks("192.0.0.0/8") },
			attempt: ssh, want: "address_denied denied_ip group:staff 1",
		},
		{name: "v4 in v6 is v4", account: func(a *Account) { a.DeniedIP = networks("192.0.2.0/24") }, attempt: ssh.with(from("::ffff:192.0.2.9")), want: "address_denied denied_ip account:alice 1"},
		{name: "v4 in v6, written", account: func(a *Account) { a.DeniedIP = networks("::ffff:192.0.2.0/120") }, attempt: ssh.with(from("192.0.2.9")), want: "address_denied denied_ip account:alice 1"},
		{name: "all of v6 is not v4", account: func(a *Account) { a.DeniedIP = networks("::/0") }, attempt: ssh, want: "ok"},
		{name: "v6", account: func(a *Account) { a.AllowedIP = networks("2001:db8::/32") }, attempt: ssh.with(from("2001:db8::7")), want: "ok"},
		{name: "v6 with an interface", account: func(a *Account) { a.DeniedIP = networks("fe80::/10") }, attempt: ssh.with(from("fe80::1%eth0")), want: "address_denied denied_ip account:alice 1"},
		{name: "unparsable, no rule", attempt: ssh.with(from("UNKNOWN")), want: "ok"},
		{name: "unparsable, allowed", account: func(a *Account) { a.AllowedIP = networks("0.0.0.0/0") }, attempt: ssh.with(from("UNKNOWN")), want: "address_unknown allowed_ip account:alice 1"},
		{name: "unparsable, denied", account: func(a *Account) { a.DeniedIP = networks("203.0.113.0/24") }, attempt: ssh.with(from("")), want: "address_unknown denied_ip account:alice 1"},

		{name: "protocol", group: func(g *Group) { g.DeniedProtocols = wordsAt(4, "FTP") }, attempt: ftp, want: "protocol_denied denied_protocols group:staff 4"},
		{name: "other protocol", group: func(g *Group) { g.DeniedProtocols = wordsAt(4, "FTP") }, attempt: ssh, want: "ok"},
		{name: "unknown protocol", attempt: ssh.with(func(a *Attempt) { a.Protocol = "DAV" }), want: "unknown_protocol   0"},
		{name: "clear text", attempt: ftp.with(func(a *Attempt) { a.TLS = false }), want: "clear_text ftp_security default 0"},
		{name: "clear text, said so", account: func(a *Account) { a.FTPSecurity = setAt[int64](5, 1) }, attempt: ftp.with(func(a *Attempt) { a.TLS = false }), want: "clear_text ftp_security account:alice 5"},

		{name: "method", account: func(a *Account) { a.DeniedLoginMethods = wordsAt(6, "password publickey") }, attempt: ssh, want: "method_denied denied_login_methods account:alice 7"},
		{name: "other method", account: func(a *Account) { a.DeniedLoginMethods = wordsAt(6, "password") }, attempt: ssh.with(by("keyboard-interactive")), want: "ok"},
		{name: "unknown method", attempt: ssh.with(by("none")), want: "unknown_method   0"},

		{name: "second factor missing", group: func(g *Group) { g.TwoFactorProtocols = wordsAt(8, "FTP SSH") }, attempt: ssh, want: "second_factor two_factor_protocols group:staff 9"},
		{name: "second factor given", group: func(g *Group) { g.TwoFactorProtocols = wordsAt(8, "SSH") }, attempt: ssh.with(func(a *Attempt) { a.SecondFactor = true }), want: "ok"},
		{name: "second factor of another protocol", group: func(g *Group) { g.TwoFactorProtocols = wordsAt(8, "SSH") }, attempt: ftp, want: "ok"},

		{name: "password too old", group: func(g *Group) { g.PasswordExpiration = setAt(9, time.Hour) }, attempt: ftp.with(changed(noon.Add(-time.Hour))), want: "password_expired password_expiration group:staff 9"},
		{name: "password young enough", group: func(g *Group) { g.PasswordExpiration = setAt(9, time.Hour) }, attempt: ftp.with(changed(noon.Add(1 - time.Hour))), want: "ok"},
		{name: "password of unknown age", group: func(g *Group) { g.PasswordExpiration = setAt(9, time.Hour) }, attempt: ftp, want: "password_expired password_expiration group:staff 9"},
		{name: "typed at a prompt", group: func(g *Group) { g.PasswordExpiration = setAt(9, time.Hour) }, attempt: ssh.with(by("keyboard-interactive")), want: "password_expired password_expiration group:staff 9"},
		{name: "a key stays good", group: func(g *Group) { g.PasswordExpiration = setAt(9, time.Hour) }, attempt: ssh, want: "ok"},
		{name: "no expiration, said so", account: func(a *Account) { a.PasswordExpiration = set(time.Duration(0)) }, group: func(g *Group) { g.PasswordExpiration = setAt(9, time.Hour) }, attempt: ftp, want: "ok"},

		{name: "full", group: func(g *Group) { g.MaxSessions = setAt(2, Limit{N: 2}) }, live: sessions("alice bob alice"), attempt: ssh, want: "too_many_sessions max_sessions group:staff 2"},
		{name: "room for one", group: func(g *Group) { g.MaxSessions = setAt(2, Limit{N: 2}) }, live: sessions("alice bob carol"), attempt: ssh, want: "ok"},
		{name: "unlimited beats the group", account: func(a *Account) { a.MaxSessions = set(Limit{Unlimited: true}) }, group: func(g *Group) { g.MaxSessions = limit(1) }, live: sessions("alice alice"), attempt: ssh, want: "ok"},

		{name: "anonymous", account: func(a *Account) { a.Anonymous = setAt(4, true) }, attempt: ftp, want: "ok"},
		{name: "anonymous has no SSH", account: func(a *Account) { a.Anonymous = setAt(4, true) }, attempt: ssh, want: "protocol_denied anonymous account:alice 4"},
		{name: "anonymous has a password only", account: func(a *Account) { a.Anonymous = setAt(4, true) }, attempt: ftp.with(by("TLSCertificate")), want: "method_denied anonymous account:alice 4"},
		{name: "anonymous password has no age", account: func(a *Account) { a.Anonymous = set(true); a.PasswordExpiration = set(time.Hour) }, attempt: ftp, want: "ok"},
		{name: "not anonymous, though the group is", account: func(a *Account) { a.Anonymous = set(false) }, group: func(g *Group) { g.Anonymous = set(true) }, attempt: ssh, want: "ok"},

		{
			name: "one order of questions",
			account: func(a *Account) {
				a.Enabled, a.ExpiresAt, a.DeniedIP = set(true), setAt(2, noon.Add(-1)), networks("0.0.0.0/0")
				a.DeniedProtocols = words("SSH")
			},
			attempt: ssh, want: "expired expires_at account:alice 2",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := Account{Name: "alice", PrimaryGroup: set("staff")}
			if tt.account != nil {
				tt.account(&a)
			}
			g := Group{Name: "staff"}
			if tt.group != nil {
				tt.group(&g)
			}
			v := view(t, compile(t, Input{Accounts: []Account{a}, Groups: []Group{g}}), "alice")
			if got := sayAdmission(v.Admit(tt.attempt, noon, tt.live)); got != tt.want {
				t.Errorf("Admit = %q, want %q", got, tt.want)
			}
		})
	}
}

func changed(when time.Time) func(*Attempt) {
	return func(a *Attempt) { a.PasswordChanged = when }
}

// sayAdmission names an answer: "ok", or "reason setting origin line".
func sayAdmission(a Admission) string {
	if a.Allowed() {
		return "ok"
	}
	return fmt.Sprintf("%s %s %s %d", a.Reason, a.Setting, a.Origin, a.At.Line)
}

// Windows are read on the wall clock of their zone, whatever the clocks do.
func TestAdmitHours(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	lordHowe := zone(t, "Australia/Lord_Howe") // its clocks move by half an hour
	hm := func(text string) int {
		clock, err := time.Parse("15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return clock.Hour()*60 + clock.Minute()
	}
	window := func(day time.Weekday, from, to string, loc *time.Location) AccessTime {
		w := AccessTime{At: at(3), Weekday: day, From: hm(from), To: hm(to), Zone: "UTC"}
		if loc != nil {
			w.Zone, w.Location = loc.String(), loc
		}
		return w
	}
	for _, tt := range []struct {
		name    string
		windows []AccessTime
		now     string // RFC 3339
		open    bool
	}{
		{"none", nil, "2026-07-15T12:00:00Z", true},
		{"inside", []AccessTime{window(time.Wednesday, "08:00", "12:00", nil)}, "2026-07-15T10:00:00Z", true},
		{"first minute", []AccessTime{window(time.Wednesday, "08:00", "12:00", nil)}, "2026-07-15T08:00:00Z", true},
		{"before", []AccessTime{window(time.Wednesday, "08:00", "12:00", nil)}, "2026-07-15T07:59:59Z", false},
		{"last minute", []AccessTime{window(time.Wednesday, "08:00", "12:00", nil)}, "2026-07-15T12:00:59Z", true},
		{"after", []AccessTime{window(time.Wednesday, "08:00", "12:00", nil)}, "2026-07-15T12:01:00Z", false},
		{"other day", []AccessTime{window(time.Tuesday, "08:00", "12:00", nil)}, "2026-07-15T10:00:00Z", false},
		{"any window will do", []AccessTime{window(time.Tuesday, "08:00", "12:00", nil), window(time.Wednesday, "09:00", "10:00", nil)}, "2026-07-15T10:00:00Z", true},
		{"the whole day", []AccessTime{window(time.Wednesday, "00:00", "23:59", nil)}, "2026-07-15T23:59:59Z", true},
		{"one minute", []AccessTime{window(time.Wednesday, "10:00", "10:00", nil)}, "2026-07-15T10:00:30Z", true},

		{"now has another zone", []AccessTime{window(time.Wednesday, "08:00", "12:00", nil)}, "2026-07-15T14:30:00+05:00", true},
		{"east of Greenwich it is the next day", []AccessTime{window(time.Thursday, "00:00", "01:00", berlin)}, "2026-07-15T22:30:00Z", true},
		{"and no longer this one", []AccessTime{window(time.Wednesday, "00:00", "23:59", berlin)}, "2026-07-15T22:30:00Z", false},
		{"summer time", []AccessTime{window(time.Wednesday, "08:00", "09:00", berlin)}, "2026-07-15T06:30:00Z", true},
		{"winter time", []AccessTime{window(time.Wednesday, "08:00", "09:00", berlin)}, "2026-01-14T06:30:00Z", false},
		{"winter time, an hour later", []AccessTime{window(time.Wednesday, "08:00", "09:00", berlin)}, "2026-01-14T07:30:00Z", true},

		// 29 March 2026, a Sunday: 02:00 is followed by 03:00.
		{"before the gap", []AccessTime{window(time.Sunday, "01:30", "02:30", berlin)}, "2026-03-29T00:59:59Z", true},
		{"the gap", []AccessTime{window(time.Sunday, "02:00", "02:59", berlin)}, "2026-03-29T01:00:00Z", false},
		{"after the gap", []AccessTime{window(time.Sunday, "01:30", "02:30", berlin)}, "2026-03-29T01:00:00Z", false},
		{"across the gap", []AccessTime{window(time.Sunday, "01:30", "03:00", berlin)}, "2026-03-29T01:00:30Z", true},
		// 25 October 2026, a Sunday: 03:00 is followed by 02:00.
		{"the hour that is there twice", []AccessTime{window(time.Sunday, "02:15", "02:45", berlin)}, "2026-10-25T00:30:00Z", true},
		{"its second time", []AccessTime{window(time.Sunday, "02:15", "02:45", berlin)}, "2026-10-25T01:30:00Z", true},
		{"between the two", []AccessTime{window(time.Sunday, "02:15", "02:45", berlin)}, "2026-10-25T01:00:00Z", false},
		// 5 April 2026, a Sunday: 02:00 is followed by 01:30.
		{"half an hour twice", []AccessTime{window(time.Sunday, "01:30", "01:59", lordHowe)}, "2026-04-04T15:15:00Z", true},

		{"over midnight, the evening", []AccessTime{window(time.Wednesday, "22:00", "06:00", nil)}, "2026-07-15T23:00:00Z", true},
		{"over midnight, the morning after", []AccessTime{window(time.Wednesday, "22:00", "06:00", nil)}, "2026-07-16T06:00:59Z", true},
		{"over midnight, too late", []AccessTime{window(time.Wednesday, "22:00", "06:00", nil)}, "2026-07-16T06:01:00Z", false},
		{"over midnight, the morning before", []AccessTime{window(time.Wednesday, "22:00", "06:00", nil)}, "2026-07-15T05:00:00Z", false},
		{"over midnight, the next evening", []AccessTime{window(time.Wednesday, "22:00", "06:00", nil)}, "2026-07-16T23:00:00Z", false},
		{"over the end of the week", []AccessTime{window(time.Saturday, "22:00", "06:00", nil)}, "2026-07-19T05:00:00Z", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := Account{Name: "alice"}
			a.AccessTime = tt.windows
			now, err := time.Parse(time.RFC3339, tt.now)
			if err != nil {
				t.Fatal(err)
			}
			want := "ok"
			if !tt.open {
				want = "outside_hours access_time account:alice 3"
			}
			v := view(t, compile(t, Input{Accounts: []Account{a}}), "alice")
			if got := sayAdmission(v.Admit(ssh, now, nil)); got != want {
				t.Errorf("Admit at %s = %q, want %q", tt.now, got, want)
			}
		})
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Every reason has a name of its own; what is told says nothing of addresses.
func TestAdmitReasons(t *testing.T) {
	seen := map[string]bool{}
	var told []string
	for _, r := range AdmitReasons() {
		if name := r.String(); name == "" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		}
		seen[r.String()] = true
		if (Admission{Reason: r}).Tell() {
			told = append(told, r.String())
		}
	}
	if got, want := strings.Join(told, " "), "outside_hours clear_text second_factor password_expired too_many_sessions"; got != want {
		t.Errorf("told: %s, want %s", got, want)
	}
	if (Admission{}).Tell() || !(Admission{}).Allowed() || admitReasonCount.String() != "unknown" {
		t.Error("the zero Admission is not a plain yes")
	}
}
