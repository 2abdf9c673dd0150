package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"grantfs/config"
	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/fs/quota"
	"grantfs/fs/vault"
	"grantfs/integration/account"
	"grantfs/integration/audit"
	"grantfs/integration/login"
	"grantfs/integration/metrics"
	"grantfs/integration/state"
	"grantfs/integration/userdb"
	"grantfs/policy"
)

// daemon is what `grantfs serve` holds together.
type daemon struct {
	log     *slog.Logger
	path    string         // of the configuration
	config  *config.Config // as it was at the start
	follow  follower
	store   *state.Store
	keeper  *account.Keeper
	fs      *fs.Server
	usage   *quota.Checkpoints
	userdb  *userdb.Server
	login   *login.Server
	metrics *metrics.Metrics
	audit   *audit.Log // nil for none
	began   time.Time
	worker  *worker
	saved   []byte // transfer counters as in the store
	buckets *latest
	used    atomic.Pointer[metrics.Quotas] // when it was looked at last

	credentials credentials

	table  atomic.Pointer[account.Table]
	reload atomic.Pointer[reloaded]
	// changing is held while a policy is made and put into force.
	changing sync.Mutex
	loaded   chan struct{} // holds one value when a policy was put into force
	leave    chan struct{} // holds one value when a successor is wanted
}

// reloaded says how the last loading went.
type reloaded struct {
	generation uint64
	ok         bool
	since      time.Time // when the policy in force was loaded
	accounts   int
	set        *policy.Set
	ids        map[string]policy.IDs
	always     bool // passwords are shown for ever
}

// serve mounts the views and has them served until SIGTERM or SIGINT. This process
// is the keeper, or its worker.
func serve(ctx context.Context, e *env, _ []string) error {
	if err := needRoot("serve"); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(e.stderr, nil))
	if os.Getenv(workerVariable) != "" {
		if err := os.Unsetenv(workerVariable); err != nil {
			return fmt.Errorf("tidy the environment: %w", err)
		}
		w, err := inherit()
		if err != nil {
			return err
		}
		return work(ctx, e, w, log)
	}
	return keep(e, log)
}

// work serves what a keeper has mounted, until that says so, or until SIGTERM: then
// it leaves the rest to a successor.
func work(ctx context.Context, e *env, w *worker, log *slog.Logger) error {
	if err := keepMemory(); err != nil {
		return err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	signal.Ignore(syscall.SIGINT) // Ctrl-C is for the keeper
	d := &daemon{began: time.Now(), log: log, worker: w, path: e.config, loaded: make(chan struct{}, 1), leave: make(chan struct{}, 1), buckets: newLatest()}
	defer d.close()
	var err error
	if d.store, err = state.Open(w.State); err != nil {
		return err
	}
	d.follow.asked = make(chan struct{}, 1)
	d.follow.told = map[string]map[policy.Problem]bool{}
	d.follow.loader.appeared = d.store.Appeared
	if d.follow.loader.scanner.Saved, err = d.store.Aliases(); err != nil {
		return err
	}
	stamp := configStamp(e.config)
	l, err := w.load(&d.follow.loader, e.config, log)
	if err != nil {
		return err
	}
	if l.set == nil {
		return l.report(e.stderr)
	}
	// The readers of /dev/fuse block in system calls; the rest needs room beside
	// them.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), kernel.Readers()+2))

	d.config = l.config
	if err := d.open(l); err != nil {
		return err
	}
	d.follow.accept(l)
	d.follow.stamp = stamp
	d.keepAliases()
	return d.run(ctx, e, signals)
}

// open takes what else belongs to this daemon alone and makes the first policy.
func (d *daemon) open(l *loaded) error {
	uids := d.config.Mount.UIDRange.Value
	d.keeper = account.NewKeeper(d.store, uids[0], uids[1])
	if err := d.openCredentials(); err != nil {
		return err
	}
	p, err := d.prepare(l)
	if err != nil {
		return err
	}
	d.keepAccepted(l)
	if d.metrics, err = metrics.New(metrics.Options{Version: buildVersion, Revision: buildRevision, State: d.metricsState}); err != nil {
		return fmt.Errorf("make the metrics: %w", err)
	}
	d.userdb = userdb.New(d.log, nil)
	d.publishUsers()
	if err := d.openAudit(); err != nil {
		return err
	}
	logins := login.ServerOptions{Log: d.log, Observer: d.metrics, Account: d.account, Codes: codes{d.store}, PasswordChanged: d.passwordChanged, PasswordUsed: d.passwordUsed}
	if d.audit != nil {
		logins.Record = d.recordLogin
	}
	d.login = login.New(logins)
	if err := d.worker.resume(d.login, d.log); err != nil {
		return err
	}
	transferred, err := d.store.Transfers()
	if err != nil {
		return err
	}
	minFree := d.config.Mount.MinFree.Value
	var operations fs.Recorder
	if d.audit != nil {
		operations = recorder{d.audit, d.login.Table()}
	}
	d.fs, err = d.worker.attach(fs.Options{
		Point: d.worker.Point, EntryTimeout: d.config.Mount.EntryTimeout.Value,
		MinFree: func(size uint64) uint64 { return uint64(minFree.Bytes) + uint64(minFree.Percent/100*float64(size)) },
		Log:     d.log, Observer: d.metrics, Policy: p,
		Sessions: d.login.Table(), Recorder: operations, Virtual: d.files(), Transferred: transferred, Usage: d.usagePath(),
	})
	if err != nil {
		return err
	}
	d.usage, err = quota.Keep(d.fs.Ledger(), d.usagePath(), usagePeriod, d.log)
	return err
}

// close gives back what open took, in reverse.
func (d *daemon) close() {
	if d.audit != nil {
		if err := d.audit.Close(); err != nil {
			d.log.Error("close the audit log", "error", err)
		}
	}
	if d.store != nil {
		if d.fs != nil { // nothing moves any more
			d.saveTransfers()
		}
		if err := d.store.Close(); err != nil {
			d.log.Error("close the state", "error", err)
		}
	}
}

// prepare gives every account of a policy its uid and returns what the file
// system obeys. Accounts that can't have theirs are left out and reported.
func (d *daemon) prepare(l *loaded) (fs.Policy, error) {
	var err error
	if l.set, err = d.withFrozen(l.set); err != nil {
		return fs.Policy{}, err
	}
	if l.set, err = d.withLocked(l.set); err != nil {
		return fs.Policy{}, err
	}
	d.beginTable()
	table, problems, err := d.keeper.Sync(account.Entries(l.set), l.found.Refused(), l.users)
	if err != nil {
		return fs.Policy{}, fmt.Errorf("give the accounts their uids: %w", err)
	}
	problems = slices.DeleteFunc(problems, func(p policy.Problem) bool { return slices.Contains(l.host, p) }) // load has shown those
	d.follow.tell(d.log, "account", problems)
	ids := make(map[string]policy.IDs, table.Len())
	for a := range table.Accounts() {
		if !a.Locked {
			ids[a.Name] = policy.IDs{UID: a.UID, GID: a.GID}
		}
	}
	last := d.reload.Load()
	next := &reloaded{generation: 1, ok: !l.stale, since: time.Now(), accounts: len(ids), set: l.set, ids: ids, always: l.config.Aegir.Reveal.Value == revealAlways}
	if last != nil {
		next.generation = last.generation + 1
	}
	d.endTable(func() { d.table.Store(table) })
	d.reload.Store(next)
	return fs.Policy{Set: l.set, IDs: ids}, nil
}

// logProblem logs a problem as what it is, with its place.
func logProblem(log *slog.Logger, about string, p policy.Problem) {
	level := slog.LevelWarn
	if p.Severity == policy.SeverityError {
		level = slog.LevelError
	}
	log.Log(context.Background(), level, about, "at", p.At.String(), "problem", p.Text)
}

// run serves until the keeper or a signal ends it, or a part of it fails.
func (d *daemon) run(ctx context.Context, e *env, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	part := func(f func() error) {
		group.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	part(func() error {
		err := d.fs.Serve()
		if err == nil && ctx.Err() == nil {
			err = errUnmounted
		}
		return err
	})
	stopped, ready := make(chan struct{}), make(chan struct{})
	var hearing sync.WaitGroup
	hearing.Go(func() {
		for kind, ok := d.worker.vault.Hear(); ok; kind, ok = d.worker.vault.Hear() {
			switch kind {
			case vault.Ready:
				close(ready)
			case vault.Stop:
				close(stopped)
				return
			}
		}
	})
	stop := func() error {
		cancel(nil)
		var err error
		select {
		case <-stopped: // the mount goes away, and all requests with it
			err = d.login.Table().KickAll()
		default:
			err = d.fs.Drain(drainPatience)
		}
		defer hearing.Wait()
		defer d.worker.vault.Close()
		if late := waitAtMost(stopPatience, group.Wait); late != nil {
			return errors.Join(err, late) // what is kept of usage is not exact then
		}
		return errors.Join(err, d.usage.Close())
	}
	d.listen(ctx, part)
	part(func() error { return d.followFiles(ctx) })
	part(func() error { return d.lookAtSources(ctx) })
	part(func() error { return d.keepTransfers(ctx) })
	part(func() error { return d.buckets.keep(ctx, func() *policy.Set { return d.reload.Load().set }) })
	part(func() error { return d.watchUsage(ctx) })
	part(func() error { return d.worker.report(ctx, d.fs, d.serving()) })
	for {
		select {
		case <-ready:
			ready = nil
			if err := d.sayReady(e); err != nil {
				return errors.Join(err, stop())
			}
		case <-ctx.Done():
			err := context.Cause(ctx)
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return errors.Join(err, stop())
		case s := <-signals:
			if s == syscall.SIGHUP {
				if d.audit != nil {
					d.audit.Reopen()
				}
				d.askReload()
				continue
			}
			d.log.Info("leaving to a successor", "signal", s.String())
			return stop()
		case <-d.leave:
			return stop()
		case <-stopped:
			return stop()
		}
	}
}

// sayReady says that everything is served, the user database included.
func (d *daemon) sayReady(e *env) error {
	if !d.worker.First {
		d.log.Info("ready again", "accounts", d.reload.Load().accounts)
		return nil
	}
	if _, err := fmt.Fprintln(e.stdout, "ready:", d.serving()); err != nil {
		return fmt.Errorf("say that it is ready: %w", err)
	}
	return nil
}

// serving says in a line what is served.
func (d *daemon) serving() string {
	r := d.reload.Load()
	text := fmt.Sprintf("%d accounts at %s (%s)", r.accounts, d.config.Mount.Point.Value, d.features())
	if !r.ok {
		text += "; the configuration was refused, an older one is in force"
	}
	return text
}

// drainPatience is how long a worker that ends in order waits for the requests it
// has read. Those that last longer come to its successor again.
const drainPatience = 2 * time.Second

// stopPatience is how long the end waits for what is under way. After the
// unmounting nothing lasts but a system call on a backing that hangs, which nobody
// waits for any more and which ends with the process.
const stopPatience = 5 * time.Second

// waitAtMost waits for wait to return, but no longer than d: an error then.
func waitAtMost(d time.Duration, wait func()) error {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	patience := time.NewTimer(d)
	defer patience.Stop()
	select {
	case <-done:
		return nil
	case <-patience.C:
		return fmt.Errorf("a request or a look at a source still hangs after %s", d)
	}
}

// features says what the kernel can do, for the ready line.
func (d *daemon) features() string {
	f := d.fs.Features()
	text := "all reads mediated"
	if f.Passthrough {
		text = "passthrough"
	}
	if !f.IncEpoch {
		text += fmt.Sprintf(", names up to %s stale after a reload", d.config.Mount.EntryTimeout.Value)
	}
	return text
}
