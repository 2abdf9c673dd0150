package host

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// stageVar tells a re-executed process which part it plays.
const stageVar = "GRANTFS_E2E_STAGE"

// The stages: the first process of the copy, and the process that does the
// work in it.
const (
	stageInit   = "init"
	stageInside = "inside"
)

// pidVar holds the number that the first process of the copy has outside.
const pidVar = "GRANTFS_E2E_PID"

// OutsidePid returns the number that the first process of the copy has outside, by
// which nsenter finds the copy; "" where this process is in none.
func OutsidePid() string { return os.Getenv(pidVar) }

// Inside reports whether this process runs in a throwaway host.
func Inside() bool { return os.Getenv(stageVar) == stageInside }

// Enter plays the first process of a throwaway host if this process was started
// as one by Run; it does not return then. Call it before anything else in main.
func Enter() {
	if os.Getenv(stageVar) != stageInit {
		return
	}
	// /proc is still the machine's: it shows us by the number we have there.
	if pid, err := os.Readlink("/proc/self"); err == nil {
		os.Setenv(pidVar, pid)
	}
	if err := makeCopy(); err != nil {
		fmt.Fprintf(os.Stderr, "throwaway host: %v\n", err)
		os.Exit(125)
	}
	os.Exit(reap())
}

// Run runs this very program again, with args, in a new throwaway host, and
// returns its exit status. The standard streams are cmd's to set; see the
// options. Cancelling ctx kills everything in the host. It needs root.
func Run(ctx context.Context, streams Streams, args ...string) (int, error) {
	if os.Geteuid() != 0 {
		return 0, fmt.Errorf("make a throwaway host: root is needed to make namespaces and mounts")
	}
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("make a throwaway host: %w", err)
	}

	// The death signal is sent when the thread that forked ends, so that the
	// thread must stay ours for as long as the host lives.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams.In, streams.Out, streams.Err
	cmd.Env = append(os.Environ(), stageVar+"="+stageInit)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("make a throwaway host: %w", err)
	}
	stop := forward(cmd.Process)
	defer stop()
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		return 0, fmt.Errorf("wait for the throwaway host: %w", err)
	}
	if ctx.Err() != nil {
		return 0, fmt.Errorf("throwaway host: %w", ctx.Err())
	}
	return cmd.ProcessState.ExitCode(), nil
}

// Streams are the standard streams of the program that runs in a throwaway
// host.
type Streams struct {
	In       *os.File
	Out, Err io.Writer
}

// forward hands a request to end on to p until the returned function is
// called. What a terminal sends reaches the whole process group by itself, so
// that SIGINT is only kept from ending this process first.
func forward(p *os.Process) (stop func()) {
	signals := make(chan os.Signal, 4)
	done := make(chan struct{})
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(done)
		for s := range signals {
			if s != syscall.SIGINT {
				_ = p.Signal(syscall.SIGTERM) // gone already: nothing to forward to
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

// reap starts the program that the host was made for, collects every process
// that ends in the host, as a first process must, and returns the program's
// exit status.
func reap() int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := os.Setenv(stageVar, stageInside); err != nil {
		fmt.Fprintf(os.Stderr, "throwaway host: %v\n", err)
		return 125
	}
	pid, err := syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "throwaway host: start %s: %v\n", os.Args[0], err)
		return 125
	}
	go func() { // ends with the process
		for s := range signals {
			if s != syscall.SIGINT {
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
	}()
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fmt.Fprintf(os.Stderr, "throwaway host: wait: %v\n", err)
			return 125
		case got == pid && status.Exited():
			return status.ExitStatus()
		case got == pid && status.Signaled():
			return 128 + int(status.Signal())
		}
	}
}
