package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"grantfs/integration/e2e/host"
)

// patience ends a wait for an event that never comes.
const patience = 20 * time.Second

type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what the scripts can say besides testscript's own commands:
//
//	serve                  start grantfs and wait until it is ready
//	managed                the same under a service manager that keeps its descriptors
//	heard RE               wait until that has heard such a message
//	keeps N                it keeps so many descriptors
//	sshd, vsftpd           start the machine's own, configured by grantfs
//	start NAME PROG ARG…   start any other program under a name
//	expect NAME RE         wait until a started program says a line, after the last one expected
//	[!] said NAME RE       the program has said such a line at any time
//	signal NAME SIG        HUP, INT, TERM or KILL
//	ends NAME STATUS       wait until the program ends by itself, with that status
//	exits STATUS PROG ARG… run a program that must end with that status
//	[!] sftp LOGIN LINE…   a session of sftp; a line that fails ends it
//	[!] lftp LOGIN LINE…   a session of lftp by explicit FTPS; its last command decides
//	[!] ftps LOGIN PATH ARG…  curl by explicit FTPS
//	waitfor PROG ARG…      run a program again and again until it succeeds
func commands() map[string]command {
	return map[string]command{
		"serve":   starter((*host.Host).Serve),
		"managed": starter((*host.Host).ServeManaged),
		"heard":   heard,
		"keeps":   keeps,
		"sshd":    starter((*host.Host).StartSSH),
		"vsftpd":  starter((*host.Host).StartFTP),
		"start":   start,
		"expect":  expect,
		"said":    said,
		"signal":  sendSignal,
		"ends":    ends,
		"exits":   exits,
		"sftp":    sftp,
		"lftp":    lftp,
		"ftps":    ftps,
		"waitfor": waitfor,
	}
}

func theHost(ts *testscript.TestScript) *host.Host { return ts.Value(hostKey{}).(*host.Host) }

func daemon(ts *testscript.TestScript, name string) *host.Daemon {
	d := theHost(ts).Daemon(name)
	if d == nil {
		ts.Fatalf("%s was not started", name)
	}
	return d
}

func arguments(ts *testscript.TestScript, neg, mayNeg bool, args []string, least int) {
	if neg && !mayNeg {
		ts.Fatalf("this command has no negation")
	}
	if len(args) < least {
		ts.Fatalf("%d arguments, want %d or more", len(args), least)
	}
}

func starter(f func(*host.Host) (*host.Daemon, error)) command {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, false, args, 0)
		_, err := f(theHost(ts))
		ts.Check(err)
	}
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 2)
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(theHost(ts))
	_, err := theHost(ts).Start(args[0], cmd)
	ts.Check(err)
}

func expect(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 2)
	re, err := regexp.Compile(args[1])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	line, err := daemon(ts, args[0]).Expect(ctx, re)
	ts.Check(err)
	ts.Logf("%s", line)
}

func heard(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 1)
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ts.Check(theHost(ts).Manager.Expect(ctx, re))
}

func keeps(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 1)
	if names := theHost(ts).Manager.Kept(); strconv.Itoa(len(names)) != args[0] {
		ts.Fatalf("the service manager keeps %d descriptors, want %s: %q", len(names), args[0], names)
	}
}

func said(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, true, args, 2)
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	text := daemon(ts, args[0]).Said()
	if re.MatchString(text) == neg {
		ts.Fatalf("match of %q: %v, in:\n%s", args[1], !neg, text)
	}
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 2)
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	s, ok := signals[args[1]]
	if !ok {
		ts.Fatalf("unknown signal %s", args[1])
	}
	daemon(ts, args[0]).Signal(s)
}

func ends(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 2)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d := daemon(ts, args[0])
	status, err := d.Wait(ctx)
	ts.Check(err)
	if strconv.Itoa(status) != args[1] {
		ts.Fatalf("%s ended with status %d, want %s:\n%s", args[0], status, args[1], d.Said())
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 2)
	err := ts.Exec(args[1], args[2:]...)
	status := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		status = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%s ended with status %d, want %s", args[1], status, args[0])
	}
}

func outcome(ts *testscript.TestScript, neg bool, err error) {
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		ts.Fatalf("%v", err)
	case err != nil && !neg:
		ts.Fatalf("unexpected failure: %v", err)
	case err == nil && neg:
		ts.Fatalf("unexpected success")
	}
}

func sftp(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, true, args, 2)
	batch := ts.MkAbs(".sftp-batch")
	ts.Check(os.WriteFile(batch, []byte(strings.Join(args[1:], "\n")+"\n"), 0o600))
	outcome(ts, neg, ts.Exec("sftp", "-q", "-oBatchMode=no", "-b", batch, args[0]+"@demo"))
}

func lftp(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, true, args, 2)
	outcome(ts, neg, ts.Exec("lftp", "-u", credentials(ts, args[0], ","),
		"-e", strings.Join(append(args[1:], "exit"), "; "), "ftp://"+ts.Getenv("FTP")))
}

func ftps(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, true, args, 2)
	outcome(ts, neg, ts.Exec("curl", append([]string{
		"--ssl-reqd", "-u", credentials(ts, args[0], ":"),
		"ftp://" + ts.Getenv("FTP") + args[1],
	}, args[2:]...)...))
}

// credentials returns LOGIN and its password. A login with a password of its
// own is written LOGIN:PASSWORD.
func credentials(ts *testscript.TestScript, login, separator string) string {
	if name, password, ok := strings.Cut(login, ":"); ok {
		return name + separator + password
	}
	password := ts.Getenv("CLIENT_PASSWORD")
	if strings.HasSuffix(login, ".ftp") {
		password = ts.Getenv("MAIN_PASSWORD")
	}
	return login + separator + password
}

func waitfor(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, false, args, 1)
	deadline := time.After(patience)
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		select {
		case <-retry.C:
		case <-deadline:
			ts.Fatalf("%s never succeeded: %v", args[0], err)
		}
	}
}
