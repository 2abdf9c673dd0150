package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/vault"
	"grantfs/integration/metrics"
	"grantfs/policy"
)

// workerVariable is the environment variable that makes `serve` the worker of a
// keeper; it holds an inheritance in JSON.
const workerVariable = "GRANTFS_WORKER"

// inheritance is what a keeper tells its worker. The descriptors of the names
// begin at firstFD, those of its sockets behind them.
type inheritance struct {
	Features kernel.Features
	Point    string // with the links in it resolved
	State    string
	Sockets  []string
	First    bool // no worker was ready before
	Died     time.Time
	Restarts metrics.Restarts
	OOMScore string // to go back to
}

// The descriptors that every worker inherits.
const (
	fdDevice = 3 + iota
	fdControl
	fdMemory
	fdVault
	fdSockets
)

// worker is what a worker holds of its keeper.
type worker struct {
	inheritance
	vault     *vault.Worker
	held      map[uint64]int
	memory    *memory.Memory
	listeners map[string]net.Listener
}

// inherit takes over what a keeper has left to this process.
func inherit(text string, log *slog.Logger) (*worker, error) {
	w := &worker{listeners: map[string]net.Listener{}}
	if err := json.Unmarshal([]byte(text), &w.inheritance); err != nil {
		return nil, fmt.Errorf("read what the keeper says: %w", err)
	}
	// Programs that are run for the policy must not have them.
	for fd := fdDevice; fd < fdSockets+len(w.Sockets); fd++ {
		syscall.CloseOnExec(fd)
	}
	// The keeper must be the last to be killed, the worker need not.
	if err := setOOMScore(w.OOMScore); err != nil {
		return nil, err
	}
	var err error
	if w.vault, w.held, err = vault.Open(fdVault); err != nil {
		return nil, err
	}
	if w.memory, err = memory.Open(fdMemory); errors.Is(err, memory.ErrLayout) {
		log.Error("what sessions have open is lost", "error", err)
		w.memory, err = memory.Reset(fdMemory)
	}
	if err != nil {
		return nil, err
	}
	for i, name := range w.Sockets {
		f := os.NewFile(uintptr(fdSockets+i), name)
		l, err := net.FileListener(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("take the socket %s over: %w", name, err)
		}
		w.listeners[name] = l
	}
	return w, nil
}

// load loads the configuration; where it has errors and a policy was in force, what
// was accepted last. What only a restart of the keeper changes stays as it is.
func (w *worker) load(path string, log *slog.Logger) (*loaded, error) {
	l, err := load(path)
	if err == nil && l.set == nil && !w.First {
		for _, p := range l.problems {
			if p.Severity == policy.SeverityError {
				logProblem(log, "configuration", p)
			}
		}
		log.Error("the configuration has errors, what was accepted last stays in force")
		l, err = loadAccepted(w.State, path)
	}
	if err == nil {
		l.config.Mount.State.Value = w.State
	}
	return l, err
}

// attach makes the file system of what was inherited.
func (w *worker) attach(opt fs.Options) (*fs.Server, error) {
	if !w.First {
		w.Restarts.Add(time.Since(w.Died)) // as the keeper will in a moment
	}
	conn := kernel.Attach(opt.Point, fdDevice, fdControl, w.Features)
	return fs.Attach(opt, fs.Inheritance{Conn: conn, Memory: w.memory, Vault: w.vault, Held: w.held})
}

// answeredPeriod is how often it is looked whether a request was answered, at
// first.
const answeredPeriod = time.Millisecond

// report tells the keeper that the worker serves, and then that it has answered its
// first request.
func (w *worker) report(ctx context.Context, s *fs.Server) error {
	if err := w.vault.Say(vault.Ready); err != nil {
		return err
	}
	look := time.NewTimer(answeredPeriod)
	defer look.Stop()
	for period := answeredPeriod; !s.Answered(); look.Reset(period) {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			period = min(2*period, time.Second)
		}
	}
	return w.vault.Say(vault.Served)
}

const oomScoreFile = "/proc/self/oom_score_adj"

func setOOMScore(score string) error {
	if score == "" {
		return nil
	}
	if err := os.WriteFile(oomScoreFile, []byte(score), 0); err != nil {
		return fmt.Errorf("say how dispensable this process is: %w", err)
	}
	return nil
}
