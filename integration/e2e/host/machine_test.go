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
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	Enter()
	os.Exit(m.Run())
}

// ownerVar is set in the process that makes the host and is killed.
const ownerVar = "GRANTFS_E2E_OWNER"

// TestNothingIsLeft makes a mess of a throwaway host, ends the host in the
// middle of it and looks whether the machine is as it was.
func TestNothingIsLeft(t *testing.T) {
	if Inside() {
		mess(t)
		return
	}
	if os.Getenv(ownerVar) != "" {
		_, err := Run(t.Context(), Streams{Out: os.Stdout, Err: os.Stderr}, "-test.run=^TestNothingIsLeft$")
		t.Fatalf("Run returned: %v", err)
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		testLeft(t, cancel, func(out io.Writer) error {
			_, err := Run(ctx, Streams{Out: out, Err: out}, "-test.run=^TestNothingIsLeft$")
			if !errors.Is(err, context.Canceled) {
				return fmt.Errorf("Run = %w, want %w", err, context.Canceled)
			}
			return nil
		})
	})
	t.Run("owner killed", func(t *testing.T) {
		owner := exec.Command("/proc/self/exe", "-test.run=^TestNothingIsLeft$")
		owner.Env = append(owner.Environ(), ownerVar+"=1")
		testLeft(t, func() { _ = owner.Process.Kill() }, func(out io.Writer) error {
			owner.Stdout, owner.Stderr = out, out
			_ = owner.Run() // killed
			return nil
		})
	})
}

// testLeft starts a host in which mess runs, and ends it with kill once the
// mess is made. start returns when all that writes to out has ended.
func testLeft(t *testing.T, kill func(), start func(out io.Writer) error) {
	before := machine(t)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := start(w)
		w.Close()
		ended <- err
	}()
	var namespace string
	var said []string
	lines := bufio.NewScanner(r)
	for namespace == "" && lines.Scan() {
		said = append(said, lines.Text())
		if name, ok := strings.CutPrefix(lines.Text(), "messed up "); ok {
			namespace = name
		}
	}
	if namespace == "" {
		t.Fatalf("the mess was not made: %v\n%s", <-ended, strings.Join(said, "\n"))
	}
	if got := processes(t, namespace); got < 3 {
		t.Errorf("%d processes in the host before its end, want at least 3", got)
	}
	kill()
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// A killed owner cannot wait for its host, so that the last of it may still be
	// on its way out here.
	deadline := time.Now().Add(patience)
	for processes(t, namespace) != 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d processes of the host are left", processes(t, namespace))
		}
		runtime.Gosched()
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
