package metrics

import (
	"fmt"
	"strings"
	"testing"
)

func TestSessions(t *testing.T) {
	counted := CountSessions(func(yield func(account, protocol string) bool) {
		for i := range MostAccounts + 10 {
			if !yield(fmt.Sprintf("a%02d", i), "SSH") {
				return
			}
		}
		for _, protocol := range []string{"FTP", "FTP", "odd"} {
			if !yield("busy", protocol) {
				return
			}
		}
	})
	text := scrape(t, newMetrics(t, Options{State: func() State { return State{Sessions: counted} }}))
	for _, line := range []string{
		fmt.Sprintf(`grantfs_sessions{protocol="SSH"} %d`, MostAccounts+10),
		`grantfs_sessions{protocol="FTP"} 2`,
		`grantfs_sessions{protocol="other"} 1`,
		`grantfs_account_sessions{account="busy"} 3`,
		`grantfs_account_sessions{account="a00"} 1`,
	} {
		wantLine(t, text, line)
	}
	if n := strings.Count(text, "\ngrantfs_account_sessions{"); n != MostAccounts {
		t.Errorf("%d accounts have a series, want %d", n, MostAccounts)
	}
}
