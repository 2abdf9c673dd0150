package main

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"grantfs/config"
	"grantfs/integration/credential"
	"grantfs/integration/metrics"
	"grantfs/integration/status"
)

// showStatus prints the running daemon at a glance.
func showStatus(ctx context.Context, e *env, _ []string) error {
	var s status.Status
	if err := e.ask(ctx, http.MethodGet, "/status", &s); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, s)
	}
	return s.Print(e.stdout)
}

// status is the daemon at this moment. It waits for nobody.
func (d *daemon) status() status.Status {
	now := time.Now()
	m := d.metricsState()
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	f := d.fs.Features()
	s := status.Status{
		Version: buildVersion, Revision: buildRevision, Host: host, At: now, Mount: d.config.Mount.Point.Value,
		Kernel: status.Kernel{Passthrough: f.Passthrough, Resend: f.Resend, IncEpoch: f.IncEpoch},
		Worker: status.Worker{
			PID: os.Getpid(), Started: d.began, Pauses: m.Restarts.Count, Paused: m.Restarts.Seconds, Errors: m.InternalErrors, Restarts: restartCounts(m.Restarts),
		},
		Policy:    status.Policy{Generation: m.Generation, Since: m.LastReload, Accepted: m.LastReloadOK},
		Instances: instances(d.config),
		Discovery: status.Discovery{Last: m.Discovery.Last, Problems: m.Discovery.Problems, Unreadable: m.Discovery.Stale},
		AuditLost: m.AuditLost,
		Missing:   first(status.MostSources, d.fs.MissingSources()),
		Frozen:    d.frozenNow(),
		Quotas:    quotasOf(m.Quotas),
	}
	sites := map[string]bool{}
	for a := range d.table.Load().Accounts() {
		if a.Locked {
			s.Accounts.Locked++
			continue
		}
		s.Accounts.Active++
		for _, site := range a.Sites {
			sites[site] = true
		}
	}
	s.Sites = len(sites)
	d.countSessions(&s.Sessions)
	s.Refused, s.RefusedLogins = counted(d.metrics.Denials()), counted(d.metrics.RefusedLogins())
	return s
}

func instances(c *config.Config) (list []string) {
	for _, i := range c.Aegir.Instances {
		list = append(list, i.Value)
	}
	return list
}

func (d *daemon) frozenNow() []status.Frozen {
	list, err := d.frozen()
	if err != nil {
		d.log.Error("read what is frozen", "error", err)
	}
	return first(status.MostFrozen, list)
}

func (d *daemon) countSessions(s *status.Sessions) {
	open := d.login.Table().Sessions()
	s.Open = len(open)
	each := map[string]uint64{}
	for _, o := range slices.Backward(open) {
		each[string(o.Protocol)]++
		if len(s.Newest) < status.MostSessions {
			source := ""
			if o.Addr.IsValid() {
				source = o.Addr.String()
			}
			s.Newest = append(s.Newest, status.Session{Account: o.Account, Protocol: string(o.Protocol), Method: string(o.Method), Source: source, Since: o.Since})
		}
	}
	s.Protocols = counted(each)
}

// quotasOf returns the limits nearest to being used up, transfers among them.
func quotasOf(q metrics.Quotas) status.Quotas {
	out := status.Quotas{Limited: q.Limited + q.TransferLimits}
	add := func(name, resource string, used, limit int64) {
		out.Nearest = append(out.Nearest, status.Quota{Name: name, Resource: resource, Used: used, Limit: limit, Share: share(used, limit)})
	}
	for _, u := range q.Top {
		for _, r := range []struct {
			name  string
			used  int64
			limit *int64
		}{{"bytes", u.UsedBytes, u.LimitBytes}, {"files", u.UsedFiles, u.LimitFiles}, {"inodes", u.UsedInodes, u.LimitInodes}} {
			if r.limit != nil {
				add(u.Bucket, r.name, r.used, *r.limit)
			}
		}
	}
	for _, t := range q.Transfers {
		add(strings.TrimSpace("transfer:"+t.Account+" "+t.What+" "+t.Sources), "bytes", t.Used, t.Limit)
	}
	slices.SortStableFunc(out.Nearest, func(a, b status.Quota) int { return cmp.Compare(b.Share, a.Share) })
	out.Nearest = first(status.MostQuotas, out.Nearest)
	return out
}

func restartCounts(r metrics.Restarts) (list []status.Count) {
	for cause, n := range r.Causes {
		if n > 0 {
			list = append(list, status.Count{Name: metrics.Cause(cause).String(), N: n})
		}
	}
	return list
}

// counted returns what happened at all, the most frequent first.
func counted(each map[string]uint64) (list []status.Count) {
	for _, name := range slices.Sorted(maps.Keys(each)) {
		if each[name] > 0 {
			list = append(list, status.Count{Name: name, N: each[name]})
		}
	}
	slices.SortStableFunc(list, func(a, b status.Count) int { return cmp.Compare(b.N, a.N) })
	return list
}

func first[T any](n int, list []T) []T { return list[:min(n, len(list))] }

// serveOptions says what the listener for metrics shows besides, and to whom.
func (d *daemon) serveOptions() metrics.ServeOptions {
	var o metrics.ServeOptions
	c := d.config.Metrics
	if c.Page() {
		o.Page = status.Page(d.status, d.log)
	}
	if c.Username.Set {
		o.Admit = func(username, password string) bool {
			right := credential.Matches(c.PasswordHash.Value, password)
			return username == c.Username.Value && right
		}
	}
	return o
}
