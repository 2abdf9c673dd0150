package status

import (
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	s := busy()
	var out strings.Builder
	if err := s.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"! the configuration on disk is refused", "! 1 limit is used up",
		"mount     /srv/views, by worker 4711 for 1 d 2 h (grantfs 1.4.2)",
		"kernel    passthrough, resend, no epochs",
		"accounts  1,284, 17 locked, 2310 sites",
		"sessions  4 (SSH 3, FTP 1)",
		"restarts  3 (orderly 2, signal 1)",
		"refused   2,355 operations (no_permission 1,932, preset 411, pattern 12)",
		"          207 logins (address_denied 204, too_many_sessions 3)",
		"missing   /srv/media/<old>",
		"quota     folder:media 97 %, 48.5 GiB of 50.0 GiB bytes",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it says no %q", want)
		}
	}
	if strings.Contains(out.String(), "o2.agency 15") {
		t.Error("a limit far away has a line")
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
