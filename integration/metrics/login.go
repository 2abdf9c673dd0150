package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"grantfs/policy"
)

// protocols are the values of the label; whatever else a PAM service says is the
// last.
var protocols = [...]string{"SSH", "FTP", "other"}

// logins counts how logins ended. It is a collector of its own.
type logins struct {
	desc  *prometheus.Desc
	ended [len(protocols)][slots]atomic.Uint64 // by protocol and policy.AdmitReason
}

func newLogins() *logins {
	return &logins{desc: prometheus.NewDesc("grantfs_logins_total", "Logins by how they ended: ok, or why they were refused.",
		[]string{"protocol", "result"}, nil)}
}

// Login counts a login that opened a session, AdmitOK, or was refused. It is
// login.Observer.
func (m *Metrics) Login(protocol string, reason policy.AdmitReason) {
	m.logins.ended[protocolIndex(protocol)][reason%slots].Add(1)
}

func protocolIndex(protocol string) int {
	p := 0
	for p < len(protocols)-1 && protocols[p] != protocol {
		p++
	}
	return p
}

// RefusedLogins returns how often logins were refused for each reason.
func (m *Metrics) RefusedLogins() map[string]uint64 {
	each := map[string]uint64{}
	for p := range m.logins.ended {
		for _, reason := range policy.AdmitReasons() {
			each[reason.String()] += m.logins.ended[p][reason%slots].Load()
		}
	}
	return each
}

// Describe sends the one descriptor.
func (l *logins) Describe(descs chan<- *prometheus.Desc) { descs <- l.desc }

// Collect sends every metric.
func (l *logins) Collect(out chan<- prometheus.Metric) {
	for p, protocol := range protocols {
		send := func(reason policy.AdmitReason, result string) {
			out <- prometheus.MustNewConstMetric(l.desc, prometheus.CounterValue, float64(l.ended[p][reason%slots].Load()), protocol, result)
		}
		send(policy.AdmitOK, "ok")
		for _, reason := range policy.AdmitReasons() {
			send(reason, reason.String())
		}
	}
}
