package status

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// busy is a host on which something is to be seen of everything.
func busy() Status {
	return Status{
		Version: "1.4.2", Host: "web7", At: noon, Mount: "/srv/views",
		Kernel:   Kernel{Passthrough: true, Resend: true},
		Worker:   Worker{PID: 4711, Started: noon.Add(-26 * time.Hour), Restarts: []Count{{"orderly", 2}, {"signal", 1}}, Pauses: 3, Paused: 0.04},
		Policy:   Policy{Generation: 318, Since: noon.Add(-9 * time.Minute)},
		Accounts: Accounts{Active: 1284, Locked: 17}, Sites: 2310, Instances: []string{"/data/disk/o1", "/data/disk/o2"},
		Discovery: Discovery{Last: noon.Add(-20 * time.Second), Problems: 2, Unreadable: 1},
		Sessions: Sessions{Open: 4, Protocols: []Count{{"SSH", 3}, {"FTP", 1}}, Newest: []Session{
			{"o1.foo", "SSH", "publickey", "203.0.113.7", noon.Add(-30 * time.Second)},
			{"o1.ftp", "SSH", "password", "2001:db8::17", noon.Add(-14 * time.Minute)},
			{"o2.agency", "FTP", "password", "198.51.100.23", noon.Add(-2 * time.Hour)},
			{"<b>odd</b>", "SSH", "keyboard-interactive", "", noon.Add(-50 * time.Hour)},
		}},
		Missing: []string{"/srv/media/<old>"},
		Frozen:  []Frozen{{"site:o1/shop.example.org", noon.Add(-time.Hour)}},
		Quotas: Quotas{Limited: 1301, Nearest: []Quota{
			{"account:o1.foo", "bytes", 10 << 30, 10 << 30, 1},
			{"folder:media", "bytes", 97 << 29, 50 << 30, 0.97},
			{"site:o2/www.example.com", "files", 84_120, 100_000, 0.8412},
			{"account:o2.agency", "bytes", 3 << 30, 20 << 30, 0.15},
		}},
		Refused:       []Count{{"no_permission", 1932}, {"preset", 411}, {"pattern", 12}},
		RefusedLogins: []Count{{"address_denied", 204}, {"too_many_sessions", 3}},
	}
}

func get(t *testing.T, h http.Handler, set func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if set != nil {
		set(r)
	}
	h.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	w := get(t, Page(busy, slog.New(slog.DiscardHandler)), nil)
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	for _, want := range []string{
		"1,284", "and 17 locked", "2,310", "SSH 3, FTP 1", "refused", "no. 318, since 9 min", "orderly 2, signal 1",
		"100&thinsp;%", "10.0 GiB of 10.0 GiB", "97&thinsp;%", "84,120 of 100,000", "203.0.113.7", "unknown", "no_permission", "1,932",
		"site:o1/shop.example.org", "/srv/media/&lt;old&gt;", "&lt;b&gt;odd&lt;/b&gt;", "needs a look",
		"1 alias file can&#39;t be understood", "1 limit is used up", "no epochs",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, never := range []string{"<script", "<b>odd", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(body, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy is %q", csp)
	}
}

func TestPageOfAnIdleHost(t *testing.T) {
	idle := Status{Host: "h", At: noon, Policy: Policy{Generation: 1, Since: noon, Accepted: true}, Worker: Worker{Started: noon.Add(-time.Second)}}
	body := get(t, Page(func() Status { return idle }, slog.New(slog.DiscardHandler)), nil).Body.String()
	for _, want := range []string{"all is well", "nobody is logged in", "Nothing has a limit.", "none is locked", "in force", "up 1 s"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(body, "Frozen") || strings.Contains(body, `class="trouble"`) {
		t.Error("the page speaks of what is not there")
	}
}

func TestTroubles(t *testing.T) {
	fine := func() Status {
		return Status{At: noon, Policy: Policy{Accepted: true}, Instances: []string{"/data/disk/o1"}, Discovery: Discovery{Last: noon}}
	}
	if s := fine(); len(s.Troubles()) != 0 {
		t.Errorf("troubles of a host that has none: %q", s.Troubles())
	}
	for want, change := range map[string]func(*Status){
		"2 requests have ended in an error":    func(s *Status) { s.Worker.Errors = 2 },
		"configuration on disk is refused":     func(s *Status) { s.Policy.Accepted = false },
		"3 alias files can't":                  func(s *Status) { s.Discovery.Unreadable = 3 },
		"1 alias or site is refused":           func(s *Status) { s.Discovery.Problems = 1 },
		"nobody has looked at the Aegir hosts": func(s *Status) { s.Discovery.Last = noon.Add(-time.Hour) },
		"2 sources are missing":                func(s *Status) { s.Missing = []string{"/a", "/b"} },
		"5 lines of the audit log":             func(s *Status) { s.AuditLost = 5 },
		"1 limit is used up":                   func(s *Status) { s.Quotas.Nearest = []Quota{{Share: 1}, {Share: 0.99}} },
	} {
		s := fine()
		change(&s)
		if got := s.Troubles(); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("troubles = %q, want one with %q", got, want)
		}
	}
}

func TestText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 61 * time.Minute: "1 h 1 min", 49 * time.Hour: "2 d 1 h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 200 << 20: "200 MiB", 1 << 62: "4.0 EiB"} {
		if got := (Quota{Resource: "bytes"}).Amount(n); got != want {
			t.Errorf("Amount(%d) = %q, want %q", n, got, want)
		}
	}
	if got := (Quota{Share: 0.9999}).Percent(); got != 99 {
		t.Errorf("0.9999 is %d %%, want 99", got)
	}
}
