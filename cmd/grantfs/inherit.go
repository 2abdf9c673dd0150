package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/fs/memory"
	"grantfs/fs/vault"
	"grantfs/integration/login"
	"grantfs/integration/metrics"
	"grantfs/policy"
)

// workerVariable is the environment variable that makes `serve` the worker of a
// keeper.
const workerVariable = "GRANTFS_WORKER"

// What a keeper holds, by the names in its vault.
const (
	heldFacts   = "facts"   // a note: facts in JSON
	heldDevice  = "fuse"    // /dev/fuse
	heldControl = "abort"   // the connection's abort file
	heldMemory  = "memory"  // the file system's
	heldRecords = "records" // memory for what has nothing to do with the file system's layout
	heldSocket  = "socket-" // and the socket's name
	shelfNodes  = "node"    // open files without a name
	shelfLogins = "session" // connections of the PAM module
)

// facts are what a keeper knows, and tells its worker and whoever keeps the mount
// after it.
type facts struct {
	Features kernel.Features
	Point    string // with the links in it resolved
	State    string
	Program  string    // that workers run
	First    bool      // no worker was ready before
	Ended    time.Time // when the last worker did that has served, zero where there was none
	Restarts metrics.Restarts
	OOMScore string // to go back to
}

// note has the vault hold the facts.
func (f *facts) note(v *vault.Keeper) error {
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("note what the keeper knows: %w", err)
	}
	return v.Note(heldFacts, text)
}

// read reads facts from the descriptor of a note, which it closes. It takes an
// error instead, too.
func (f *facts) read(fd int, err error) error {
	if err == nil {
		var text []byte
		if text, err = vault.Text(fd); err == nil {
			err = json.Unmarshal(text, f)
		}
	}
	if err != nil {
		return fmt.Errorf("read what the keeper knows: %w", err)
	}
	return nil
}

// worker is what a worker holds of its keeper.
type worker struct {
	facts
	vault     *vault.Worker
	listeners map[string]net.Listener

	mu sync.Mutex // guards facts.Restarts
}

// inherit takes over what a keeper has left to this process, but for the memories:
// the predecessor may still be on its way out, see attach.
func inherit() (*worker, error) {
	syscall.CloseOnExec(vault.WorkerFD) // programs that are run for the policy must not have it
	w := &worker{listeners: map[string]net.Listener{}}
	var err error
	if w.vault, err = vault.Open(vault.WorkerFD); err != nil {
		return nil, err
	}
	if err := w.facts.read(w.take(heldFacts)); err != nil {
		return nil, err
	}
	// The keeper must be the last to be killed, the worker need not.
	if err := setOOMScore(w.OOMScore); err != nil {
		return nil, err
	}
	for name, fd := range w.vault.Take(heldSocket) {
		f := os.NewFile(uintptr(fd), name)
		l, err := net.FileListener(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("take the socket %s over: %w", name, err)
		}
		w.listeners[name] = l
	}
	return w, nil
}

// take returns the one descriptor of a name.
func (w *worker) take(name string) (int, error) {
	fd, ok := w.vault.Take(name)[""]
	if !ok {
		return -1, fmt.Errorf("the keeper holds no %s", name)
	}
	return fd, nil
}

// openMemory takes a memory over, an empty one where it can't be read: what was
// lost is logged then.
func (w *worker) openMemory(name, lost string, log *slog.Logger) (*memory.Memory, error) {
	fd, err := w.take(name)
	if err != nil {
		return nil, err
	}
	m, err := memory.Open(fd)
	if errors.Is(err, memory.ErrLayout) {
		log.Error(lost+" is lost: the last process's memory can't be read", "error", err)
		return memory.Reset(fd)
	}
	return m, err
}

// load loads the configuration; where it has errors and a policy was in force, what
// was accepted last. What only a restart of the keeper changes stays as it is.
func (w *worker) load(ld *loader, path string, log *slog.Logger) (*loaded, error) {
	l, err := ld.load(read(path))
	if err == nil && l.set == nil && !w.First {
		for _, p := range l.problems {
			if p.Severity == policy.SeverityError {
				logProblem(log, "configuration", p)
			}
		}
		log.Error("the configuration has errors, what was accepted last stays in force")
		l, err = ld.loadAccepted(w.State, path)
	}
	if err == nil {
		l.config.Mount.State.Value = w.State
	}
	return l, err
}

// attach makes the file system of what was inherited. The state store must be open:
// who has its lock is alone.
func (w *worker) attach(opt fs.Options) (*fs.Server, error) {
	device, err1 := w.take(heldDevice)
	control, err2 := w.take(heldControl)
	m, err3 := w.openMemory(heldMemory, "what sessions have open", opt.Log)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	nodes := w.vault.Shelf(shelfNodes)
	conn := kernel.Attach(opt.Point, device, control, w.Features)
	return fs.Attach(opt, fs.Inheritance{Conn: conn, Memory: m, Vault: nodes, Held: nodes.Held()})
}

// resume gives the sessions of the last worker to a server of logins. The state
// store must be open.
func (w *worker) resume(s *login.Server, log *slog.Logger) error {
	m, err := w.openMemory(heldRecords, "who is logged in", log)
	if err != nil {
		return err
	}
	shelf := w.vault.Shelf(shelfLogins)
	err = s.Resume(m, shelf)
	if errors.Is(err, memory.ErrLayout) {
		log.Error("who is logged in is lost: the last process's memory can't be read", "error", err)
		if m, err = m.Renew(); err == nil {
			err = s.Resume(m, shelf)
		}
	}
	return err
}

const (
	// answeredPeriod is how often it is looked whether a request was answered.
	answeredPeriod = time.Millisecond
	// idlePeriod is how long nobody asks anything when nobody has waited.
	idlePeriod = 250 * time.Millisecond
)

// report tells the keeper what the worker serves, and then that it has answered its
// first request, or that nobody asks: so long the pause was that clients have seen.
func (w *worker) report(ctx context.Context, s *fs.Server, what string) error {
	if err := w.vault.Say(vault.Message{Kind: vault.Ready, Text: what}); err != nil {
		return err
	}
	served := time.Now()
	idle, look := time.NewTimer(idlePeriod), time.NewTicker(answeredPeriod)
	defer idle.Stop()
	defer look.Stop()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			return nil
		case <-idle.C:
			waiting = false
		case <-look.C:
			if first := s.Answered(); !first.IsZero() {
				served, waiting = first, false
			}
		}
	}
	m := vault.Message{Kind: vault.Served}
	if !w.Ended.IsZero() {
		pause := served.Sub(w.Ended)
		m.Text = pause.String()
		w.mu.Lock()
		w.Restarts.Pause(pause) // as the keeper will in a moment
		w.mu.Unlock()
	}
	return w.vault.Say(m)
}

// restarts returns how often a worker was replaced.
func (w *worker) restarts() metrics.Restarts {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Restarts
}
