package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// mountHelperName is the name by which mount(8) finds this program for the type
// fuse.grantfs.
const mountHelperName = "mount.fuse.grantfs"

// arguments returns the command line of a program that was called name.
func arguments(name string, args []string) []string {
	if filepath.Base(name) == mountHelperName {
		return append([]string{"mount"}, args...)
	}
	return args
}

// mountFlags are those that mount(8) gives its helpers. What they say is for the
// configuration to say.
func mountFlags(f *flag.FlagSet, e *env) {
	f.BoolVar(&e.dryRun, "f", false, "do nothing")
	for _, name := range []string{"s", "n", "v"} {
		f.Bool(name, false, "ignored")
	}
	for _, name := range []string{"o", "t", "N"} {
		f.String(name, "", "ignored `TEXT`")
	}
}

// mountViews starts a daemon for a configuration, as an fstab line or a .mount unit
// asks for, and returns when its views are there. Unmounting ends that daemon. It
// survives its worker, but has nobody who starts it again as a service has.
func mountViews(ctx context.Context, e *env, args []string) error {
	if err := needRoot("mount"); err != nil {
		return err
	}
	file, point := args[0], args[1]
	l, err := load(file)
	if err != nil {
		return err
	}
	if l.set == nil {
		return l.report(e.stderr)
	}
	if resolved(point) != l.point {
		return &exitError{exitConfig, fmt.Errorf("mount %s: mount.point of %s is %s", point, file, l.point)}
	}
	if e.dryRun {
		return nil
	}
	return startDaemon(ctx, e.stderr, file)
}

// startDaemon starts `grantfs serve` and waits until it is ready. Its log goes to
// the journal, where there is one, and else to stderr.
func startDaemon(ctx context.Context, stderr io.Writer, file string) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	if file, err = filepath.Abs(file); err != nil {
		return fmt.Errorf("find %s: %w", file, err)
	}
	cmd := exec.Command(program, "serve", "--config", file)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stderr = stderr
	if journal, err := openJournal(); err == nil {
		defer journal.Close()
		cmd.Stderr = journal
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("hear the daemon: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	line, err := bufio.NewReader(said).ReadString('\n')
	if strings.HasPrefix(line, "ready:") {
		return nil // it goes on without this process
	}
	return fmt.Errorf("the daemon has ended before it was ready, its log says why: %w", errors.Join(err, cmd.Wait()))
}

// openJournal returns a stream to the journal of systemd: a header of seven lines,
// then what is to be logged.
func openJournal() (*os.File, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: "/run/systemd/journal/stdout"})
	if err != nil {
		return nil, fmt.Errorf("reach the journal: %w", err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "grantfs\n\n6\n0\n0\n0\n0\n"); err != nil {
		return nil, fmt.Errorf("reach the journal: %w", err)
	}
	file, err := conn.File()
	if err != nil {
		return nil, fmt.Errorf("reach the journal: %w", err)
	}
	return file, nil
}
