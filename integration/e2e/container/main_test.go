package container

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// insideVar is set in the process that has namespaces of its own.
const insideVar = "GRANTFS_E2E_CONTAINER"

// again runs the test with args in namespaces of its own, of mounts and processes,
// all of which end with this process.
func again(t *testing.T, args ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // who dies with the thread that has started it
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(t.Context(), "unshare", append([]string{
		"--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		self, "-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=8m", "--",
	}, args...)...)
	cmd.Env = append(cmd.Environ(), insideVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// The second condition: a test that did not run has not passed.
	if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "--- PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Log(out.String())
}

func inside() bool { return os.Getenv(insideVar) != "" }
