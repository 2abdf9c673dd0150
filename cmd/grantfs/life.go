package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"grantfs/fs/vault"
	"grantfs/integration/metrics"
	"grantfs/integration/socket"
	"grantfs/integration/systemd"
)

// start starts a worker.
func (k *keeper) start() *vault.Process {
	k.refuse()
	k.failures++
	k.kills = oomKills("/")
	if err := k.facts.note(&k.vault); err != nil {
		k.log.Error("the worker does not learn what the keeper knows", "error", err)
	}
	return k.vault.Start(k.Program, os.Args, workerVariable+"=1")
}

// refuse has nobody wait for an answer of the user database until a worker is ready.
func (k *keeper) refuse() {
	if k.closing == nil {
		k.closing = socket.Refuse(k.sockets[socketUsers], k.log)
	}
}

// run has one worker after another serve until a signal ends it, or the mount is
// taken away.
func (k *keeper) run(signals <-chan os.Signal) error {
	var beat, again <-chan time.Time
	if period := k.manager.Watchdog(); period > 0 {
		beat = time.Tick(period)
	}
	w := k.start()
	said := w.Said
	for {
		select {
		case m, ok := <-said:
			if !ok {
				said = nil
				continue
			}
			k.hear(w, m)
		case e := <-w.Ended:
			if final, err := k.ended(w, e); final {
				return err
			}
			k.refuse()
			said, again = nil, time.After(k.pause())
		case <-again:
			w = k.start()
			said = w.Said
		case <-beat:
			k.notify(systemd.Alive)
		case s := <-signals:
			if s != syscall.SIGHUP {
				k.log.Info("stopping", "signal", s.String())
				return k.stop(w)
			}
			k.notify(systemd.Reloading())
			if w.Pid != 0 {
				_ = syscall.Kill(w.Pid, syscall.SIGHUP) // one that has just ended reads everything anew
			}
		}
	}
}

// hear notes how the worker is.
func (k *keeper) hear(w *vault.Process, m vault.Message) {
	switch m.Kind {
	case vault.Ready:
		k.closing()
		k.closing = nil
		if k.First {
			k.First = false
			k.vault.StoreIn(systemd.Store{Manager: k.manager, Log: k.log})
		}
		if err := w.Tell(vault.Ready); err != nil {
			k.log.Warn("the worker does not know that it serves alone", "error", err)
		}
		k.notify(systemd.Ready, systemd.Status(m.Text))
	case vault.Reloaded:
		k.notify(systemd.Ready, systemd.Status(m.Text))
	case vault.Served:
		k.failures = 0
		if pause, err := time.ParseDuration(m.Text); err == nil {
			k.Restarts.Pause(pause)
			k.log.Info("a worker serves again", "pid", w.Pid, "pause", pause)
		}
		k.Ended = time.Time{}
	}
}

// ended notes how the worker has ended, and whether that is the end of the mount too.
func (k *keeper) ended(w *vault.Process, e vault.End) (final bool, err error) {
	w.Pid = 0
	cause, why := causeOf(e, oomKills("/")-k.kills)
	switch {
	case e.Status.Exited() && e.Status.ExitStatus() == exitUnmounted:
		return true, fmt.Errorf("%s was unmounted by somebody else", k.Point)
	case k.First && fails(e):
		return true, &exitError{e.Status.ExitStatus(), nil} // it has said why
	case k.First && e.Err != nil:
		return true, e.Err
	case cause == metrics.CauseOrderly:
		k.failures = 0
	}
	k.Restarts.Causes[cause]++
	if k.Ended.IsZero() {
		k.Ended = time.Now()
	}
	k.log.Warn("the worker is replaced", "cause", why, "after", k.pause())
	if k.failures > 1 {
		k.notify(systemd.Status("no worker serves: " + why.Error()))
	}
	return false, nil
}

// pause returns how long the next worker is waited for: not at all unless several in
// a row have died before they answered a request.
func (k *keeper) pause() time.Duration {
	return min(backoff, time.Duration(max(0, k.failures-1))*backoff/20)
}

// stop takes the mount away, which ends the worker; one that hangs is killed.
func (k *keeper) stop(w *vault.Process) error {
	k.notify(systemd.Stopping)
	if w.Pid == 0 {
		return nil // close unmounts
	}
	if err := w.Tell(vault.Stop); err != nil {
		k.log.Warn("the worker does not know that this is the end", "error", err)
	}
	err := k.conn.Unmount()
	patience := time.AfterFunc(stopPatience+time.Second, func() { _ = syscall.Kill(w.Pid, syscall.SIGKILL) })
	for range w.Said { // until it has ended
	}
	e := <-w.Ended
	if !patience.Stop() {
		return errors.Join(err, errors.New("the worker hung and was killed"))
	}
	if fails(e) {
		err = errors.Join(err, &exitError{e.Status.ExitStatus(), nil})
	}
	return err
}
