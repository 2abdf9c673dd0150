package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	Enter()
	os.Exit(m.Run())
}

// TestNothingIsLeft makes a mess of a throwaway host, kills the host in the
// middle of it and looks whether the machine is as it was.
func TestNothingIsLeft(t *testing.T) {
	if Inside() {
		mess(t)
		return
	}
	before := machine(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Streams{Out: w, Err: w}, "-test.run=^TestNothingIsLeft$")
		w.Close()
		ended <- err
	}()
	var namespace string
	var said []string
	for lines := bufio.NewScanner(r); namespace == "" && lines.Scan(); {
		said = append(said, lines.Text())
		namespace, _ = strings.CutPrefix(lines.Text(), "messed up ")
		if namespace == lines.Text() {
			namespace = ""
		}
	}
	if namespace == "" {
		t.Fatalf("the mess was not made: %v\n%s", <-ended, strings.Join(said, "\n"))
	}
	if got := processes(t, namespace); got < 3 {
		t.Errorf("%d processes in the host before its end, want at least 3", got)
	}
	cancel()
	go io.Copy(io.Discard, r) // ends when w is closed
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want %v", err, context.Canceled)
	}
	if got := processes(t, namespace); got != 0 {
		t.Errorf("%d processes of the host are left", got)
	}
	if diff := cmp.Diff(before, machine(t)); diff != "" {
		t.Errorf("the machine has changed (-before +after):\n%s", diff)
	}
}

// mess changes everything it can think of, says so and waits to be killed.
func mess(t *testing.T) {
	if err := addUsers(boaUsers, boaGroups); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/data/left", "/etc/left", "/srv/left", "/run/left", "/left", "/home/left/left", "/tmp/left"} {
		if err := write(path, "left", 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove("/usr/sbin/sshd"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", "/srv", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	// A daemon that nobody waits for, in a session of its own.
	if err := exec.Command("sh", "-c", "setsid tail -f /dev/null >/dev/null 2>&1 &").Run(); err != nil {
		t.Fatal(err)
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("messed up %s\n", namespace)
	select {}
}

// machine returns what a throwaway host could leave behind.
func machine(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	for _, path := range []string{"/proc/self/mountinfo", "/etc/passwd", "/etc/shadow", "/etc/group"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		state[path] = string(text)
	}
	for _, path := range []string{"/data", "/srv", "/left", "/etc/left", "/srv/left", "/run/left", "/home/left", "/tmp/left", "/usr/sbin/sshd"} {
		_, err := os.Stat(path)
		state[path] = fmt.Sprint("exists: ", err == nil)
	}
	return state
}

// processes counts the processes of a process namespace.
func processes(t *testing.T, namespace string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range links {
		if got, err := os.Readlink(link); err == nil && got == namespace {
			n++
		}
	}
	return n
}

func TestMerge(t *testing.T) {
	if !Inside() {
		status, err := Run(t.Context(), Streams{Out: os.Stdout, Err: os.Stderr}, "-test.run=^TestMerge$")
		if err != nil || status != 0 {
			t.Fatalf("Run = %d, %v", status, err)
		}
		return
	}
	if err := os.WriteFile("/etc/passwd", []byte("root:x:0:0::/root:/bin/sh\nsomebody:x:1001:1001::/:/bin/sh\no1.ftp:x:7:7::/:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := addUsers([]User{{Name: "o1", UID: 1001, GID: 5, Home: "/h"}, {Name: "o1.ftp", UID: 1002, GID: 5, Home: "/f"}}, nil); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	want := "root:x:0:0::/root:/bin/sh\no1:x:1001:5::/h:/usr/sbin/nologin\no1.ftp:x:1002:5::/f:/usr/sbin/nologin\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("addUsers: /etc/passwd (-want +got):\n%s", diff)
	}
}
