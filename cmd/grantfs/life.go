package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"grantfs/fs/vault"
	"grantfs/integration/metrics"
	"grantfs/integration/socket"
	"grantfs/integration/systemd"
)

// life is one worker.
type life struct {
	pid   int // 0 when it has ended
	kills int // of processes for want of memory before it
	conn  *net.UnixConn
	said  chan vault.Message // closed when nothing more is to be heard
	ended chan end           // one value
}

// end is how a worker has ended.
type end struct {
	status syscall.WaitStatus
	err    error // it could not be started
}

// start starts a worker.
func (k *keeper) start() *life {
	k.refuse()
	k.failures++
	l := &life{kills: oomKills("/"), said: make(chan vault.Message), ended: make(chan end, 1)}
	if err := k.fork(l); err != nil {
		close(l.said)
		l.ended <- end{err: fmt.Errorf("start a worker: %w", err)}
	}
	return l
}

// refuse has nobody wait for an answer of the user database until a worker is ready.
func (k *keeper) refuse() {
	if k.closing == nil {
		k.closing = socket.Refuse(k.sockets[socketUsers], k.log)
	}
}

func (k *keeper) fork(l *life) error {
	text, err := json.Marshal(k.facts)
	if err != nil {
		return err
	}
	if err := k.vault.Note(heldFacts, text); err != nil {
		return err
	}
	conn, workerEnd, err := vault.Pair()
	if err != nil {
		return err
	}
	defer syscall.Close(workerEnd)
	// Not by os/exec: the thread must be this one.
	pid, err := syscall.ForkExec(k.Program, os.Args, &syscall.ProcAttr{
		Env: append(os.Environ(), workerVariable+"=1"), Files: []uintptr{0, 1, 2, uintptr(workerEnd)},
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return errors.Join(fmt.Errorf("run %s: %w", k.Program, err), conn.Close())
	}
	l.pid, l.conn = pid, conn
	go func() {
		defer close(l.said)
		if err := k.vault.Serve(conn, func(m vault.Message) { l.said <- m }); err != nil {
			k.log.Error("the worker can't be heard", "error", err)
		}
	}()
	go func() {
		var status syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
				l.ended <- end{status: status}
				return
			}
		}
	}()
	return nil
}

// run has one worker after another serve until a signal ends it, or the mount is
// taken away.
func (k *keeper) run(signals <-chan os.Signal) error {
	var beat, again <-chan time.Time
	if period := k.manager.Watchdog(); period > 0 {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		beat = ticker.C
	}
	l := k.start()
	said := l.said
	for {
		select {
		case m, ok := <-said:
			if !ok {
				said = nil
				continue
			}
			k.hear(l, m)
		case e := <-l.ended:
			for m := range l.said {
				k.hear(l, m)
			}
			why, final := k.judge(l, e)
			if final {
				return why
			}
			k.refuse()
			l.pid, said = 0, nil
			pause := min(backoff, time.Duration(max(0, k.failures-1))*backoff/20)
			k.log.Warn("the worker is replaced", "cause", why, "after", pause)
			if k.failures > 1 {
				k.told(k.manager.Notify(systemd.Status("no worker serves: " + why.Error())))
			}
			again = time.After(pause)
		case <-again:
			l = k.start()
			said = l.said
		case <-beat:
			k.told(k.manager.Notify(systemd.Alive))
		case s := <-signals:
			if s != syscall.SIGHUP {
				k.log.Info("stopping", "signal", s.String())
				return k.stop(l)
			}
			k.told(k.manager.Notify(systemd.Reloading()))
			if l.pid != 0 {
				_ = syscall.Kill(l.pid, syscall.SIGHUP) // one that has just ended reads everything anew
			}
		}
	}
}

// hear notes how the worker is.
func (k *keeper) hear(l *life, m vault.Message) {
	switch m.Kind {
	case vault.Ready:
		k.closing()
		k.closing = nil
		if k.First {
			k.First = false
			k.vault.StoreIn(store{k})
		}
		if err := vault.Tell(l.conn, vault.Ready); err != nil {
			k.log.Warn("the worker does not know that it serves alone", "error", err)
		}
		k.told(k.manager.Notify(systemd.Ready, systemd.Status(m.Text)))
	case vault.Reloaded:
		k.told(k.manager.Notify(systemd.Ready, systemd.Status(m.Text)))
	case vault.Served:
		k.failures = 0
		if pause, err := time.ParseDuration(m.Text); err == nil {
			k.Restarts.Pause(pause)
			k.log.Info("a worker serves again", "pid", l.pid, "pause", pause)
		}
		k.Ended = time.Time{}
	}
}

// judge says why a worker has ended, and whether that is the end of the mount too.
func (k *keeper) judge(l *life, e end) (why error, final bool) {
	cause := metrics.CauseExit
	code := e.status.ExitStatus()
	switch {
	case e.err != nil:
		why, final = e.err, k.First
	case e.status.Exited() && code == exitUnmounted:
		return fmt.Errorf("%s was unmounted by somebody else", k.Point), true
	case e.status.Exited() && code != exitOK && k.First:
		return &exitError{code, nil}, true // it has said why
	case e.status.Exited() && code == exitOK:
		k.failures = 0
		cause, why = metrics.CauseOrderly, errors.New("it has ended in order")
	case e.status.Signaled() && oomKills("/") != l.kills:
		cause, why = metrics.CauseMemory, errors.New("it was killed because memory was short")
	case e.status.Signaled():
		cause, why = metrics.CauseSignal, fmt.Errorf("it was killed by a signal: %s", e.status.Signal())
	default:
		why = fmt.Errorf("it has ended with status %d", code)
	}
	k.Restarts.Causes[cause]++
	if k.Ended.IsZero() {
		k.Ended = time.Now()
	}
	return why, final
}

// stop takes the mount away, which ends the worker; one that hangs is killed.
func (k *keeper) stop(l *life) error {
	k.told(k.manager.Notify(systemd.Stopping))
	if l.pid == 0 {
		return nil // close unmounts
	}
	if err := vault.Tell(l.conn, vault.Stop); err != nil {
		k.log.Warn("the worker does not know that this is the end", "error", err)
	}
	err := k.conn.Unmount()
	patience := time.AfterFunc(stopPatience+time.Second, func() {
		_ = syscall.Kill(l.pid, syscall.SIGKILL)
	})
	for range l.said { // until it has ended
	}
	e := <-l.ended
	if !patience.Stop() {
		return errors.Join(err, errors.New("the worker hung and was killed"))
	}
	if e.status.Exited() && e.status.ExitStatus() != exitOK && e.status.ExitStatus() != exitUnmounted {
		err = errors.Join(err, &exitError{e.status.ExitStatus(), nil})
	}
	return err
}
