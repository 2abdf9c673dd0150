package container

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before it is called broken. Nothing
// waits for it.
const patience = 90 * time.Second

// machine is a container with systemd as its first process.
type machine struct {
	nspawn  *exec.Cmd
	ended   chan struct{} // closed when nspawn has ended
	console bytes.Buffer  // may be read then
	leader  string        // the first process, by its number outside
	root    string        // its files, seen from outside
	srv     string        // its /srv
	foreign string        // the files of others, and their sums, before the installation
}

// boot starts a machine that has the files of this one, writable in memory,
// without the services that somebody has enabled in it. dir gets mounts.
func boot(t *testing.T, dir string) *machine {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	root, upper, work, srv := dir+"/root", dir+"/upper", dir+"/work", dir+"/srv"
	for _, d := range []string{root, upper, work, srv} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=/,upperdir=%s,workdir=%s", upper, work)); err != nil {
		t.Fatalf("overlay /: %v", err)
	}
	for _, leftover := range []string{"/etc/systemd/system/multi-user.target.wants", "/etc/systemd/system/timers.target.wants", "/usr/sbin/policy-rc.d"} {
		if err := os.RemoveAll(root + leftover); err != nil {
			t.Fatal(err)
		}
	}
	m := &machine{root: root, srv: srv}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := m.try("journalctl --no-pager --boot; ps -ef; systemctl --failed")
			t.Log(out)
		}
		_ = m.nspawn.Process.Kill() // what is in the machine ends with it
		<-m.ended
		if t.Failed() {
			t.Logf("console:\n%s", &m.console)
		}
	})
	m.start(t)
	return m
}

// start boots the machine.
func (m *machine) start(t *testing.T) {
	t.Helper()
	m.nspawn = exec.Command("systemd-nspawn", "--quiet", "--directory="+m.root, "--machine=grantfs", "--register=no", "--keep-unit", "--private-network",
		// Sources want file handles, which an overlay has not.
		"--bind="+m.srv+":/srv", "--system-call-filter=open_by_handle_at fanotify_init fanotify_mark", "--bind=/dev/fuse",
		"--resolv-conf=off", "--link-journal=no", "--console=pipe", "--boot", "systemd.unit=multi-user.target")
	m.nspawn.Stdout, m.nspawn.Stderr = &m.console, &m.console
	if err := m.nspawn.Start(); err != nil {
		t.Fatalf("start systemd-nspawn: %v", err)
	}
	m.ended = make(chan struct{})
	go func() {
		_ = m.nspawn.Wait() // its status is looked at
		close(m.ended)
	}()
	children := fmt.Sprintf("/proc/%d/task/%[1]d/children", m.nspawn.Process.Pid)
	await(t, "the machine is up", func() bool {
		text, err := os.ReadFile(children)
		if m.leader = strings.TrimSpace(string(text)); err != nil || m.leader == "" {
			return false
		}
		out, _ := m.try("systemctl is-system-running --wait")
		return out == "running" || out == "degraded"
	})
}

// reboots is how nspawn ends when the machine wants to boot again.
const reboots = 133

// reboot boots the machine again.
func (m *machine) reboot(t *testing.T) {
	t.Helper()
	_, _ = m.try("systemctl reboot") // ends with the machine
	select {
	case <-m.ended:
	case <-time.After(patience):
		t.Fatal("the machine does not go down")
	}
	if code := m.nspawn.ProcessState.ExitCode(); code != reboots {
		t.Fatalf("systemd-nspawn has ended with status %d", code)
	}
	m.start(t)
}

// await waits until ready says so.
func await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ready(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it is not so that %s", what)
		}
	}
}

// helpers are what every script may call: "no" is for commands that must fail, where
// "!" would not end the script.
const helpers = `no() { if "$@"; then echo "unexpected: $*"; return 1; fi; }
`

// command is a shell script to be run in the machine as root.
func (m *machine) command(script string) *exec.Cmd {
	cmd := exec.Command("nsenter", "--target="+m.leader, "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd",
		"bash", "-euo", "pipefail", "-c", helpers+script)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "SSHPASS=" + password}
	return cmd
}

// try runs a script, and returns what it has printed and whether it has succeeded.
func (m *machine) try(script string) (out string, ok bool) {
	text, err := m.command(script).CombinedOutput()
	return strings.TrimSpace(string(text)), err == nil
}

// run runs a script that has to succeed.
func (m *machine) run(t *testing.T, script string) string {
	t.Helper()
	out, ok := m.try(script)
	if !ok {
		t.Fatalf("%s\nhas failed:\n%s", script, out)
	}
	return out
}

// until waits until a script succeeds.
func (m *machine) until(t *testing.T, script string) {
	t.Helper()
	await(t, script, func() bool {
		_, ok := m.try(script)
		return ok
	})
}
