package main

import (
	"context"
	"time"

	"grantfs/policy"
)

// recheckPause is how long a session may go on after its time was up.
const recheckPause = time.Second

// recheck ends sessions as soon as they would not be let in any more, or do what
// they may not any more, until ctx ends.
func (d *daemon) recheck(ctx context.Context) error {
	tick := time.NewTicker(recheckPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			d.login.Recheck(now)
			d.fs.EndRevoked()
		}
	}
}

// reloadPolicy reads everything again. What has an error is refused whole, and
// the policy in force stays; so does the configuration, but not the sites that
// accounts have: those are followed all the same.
func (d *daemon) reloadPolicy() {
	f := &d.follow
	stamp := configStamp(d.path)
	f.loader.resolver.forget()
	l, err := f.loader.load(read(d.path))
	if err != nil {
		d.refuse("error", err)
		return
	}
	if l.set == nil {
		f.stamp = stamp // said once, not at each look
		for _, p := range l.problems {
			if p.Severity == policy.SeverityError {
				logProblem(d.log, "configuration", p)
			}
		}
		d.refuse()
		d.lookAtHosts()
		return
	}
	clear(f.told)
	f.tell(d.log, "configuration", l.problems)
	d.keepStarted(l)
	if err := d.enforce(l); err != nil {
		d.refuse("error", err)
		return
	}
	d.keepAccepted(l)
	f.accept(l)
	f.stamp = stamp
	d.log.Info("reloaded", "accounts", d.reload.Load().accounts)
}

// enforce puts a policy into force.
func (d *daemon) enforce(l *loaded) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	p, err := d.prepare(l)
	if err != nil {
		return err
	}
	// First the rules, then the names: an account that is served must have its
	// view, one that has lost it may be known a moment longer.
	if err := d.fs.Swap(p); err != nil {
		d.log.Error("tell the kernel of the new policy", "error", err)
	}
	d.buckets.changed()
	d.publishUsers()
	d.login.Recheck(time.Now())
	select {
	case d.loaded <- struct{}{}:
	default:
	}
	return nil
}

// refuse notes that the last reload was not accepted.
func (d *daemon) refuse(why ...any) {
	d.changing.Lock()
	defer d.changing.Unlock()
	r := *d.reload.Load()
	r.ok = false
	d.reload.Store(&r)
	d.log.Error("reload refused, the policy in force stays", why...)
}

// keepStarted warns of settings that count at the start only.
func (d *daemon) keepStarted(l *loaded) {
	now, then := l.config.Mount, d.config.Mount
	for _, s := range []struct {
		name    string
		changed bool
	}{
		{"mount.point", now.Point.Value != then.Point.Value},
		{"mount.state", now.State.Value != then.State.Value},
		{"mount.control", now.Control.Value != then.Control.Value},
		{"mount.entry_timeout", now.EntryTimeout.Value != then.EntryTimeout.Value},
		{"mount.uid_range", now.UIDRange.Value != then.UIDRange.Value},
		{"mount.users", now.Users.Value != then.Users.Value},
		{"mount.min_free", now.MinFree.Value != then.MinFree.Value},
		{"audit.file", l.config.Audit.File.Value != d.config.Audit.File.Value},
		{"audit.max_size", l.config.Audit.MaxSize.Value != d.config.Audit.MaxSize.Value},
		{"metrics.listen", l.config.Metrics.Listen.Value != d.config.Metrics.Listen.Value},
	} {
		if s.changed {
			d.log.Warn("a changed setting counts after a restart", "setting", s.name)
		}
	}
}
