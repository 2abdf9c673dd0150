package metrics

import (
	"runtime"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"grantfs/fs"
	"grantfs/policy"
)

// State is what is read at every scrape.
type State struct {
	Accounts       int       // accounts of the policy
	Generation     uint64    // grows with every policy that is put into force
	LastReloadOK   bool      // the last reload, or the start, was accepted
	LastReload     time.Time // when the policy in force was loaded
	SourcesMissing int       // mounts whose source can't be reached now
	Discovery      Discovery
	InternalErrors uint64 // requests that ended in an internal error
	AuditLost      uint64 // entries of the audit log
	Sessions       Sessions
	FS             fs.Stats
	Quotas         Quotas
	Restarts       Restarts // of the worker
}

// Discovery says how the last look at the Aegir hosts went.
type Discovery struct {
	Problems int       // aliases and sites that were refused
	Stale    int       // alias files that can't be understood, be their last state in force or not
	Last     time.Time // when it was
}

// Options says what a Metrics shows besides what it counts.
type Options struct {
	Version  string // of this build
	Revision string
	// State is called at every scrape, from any goroutine, and must not block.
	// nil means that there is nothing to show.
	State func() State
}

// Metrics counts operations and refusals, and is the Prometheus registry they
// are scraped from. It is safe for concurrent use.
type Metrics struct {
	counts   *counts
	logins   *logins
	registry *prometheus.Registry
}

// New returns a Metrics with everything at zero. The error says which
// collector could not be registered.
func New(o Options) (*Metrics, error) {
	if o.State == nil {
		o.State = func() State { return State{} }
	}
	m := &Metrics{counts: new(counts), logins: newLogins(), registry: prometheus.NewRegistry()}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "grantfs_build_info",
		Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{
			"version": o.Version, "revision": o.Revision, "goversion": runtime.Version(),
		},
	}, func() float64 { return 1 })
	for _, c := range []prometheus.Collector{
		build,
		newCollector(m.counts, o.State),
		m.logins,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := m.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Observe counts one operation that was answered with errno, 0 for success,
// after d. It is part of fs.Observer: it does not block or allocate.
func (m *Metrics) Observe(op policy.Op, errno syscall.Errno, d time.Duration) {
	m.counts.observe(op, errno, d)
}

// Denied counts one refusal by the policy. It is part of fs.Observer.
func (m *Metrics) Denied(reason policy.Reason) {
	m.counts.denials[reason%slots].Add(1)
}

// Denials returns how often each reason of the policy refused something.
func (m *Metrics) Denials() map[string]uint64 {
	each := map[string]uint64{}
	for _, reason := range policy.Reasons() {
		each[reason.String()] = m.counts.denials[reason%slots].Load()
	}
	return each
}
