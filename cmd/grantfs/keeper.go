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
	"syscall"
	"time"

	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/vault"
	"grantfs/integration/metrics"
	"grantfs/integration/systemd"
)

// keeper holds what must outlive the process that serves the mount, and replaces
// that process, the worker, whenever it ends. It reads the configuration once and
// nothing that an account has written.
type keeper struct {
	log     *slog.Logger
	manager systemd.Manager
	facts
	conn     *kernel.Conn
	vault    vault.Keeper
	sockets  map[string]net.Listener
	closing  func() // ends the refusing of users, nil while nobody refuses them
	failures int    // workers in a row that have died before they answered a request
	kills    int    // of processes for want of memory, before the worker
}

// backoff is the longest pause before the next worker.
const backoff = time.Second

// keep mounts, or goes on with what a keeper has left that was killed, and has the
// mount served until SIGTERM or SIGINT.
func keep(e *env, log *slog.Logger) (err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	k := &keeper{log: log, sockets: map[string]net.Listener{}}
	program, err1 := os.Executable()
	manager, err2 := systemd.Connect()
	stored, err3 := systemd.Stored()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	k.manager = manager
	defer func() { err = errors.Join(err, k.close()) }()
	if _, ok := stored[heldDevice]; ok {
		err = k.resume(stored)
	} else {
		err = k.open(e)
	}
	if err != nil {
		return err
	}
	k.Program = program
	// A worker must not outlive its keeper, and ends with the thread that
	// started it (prctl(2), PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return k.run(signals)
}

// open mounts and makes everything that workers inherit.
func (k *keeper) open(e *env) error {
	l, err := load(e.config)
	if err != nil {
		return err
	}
	l.checkPoint()
	if err := l.report(e.stderr); err != nil {
		return err
	}
	k.facts = facts{First: true, Point: l.point, State: l.config.Mount.State.Value}
	k.OOMScore = protect(k.log)
	if err := os.MkdirAll(l.point, 0o755); err != nil && !errors.Is(err, syscall.ENOTCONN) && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the mount point: %w", err)
	}
	if k.conn, err = kernel.Mount(l.point); err != nil {
		return err
	}
	if err := k.conn.Start(); err != nil {
		return err
	}
	k.Features = k.conn.Features()
	device, control := k.conn.Files()
	held := []error{k.vault.Hold(heldDevice, device), k.vault.Hold(heldControl, control)}
	for _, name := range []string{heldMemory, heldRecords} {
		m, err := memory.New()
		if err != nil {
			return err
		}
		held = append(held, k.vault.Hold(name, m.FD()), m.Close())
	}
	held = append(held, k.listenAll(l.config))
	debug.FreeOSMemory() // what loading took
	return errors.Join(held...)
}

// resume takes over what the service manager has kept.
func (k *keeper) resume(stored map[string]int) error {
	k.vault.Adopt(stored)
	k.vault.StoreIn(systemd.Store{Manager: k.manager, Log: k.log})
	if err := k.facts.read(k.vault.Duplicate(heldFacts)); err != nil {
		return err
	}
	k.First = false // else nothing would have been kept
	k.Restarts.Causes[metrics.CauseKeeper]++
	k.Ended = time.Now()
	k.log.Warn("the keeper was killed, and goes on")
	k.OOMScore = protect(k.log)
	device, err1 := k.vault.Duplicate(heldDevice)
	control, err2 := k.vault.Duplicate(heldControl)
	k.conn = kernel.Attach(k.Point, device, control, k.Features)
	return errors.Join(err1, err2, k.inheritSockets(stored))
}

// notify tells the service manager how this service is.
func (k *keeper) notify(states ...string) {
	if err := k.manager.Notify(states...); err != nil {
		k.log.Error("the service manager does not know how it is", "error", err)
	}
}

// close takes the mount away and gives everything back.
func (k *keeper) close() error {
	var errs []error
	if k.closing != nil {
		k.closing()
	}
	for _, s := range k.sockets {
		errs = append(errs, s.Close())
	}
	if k.conn != nil {
		errs = append(errs, k.conn.Unmount(), k.conn.Close())
	}
	k.vault.Close()
	return errors.Join(append(errs, k.manager.Close())...)
}
