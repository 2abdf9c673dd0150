package main

import "grantfs/integration/metrics"

// metricsState is what a scrape and the status find besides what is counted. It
// waits for nobody.
func (d *daemon) metricsState() metrics.State {
	r := d.reload.Load()
	s := metrics.State{Restarts: d.worker.restarts(), Accounts: r.accounts, Generation: r.generation, LastReloadOK: r.ok, LastReload: r.since, Discovery: d.follow.seen()}
	if d.login != nil {
		s.Sessions = metrics.CountSessions(func(yield func(account, protocol string) bool) {
			for _, open := range d.login.Table().Sessions() {
				if !yield(open.Account, open.Protocol) {
					return
				}
			}
		})
	}
	if d.fs != nil {
		s.SourcesMissing = len(d.fs.MissingSources())
		if d.audit != nil {
			s.AuditLost = d.audit.Lost()
		}
		s.InternalErrors = d.fs.Panics()
		s.FS = d.fs.Stats()
		if q := d.used.Load(); q != nil {
			s.Quotas = *q
			counted := d.fs.Recounter().Stats()
			s.Quotas.Found, s.Quotas.Losses = counted.Found, counted.Lost
			for _, source := range d.fs.Recounter().Sources() {
				if !source.Watched {
					s.Quotas.Unwatched++
				}
			}
		}
	}
	return s
}
