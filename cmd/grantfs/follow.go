package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"grantfs/config"
	"grantfs/config/aegir"
	"grantfs/config/watch"
	"grantfs/fs/vault"
	"grantfs/integration/metrics"
	"grantfs/policy"
)

const (
	// followPeriod is how often everything is looked at even if nothing has said
	// that it changed (product.md §11), and blindPeriod where not everything can be
	// watched.
	followPeriod = time.Minute
	blindPeriod  = 2 * time.Second

	// settlePause is how long nothing must have changed before a change is looked
	// at, and settleMost how long it is waited for that.
	settlePause = 50 * time.Millisecond
	settleMost  = 500 * time.Millisecond
)

// follower keeps the policy in step with the files that it comes from. All but
// asked and discovery belongs to the goroutine of followFiles, once that runs.
type follower struct {
	asked     chan struct{} // holds one value when somebody asks for a reload
	discovery atomic.Pointer[metrics.Discovery]

	loader   loader
	accepted *config.Config  // in force
	snapshot *aegir.Snapshot // in force
	users    hostUsers       // of the policy in force
	stamp    string          // of the configuration files that were read last
	merged   int             // problems of putting accepted and snapshot together
	told     map[string]map[policy.Problem]bool

	dirs []string      // in which something can change
	at   time.Time     // when to look at the latest; zero for no certain time
	took time.Duration // how long the last look took
}

// seen is what was discovered last.
func (f *follower) seen() metrics.Discovery {
	if p := f.discovery.Load(); p != nil {
		return *p
	}
	return metrics.Discovery{}
}

// looked notes what was found.
func (f *follower) looked(l *loaded) {
	f.dirs, f.at = l.found.Dirs, l.found.Again
	f.discovery.Store(&metrics.Discovery{Problems: len(l.found.Problems) + f.merged, Stale: l.found.Stale, Last: time.Now()})
}

// accept notes that l is in force.
func (f *follower) accept(l *loaded) {
	f.accepted, f.snapshot, f.users, f.merged = l.config, l.found.Snapshot, l.users, l.merged
	f.looked(l)
	f.told["configuration"] = problemSet(l.problems) // whoever loaded it has shown them
}

// askReload has the goroutine of followFiles read everything again.
func (d *daemon) askReload() {
	select {
	case d.follow.asked <- struct{}{}:
	default:
	}
}

// followFiles keeps the policy in step with its files until ctx ends.
func (d *daemon) followFiles(ctx context.Context) error {
	f := &d.follow
	var changed <-chan struct{}
	w, err := watch.New()
	if err != nil {
		d.log.Error("changes are seen late", "after", blindPeriod, "error", err)
	} else {
		changed = w.Changed()
		defer w.Close()
	}
	timer := time.NewTimer(followPeriod)
	defer timer.Stop()
	for {
		timer.Reset(f.patience(d.log, w))
		select {
		case <-ctx.Done():
			return nil
		case <-f.asked:
			if err := d.reloadAndSay(); err != nil {
				return err
			}
			continue
		case <-changed:
			settle(ctx, changed, max(settlePause, f.took), max(settleMost, f.took))
		case <-timer.C:
		}
		if ctx.Err() != nil {
			return nil
		}
		began := time.Now()
		if configStamp(d.path) != f.stamp {
			if err := d.reloadAndSay(); err != nil {
				return err
			}
		} else {
			d.lookAtHosts()
		}
		d.keepAliases()
		f.took = time.Since(began)
	}
}

// reloadAndSay reads everything again, and tells the keeper what is served then.
func (d *daemon) reloadAndSay() error {
	d.reloadPolicy()
	return d.worker.vault.Say(vault.Message{Kind: vault.Reloaded, Text: d.serving()})
}

// patience has w, if any, watch everything that the policy comes from, and returns
// how long at most to wait for a change.
func (f *follower) patience(log *slog.Logger, w *watch.Watch) time.Duration {
	period := blindPeriod
	if w != nil {
		err := w.Set(append(configDirs(f.accepted.Path), f.dirs...))
		f.tell(log, "watch", unwatched(err))
		if err == nil {
			period = followPeriod
		}
	}
	if !f.at.IsZero() {
		period = min(period, max(0, time.Until(f.at)))
	}
	return period
}

// unwatched is the problem of a directory that can't be watched.
func unwatched(err error) []policy.Problem {
	if err == nil {
		return nil
	}
	return []policy.Problem{{Text: fmt.Sprintf("changes are seen after %s: %v", blindPeriod, err)}}
}

// settle waits until nothing has changed for pause, but not longer than most.
func settle(ctx context.Context, changed <-chan struct{}, pause, most time.Duration) {
	end := time.NewTimer(most)
	defer end.Stop()
	for {
		quiet := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-end.C:
		case <-quiet.C:
		case <-changed:
			quiet.Stop()
			continue
		}
		quiet.Stop()
		return
	}
}

// keepAliases writes down what alias files say that were understood, for a worker
// that begins in the middle of their next change (architecture.md §3.6).
func (d *daemon) keepAliases() {
	if err := d.store.KeepAliases(d.follow.loader.scanner.Changes()); err != nil {
		d.log.Error("a restart in the middle of an edit would find no alias", "error", err)
	}
}

// lookAtHosts puts into force what has changed on the hosts and among the users of
// this machine, by the configuration that was accepted last.
func (d *daemon) lookAtHosts() {
	f := &d.follow
	l, err := f.loader.look(func(config.Users) (*config.Config, []policy.Problem) { return f.accepted, nil })
	if err != nil {
		d.log.Error("look for changes", "error", err)
		return
	}
	f.looked(l)
	f.tell(d.log, "aegir", l.found.Problems)
	if reflect.DeepEqual(l.found.Snapshot, f.snapshot) && reflect.DeepEqual(l.users, f.users) {
		return
	}
	if err := f.loader.compile(l); err != nil {
		d.log.Error("follow the sites", "error", err)
		return
	}
	f.tell(d.log, "configuration", l.problems)
	if l.set == nil {
		d.log.Error("the sites can't be followed, the policy in force stays")
		return
	}
	l.stale = !d.reload.Load().ok
	if err := d.enforce(l); err != nil {
		d.log.Error("follow the sites", "error", err)
		return
	}
	f.accept(l)
	d.log.Info("accounts follow their sites", "accounts", d.reload.Load().accounts)
}

// tell logs those of the problems there are now of something that were not told
// before.
func (f *follower) tell(log *slog.Logger, about string, problems []policy.Problem) {
	now := problemSet(problems)
	for _, p := range problems {
		known := false
		for _, told := range f.told {
			known = known || told[p]
		}
		if !known {
			logProblem(log, about, p)
		}
	}
	f.told[about] = now
}

func problemSet(problems []policy.Problem) map[policy.Problem]bool {
	set := make(map[policy.Problem]bool, len(problems))
	for _, p := range problems {
		set[p] = true
	}
	return set
}

// configDirs are the directories of the configuration at path.
func configDirs(path string) []string {
	dir := filepath.Dir(path)
	return []string{dir, filepath.Join(dir, "conf.d")}
}

// configStamp tells one state of the configuration files at path from another.
func configStamp(path string) string {
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "conf.d", "*.toml")) // sorted; the pattern is right
	var b strings.Builder
	for _, name := range append([]string{path}, files...) {
		info, err := os.Stat(name)
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", name, err)
			continue
		}
		fmt.Fprintf(&b, "%s: %+v\n", name, watch.StampOf(info))
	}
	return b.String()
}
