package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"grantfs/fs"
	"grantfs/fs/limit"
	"grantfs/policy"
)

// collector turns counts and state into metrics at every scrape.
type collector struct {
	counts *counts
	state  func() State

	ops, duration, denials                             *prometheus.Desc
	accounts, generation, reloadOK, reloadTime, source *prometheus.Desc
	aegir, stale, looked, internal, unaudited          *prometheus.Desc
	nodes, handles, revoked, backings, idle            *prometheus.Desc
	waiting, refused, uncleared                        *prometheus.Desc
	limited, waits, waited                             *prometheus.Desc
	quotas                                             *quotas
	sessions                                           *sessions
	restarts, pause                                    *prometheus.Desc
}

func newCollector(c *counts, state func() State) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("grantfs_"+name, help, labels, nil)
	}
	return &collector{
		counts:     c,
		quotas:     newQuotas(desc),
		sessions:   newSessions(desc),
		state:      state,
		ops:        desc("ops_total", "File system operations by how they ended.", "op", "result"),
		duration:   desc("op_duration_seconds", "Time from taking an operation up to having its answer.", "op"),
		denials:    desc("denials_total", "Operations that the policy refused, by reason.", "reason"),
		accounts:   desc("policy_accounts", "Accounts of the policy in force."),
		generation: desc("policy_generation", "Number of the policy in force; it grows with every reload."),
		reloadOK:   desc("policy_last_reload_success", "1 if the last reload was accepted, 0 if an older policy stays in force."),
		reloadTime: desc("policy_last_reload_success_timestamp_seconds", "When the policy in force was loaded."),
		source:     desc("source_missing", "Mounts whose source can't be reached."),
		aegir:      desc("aegir_problems", "Aliases and sites of Aegir hosts that were refused."),
		stale:      desc("aegir_unreadable_aliases", "Alias files that can't be understood; each loses its site ten seconds after its last good state."),
		looked:     desc("aegir_last_look_timestamp_seconds", "When the Aegir hosts were looked at last."),
		nodes:      desc("nodes", "Files and directories that the kernel knows."),
		handles:    desc("open_handles", "Open files and directories, by how their data is reached.", "mode"),
		revoked:    desc("revoked_passthrough_handles", "Open files that are still read or written past grantfs although the policy does not allow it any more; they end with their sessions."),
		backings:   desc("backing_ids", "Files registered with the kernel for passthrough."),
		idle:       desc("idle_descriptors", "Descriptors of backing files that are kept for later use."),
		waiting:    desc("waiting_requests", "Requests that wait for others of their account, or for a rate."),
		refused:    desc("cap_refusals_total", "Requests refused because their account holds too much already, by what it holds.", "cap"),
		uncleared:  desc("uncleared_files_total", "Files that may have kept set-user-ID bits after they were written, for want of a way to clear them."),
		limited:    desc("limited_bytes_total", "File data moved by accounts whose rate or transfer is limited.", "direction"),
		waits:      desc("rate_waits_total", "Reads and writes that waited for the rate of their account.", "direction"),
		waited:     desc("rate_wait_seconds_total", "How long they waited, all together.", "direction"),
		internal:   desc("internal_errors_total", "Requests that ended in an error of grantfs itself; each is a bug."),
		unaudited:  desc("audit_lost_total", "Entries of the audit log that could not be written down: the queue was full, or the disk."),
		restarts:   desc("worker_restarts_total", "How often the process that serves the mount was replaced, by why it ended.", "cause"),
		pause:      desc("worker_pause_seconds", "Time from the end of a process that served the mount until the next one had answered a request."),
	}
}

// Describe sends the descriptors of everything that Collect sends.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range append(append(c.quotas.descs(), c.sessions.descs()...),
		c.ops, c.duration, c.denials, c.accounts, c.generation, c.reloadOK, c.reloadTime, c.source, c.aegir, c.stale, c.looked, c.internal, c.unaudited,
		c.nodes, c.handles, c.revoked, c.backings, c.idle, c.waiting, c.refused, c.uncleared, c.limited, c.waits, c.waited, c.restarts, c.pause,
	) {
		descs <- d
	}
}

// Collect sends every metric.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, op := range policy.Ops() {
		s := c.counts.sum(op)
		for r := range resultCount {
			counter(c.ops, s.results[r], op.String(), r.String())
		}
		out <- prometheus.MustNewConstHistogram(c.duration, s.count, s.seconds, s.buckets, op.String())
	}
	for _, reason := range policy.Reasons() {
		counter(c.denials, c.counts.denials[reason%slots].Load(), reason.String())
	}
	s := c.state()
	gauge(c.accounts, float64(s.Accounts))
	gauge(c.generation, float64(s.Generation))
	gauge(c.reloadOK, number(s.LastReloadOK))
	gauge(c.reloadTime, seconds(s.LastReload))
	gauge(c.source, float64(s.SourcesMissing))
	gauge(c.aegir, float64(s.Discovery.Problems))
	gauge(c.stale, float64(s.Discovery.Stale))
	gauge(c.looked, seconds(s.Discovery.Last))
	counter(c.internal, s.InternalErrors)
	counter(c.unaudited, s.AuditLost)
	gauge(c.nodes, float64(s.FS.Nodes))
	for mode := range fs.HandleModes {
		gauge(c.handles, float64(s.FS.Handles[mode]), mode.String())
	}
	gauge(c.revoked, float64(s.FS.Revoked))
	gauge(c.backings, float64(s.FS.BackingIDs))
	gauge(c.idle, float64(s.FS.IdleFDs))
	gauge(c.waiting, float64(s.FS.Waiting))
	counter(c.uncleared, s.FS.Uncleared)
	for kind := range fs.Caps {
		counter(c.refused, s.FS.Refused[kind], kind.String())
	}
	for d, f := range s.FS.Traffic {
		direction := limit.Direction(d).String()
		counter(c.limited, f.Bytes, direction)
		counter(c.waits, f.Waits, direction)
		out <- prometheus.MustNewConstMetric(c.waited, prometheus.CounterValue, f.Waited.Seconds(), direction)
	}
	c.quotas.collect(s.Quotas, gauge, func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	})
	c.sessions.collect(s.Sessions, gauge)
	for cause, n := range s.Restarts.Causes {
		counter(c.restarts, n, Cause(cause).String())
	}
	out <- prometheus.MustNewConstHistogram(c.pause, s.Restarts.Count, s.Restarts.Seconds, s.Restarts.histogram())
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is a time as Prometheus wants it, 0 for never.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
