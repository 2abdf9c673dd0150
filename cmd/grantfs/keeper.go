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
}

// backoff is the longest pause before the next worker.
const backoff = time.Second

// exitUnmounted is how a worker ends whose mount was taken away.
const exitUnmounted = 3

// keep mounts, or goes on with what a keeper has left that was killed, and has the
// mount served until SIGTERM or SIGINT.
func keep(e *env, log *slog.Logger) (err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	k := &keeper{log: log, sockets: map[string]net.Listener{}}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program: %w", err)
	}
	if k.manager, err = systemd.Connect(); err != nil {
		return err
	}
	stored, err := systemd.Stored()
	if err != nil {
		return err
	}
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
	k.protect()
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
	k.vault.StoreIn(store{k})
	if err := k.facts.read(k.vault.Duplicate(heldFacts)); err != nil {
		return err
	}
	k.First = false // else nothing would have been kept
	k.Restarts.Causes[metrics.CauseKeeper]++
	k.Ended = time.Now()
	k.log.Warn("the keeper was killed, and goes on")
	device, err1 := k.vault.Duplicate(heldDevice)
	control, err2 := k.vault.Duplicate(heldControl)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	k.conn = kernel.Attach(k.Point, device, control, k.Features)
	k.protect()
	return k.inheritSockets(stored)
}

// protect makes this process the last to be killed when memory is short.
func (k *keeper) protect() {
	var err error
	if k.OOMScore, err = protect(); err != nil {
		k.log.Warn("the keeper is killed like any other process when memory is short", "error", err)
	}
}

// store is the service manager's, for what a keeper holds.
type store struct{ *keeper }

func (s store) Put(name string, fd int) { s.told(s.manager.Store(name, fd)) }

func (s store) Remove(name string) { s.told(s.manager.Remove(name)) }

func (k *keeper) told(err error) {
	if err != nil {
		k.log.Error("the service manager was not told", "error", err)
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
