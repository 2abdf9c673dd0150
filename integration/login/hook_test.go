package login

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// program makes a hook of a shell script.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

var asked = hookQuestion{Username: "alice", IP: "192.0.2.1", Protocol: "SSH", Method: "password", Password: "tru\"e\n"}

func TestHookAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		kind   hookKind
		script string
		want   bool
		failed bool
	}{
		"a password is good":               {checkPassword, `echo '{"status":1}'`, true, false},
		"a password is bad":                {checkPassword, `echo '{"status":0}'`, false, false},
		"another password is to be judged": {checkPassword, `echo '{"status":2,"to_verify":"x"}'`, false, false},
		"nothing said of a password":       {checkPassword, `echo '{}'`, false, false},
		"no object":                        {checkPassword, `echo yes`, false, true},
		"no text":                          {checkPassword, `:`, false, true},
		"who is let in":                    {externalAuth, `echo '{"username":"alice","status":1}'`, true, false},
		"somebody else":                    {externalAuth, `echo '{"username":"bob"}'`, false, false},
		"nobody, as SFTPGo has it":         {externalAuth, `echo '{"username":""}'`, false, false},
		"a disabled one":                   {externalAuth, `echo '{"username":"alice","status":0}'`, false, false},
		"no objection":                     {preLogin, `:`, true, false},
		"an objection":                     {preLogin, `echo '{"status":0}'`, false, false},
		"a failure":                        {preLogin, `exit 3`, false, true},
		"more than anybody reads":          {preLogin, `head -c 100000 /dev/zero`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newHooks().ask(t.Context(), tt.kind, program(t, tt.script), asked, 0)
			if got != tt.want || (err != nil) != tt.failed {
				t.Errorf("ask = %v, %v, want %v, failed: %v", got, err, tt.want, tt.failed)
			}
		})
	}
}

// TestHookProgram: the question comes by standard input and nowhere else.
func TestHookProgram(t *testing.T) {
	t.Setenv("SECRET", "of the daemon")
	hook := program(t, `cat > "${0%/*}/question"; env > "${0%/*}/env"; tr '\0' ' ' < /proc/$$/cmdline > "${0%/*}/args"; echo '{"status":1}'`)
	if ok, err := newHooks().ask(t.Context(), checkPassword, hook, asked, 0); !ok {
		t.Fatalf("ask = %v, %v", ok, err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(hook), name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, want := read("question"), `{"username":"alice","ip":"192.0.2.1","protocol":"SSH","login_method":"password","password":"tru\"e\n"}`; got != want {
		t.Errorf("question %s, want %s", got, want)
	}
	if env := read("env"); strings.Contains(env, "SECRET") || strings.Contains(env, "tru") {
		t.Errorf("environment:\n%s", env)
	}
	if args := read("args"); strings.Contains(args, "tru") {
		t.Errorf("arguments: %s", args)
	}
}

// TestHookHangs: at the end of its patience a program is killed with all that it
// has started, and those who wait for other hooks do not notice.
func TestHookHangs(t *testing.T) {
	h := newHooks()
	hook := program(t, `sleep 1000 & echo $! > "${0%/*}/child"; echo > "${0%/*}/fifo"; wait`)
	fifo := filepath.Join(filepath.Dir(hook), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := h.ask(ctx, preLogin, hook, asked, 0)
		done <- err
	}()
	if _, err := os.ReadFile(fifo); err != nil { // it runs
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(hook), "child"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	child, err := openProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer child.close()
	if ok, err := h.ask(t.Context(), preLogin, program(t, ":"), asked, 0); !ok {
		t.Errorf("another hook: %v, %v", ok, err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ask = %v", err)
	}
	child.wait()
}

func TestHookAddress(t *testing.T) {
	var got []hookQuestion
	asks := 0
	status, answer := http.StatusOK, `{"username":"alice"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asks++
		text, _ := io.ReadAll(r.Body)
		var q hookQuestion
		if err := json.Unmarshal(text, &q); err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" {
			t.Errorf("%s %s: %v: %s", r.Method, r.URL, err, text)
		}
		got = append(got, q)
		if status == http.StatusTemporaryRedirect {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	h := newHooks()
	ask := func(q hookQuestion, keep time.Duration) (bool, error) {
		return h.ask(t.Context(), externalAuth, server.URL, q, keep)
	}
	if ok, err := ask(asked, 0); !ok || got[0] != asked {
		t.Errorf("ask = %v, %v, the server was asked %+v", ok, err, got)
	}
	// What was accepted is remembered, for that password only and for a time.
	asks = 0
	for range 3 {
		if ok, err := ask(asked, time.Hour); !ok {
			t.Errorf("ask = %v, %v", ok, err)
		}
	}
	if asks != 1 {
		t.Errorf("the server was asked %d times, want once", asks)
	}
	status, other := http.StatusForbidden, asked
	other.Password = "another"
	if ok, err := ask(other, time.Hour); ok || err == nil {
		t.Errorf("another password: %v, %v", ok, err)
	}
	if ok, _ := ask(asked, 0); ok {
		t.Error("nothing is to be remembered, and it was")
	}
	status = http.StatusTemporaryRedirect
	asks = 0
	if ok, err := ask(other, 0); ok || err == nil || asks != 1 {
		t.Errorf("a redirect: %v, %v, asked %d times", ok, err, asks)
	}
	server.Close()
	if ok, err := ask(other, 0); ok || err == nil || strings.Contains(err.Error(), "another") {
		t.Errorf("no server: %v, %v", ok, err)
	}
}
