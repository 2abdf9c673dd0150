package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// messages.txt holds configurations and what check says about each. A
// configuration ends at a line "--", what is said at a line "==".
func TestMessages(t *testing.T) {
	data, err := os.ReadFile("testdata/messages.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimSuffix(string(data), "==\n"), "==\n")
	if len(cases) < 50 {
		t.Fatalf("messages.txt holds %d cases, want at least 50", len(cases))
	}
	for _, c := range cases {
		text, want, ok := strings.Cut(c, "--\n")
		if !ok {
			t.Errorf("no line -- in case:\n%s", c)
			continue
		}
		got := strings.Join(problemsOf(t, text), "\n")
		if diff := cmp.Diff(strings.TrimSpace(want), got); diff != "" {
			t.Errorf("%s(-want +got):\n%s", text, diff)
		}
	}
}

// A hash that is not one may be the password itself.
func TestMessagesKeepSecrets(t *testing.T) {
	for _, value := range []string{`"hunter2"`, `"$6$x:hunter2"`, `["hunter2"]`, `"hunter2`, `{ hunter2 = 1 }`} {
		got := problemsOf(t, "[accounts.a]\npassword_hash = "+value+"\n")
		if len(got) == 0 || strings.Contains(strings.Join(got, "\n"), "hunter2") {
			t.Errorf("password_hash = %s: problems = %q, want some that don't repeat it", value, got)
		}
	}
}
