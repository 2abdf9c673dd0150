package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"grantfs/integration/metrics"
)

// nearLimit is from which share of its limit on a quota is shown by status.
const nearLimit = 0.9

// statusJSON is what "grantfs status --json" prints.
type statusJSON struct {
	Version     string        `json:"version"`
	Revision    string        `json:"revision"`
	Mount       string        `json:"mount"`
	Passthrough bool          `json:"passthrough"` // what the kernel can do
	Resend      bool          `json:"resend"`
	IncEpoch    bool          `json:"inc_epoch"`
	Serving     time.Time     `json:"serving_since"` // of this process
	Restarts    uint64        `json:"worker_restarts"`
	Causes      []causeJSON   `json:"worker_restart_causes"`
	Generation  uint64        `json:"policy_generation"`
	Loaded      time.Time     `json:"policy_loaded"`
	ReloadOK    bool          `json:"last_reload_ok"` // false: an older policy stays in force
	Instances   []string      `json:"instances"`
	Sites       int           `json:"sites"`
	Accounts    int           `json:"accounts"`
	Sessions    int           `json:"sessions"`
	Missing     []string      `json:"sources_missing"`
	Frozen      []frozenSince `json:"frozen"`
	Near        []nearJSON    `json:"quotas_near"`
	AuditLost   uint64        `json:"audit_lost"`
}

type causeJSON struct {
	Cause string `json:"cause"`
	Count uint64 `json:"count"`
}

type nearJSON struct {
	Bucket  string `json:"bucket"`
	Percent int    `json:"percent"`
}

// status says how the running daemon is.
func status(ctx context.Context, e *env, _ []string) error {
	var s statusJSON
	if err := e.ask(ctx, http.MethodGet, "/status", &s); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, s)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("version", "%s (%s)", s.Version, s.Revision)
	row("mount", "%s, %s", s.Mount, s.kernel())
	row("serving since", "%s", s.Serving.Local().Format(time.DateTime))
	row("worker restarts", "%s", s.restarts())
	state := "the last reload was accepted"
	if !s.ReloadOK {
		state = "the last reload was REFUSED: see the log"
	}
	row("policy", "number %d, of %s; %s", s.Generation, s.Loaded.Local().Format(time.DateTime), state)
	row("instances", "%s", dash(strings.Join(s.Instances, " ")))
	row("sites", "%d", s.Sites)
	row("accounts", "%d", s.Accounts)
	row("sessions", "%d", s.Sessions)
	for _, source := range s.Missing {
		row("source missing", "%s", source)
	}
	for _, f := range s.Frozen {
		row("frozen", "%s since %s", f.Name, f.Since.Local().Format(time.DateTime))
	}
	for _, q := range s.Near {
		row("quota", "%s %d%% used", q.Bucket, q.Percent)
	}
	if s.AuditLost > 0 {
		row("audit log", "%d entries LOST", s.AuditLost)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	return nil
}

func (s *statusJSON) kernel() string {
	var can []string
	for _, f := range []struct {
		on   bool
		name string
	}{{s.Passthrough, "passthrough"}, {s.Resend, "resend"}, {s.IncEpoch, "epochs"}} {
		if f.on {
			can = append(can, f.name)
		}
	}
	return "the kernel has " + dash(strings.Join(can, ", "))
}

func (s *statusJSON) restarts() string {
	text := fmt.Sprint(s.Restarts)
	for _, c := range s.Causes {
		text += fmt.Sprintf(", %s %d", c.Cause, c.Count)
	}
	return text
}

// status is the daemon's side of it.
func (d *daemon) status(w http.ResponseWriter, _ *http.Request) {
	r, m, f := d.reload.Load(), d.metricsState(), d.fs.Features()
	frozen, err := d.frozen()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s := statusJSON{
		Version: buildVersion, Revision: buildRevision, Mount: d.config.Mount.Point.Value,
		Passthrough: f.Passthrough, Resend: f.Resend, IncEpoch: f.IncEpoch, Serving: d.began,
		Generation: r.generation, Loaded: r.since, ReloadOK: r.ok, Sites: r.set.SiteCount(), Accounts: r.accounts,
		Sessions: len(d.login.Table().Sessions()), Instances: []string{}, Causes: []causeJSON{}, Near: []nearJSON{},
		Missing: append([]string{}, d.fs.MissingSources()...), Frozen: frozen, AuditLost: m.AuditLost,
	}
	for _, i := range d.config.Aegir.Instances {
		s.Instances = append(s.Instances, i.Value)
	}
	slices.Sort(s.Missing)
	for cause, n := range m.Restarts.Causes {
		if s.Restarts += n; n > 0 {
			s.Causes = append(s.Causes, causeJSON{metrics.Cause(cause).String(), n})
		}
	}
	for _, q := range m.Quotas.Top {
		if q.Share >= nearLimit {
			s.Near = append(s.Near, nearJSON{q.Bucket, int(q.Share * 100)})
		}
	}
	d.tell(w, s)
}
