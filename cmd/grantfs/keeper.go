package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/vault"
	"grantfs/integration/metrics"
)

// keeper holds what must outlive the process that serves the mount, and replaces
// that process, the worker, whenever it ends. It reads the configuration once and
// nothing that an account has written.
type keeper struct {
	log     *slog.Logger
	program string // looked up at each start: an upgrade replaces it
	point   string
	state   string

	conn    *kernel.Conn
	memory  *memory.Memory
	vault   vault.Keeper
	sockets []listening
	oom     string // of this process before

	restarts metrics.Restarts
	everDid  bool // a worker was ready once
	failures int  // workers in a row that have died before they answered a request
}

// listening is a socket that workers inherit.
type listening struct {
	name string
	net.Listener
}

// backoff is the longest pause before the next worker.
const backoff = time.Second

// exitUnmounted is how a worker ends whose mount was taken away.
const exitUnmounted = 3

// keep mounts, and has the mount served until SIGTERM or SIGINT.
func keep(l *loaded, log *slog.Logger) (err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	k := &keeper{log: log, point: l.point, state: l.config.Mount.State.Value}
	defer func() { err = errors.Join(err, k.close()) }()
	if err := k.open(l); err != nil {
		return err
	}
	// A worker must not outlive its keeper, and ends with the thread that
	// started it (prctl(2), PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	*l = loaded{}
	debug.FreeOSMemory()
	return k.run(signals)
}

// open takes everything that workers inherit.
func (k *keeper) open(l *loaded) (err error) {
	if k.program, err = os.Executable(); err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	if k.oom, err = protect(); err != nil {
		k.log.Warn("the keeper is killed like any other process when memory is short", "error", err)
	}
	if err := os.MkdirAll(l.point, 0o755); err != nil && !errors.Is(err, syscall.ENOTCONN) && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the mount point: %w", err)
	}
	if k.conn, err = kernel.Mount(l.point); err != nil {
		return err
	}
	if err := k.conn.Start(); err != nil {
		return err
	}
	if k.memory, err = memory.New(); err != nil {
		return err
	}
	k.sockets, err = listenAll(l.config)
	return err
}

// protect makes this process the last to be killed when memory is short, and
// returns what it was before.
func protect() (before string, err error) {
	old, err := os.ReadFile(oomScoreFile)
	if err != nil {
		return "", fmt.Errorf("read how dispensable this process is: %w", err)
	}
	return strings.TrimSpace(string(old)), setOOMScore("-1000")
}

// close takes the mount away and gives everything back.
func (k *keeper) close() error {
	var errs []error
	for _, s := range k.sockets {
		errs = append(errs, s.Close())
	}
	if k.memory != nil {
		errs = append(errs, k.memory.Close())
	}
	if k.conn != nil {
		errs = append(errs, k.conn.Unmount(), k.conn.Close())
	}
	return errors.Join(errs...)
}

// run starts one worker after another until a signal ends it.
func (k *keeper) run(signals <-chan os.Signal) error {
	var died time.Time
	for {
		life, err := k.start(died)
		if err == nil {
			var again bool
			if again, err = k.watch(life, died, signals); !again {
				return err
			}
		} else if !k.everDid {
			return err
		}
		died = time.Now()
		pause := min(backoff, time.Duration(max(0, k.failures-1))*backoff/20)
		k.log.Warn("the worker is replaced", "cause", err, "after", pause)
		timer := time.NewTimer(pause)
		for waiting := true; waiting; {
			select {
			case <-timer.C:
				waiting = false
			case s := <-signals:
				if s != syscall.SIGHUP { // the next worker reads everything anyway
					timer.Stop()
					k.log.Info("stopping", "signal", s.String())
					return nil
				}
			}
		}
	}
}

// judge says what follows from how a worker has ended.
func (k *keeper) judge(status syscall.WaitStatus) (again bool, err error) {
	switch code := status.ExitStatus(); {
	case status.Exited() && code == exitUnmounted:
		return false, fmt.Errorf("%s was unmounted by somebody else", k.point)
	case status.Exited() && !k.everDid && code != exitOK:
		return false, &exitError{code, nil} // it has said why
	case status.Exited() && code == exitOK:
		k.failures = 0
		return true, errors.New("it has ended in order")
	case status.Signaled():
		return true, fmt.Errorf("it was killed by a signal: %s", status.Signal())
	}
	return true, fmt.Errorf("it has ended with status %d", status.ExitStatus())
}

// stop takes the mount away, which ends the worker; one that hangs is killed.
func (k *keeper) stop(l *life) error {
	if err := vault.Tell(l.conn, vault.Stop); err != nil {
		k.log.Warn("the worker does not know that this is the end", "error", err)
	}
	err := k.conn.Unmount()
	patience := time.NewTimer(stopPatience + time.Second)
	defer patience.Stop()
	for {
		select {
		case <-l.said:
			continue
		case status := <-l.ended:
			if status.Exited() && status.ExitStatus() != exitOK && status.ExitStatus() != exitUnmounted {
				err = errors.Join(err, &exitError{status.ExitStatus(), nil})
			}
			return err
		case <-patience.C:
			_ = syscall.Kill(l.pid, syscall.SIGKILL)
			<-l.ended
			return errors.Join(err, errors.New("the worker hung and was killed"))
		}
	}
}
