package metrics

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// MostAccounts is how many accounts have a series of their sessions: those that
// have the most.
const MostAccounts = 50

// Sessions counts the sessions that are open.
type Sessions struct {
	Protocols [len(protocols)]int
	Accounts  []AccountSessions // no more than MostAccounts, the most first
}

// AccountSessions is how many sessions an account has.
type AccountSessions struct {
	Account string
	N       int
}

// CountSessions counts sessions, each an account and a protocol.
func CountSessions(open iter.Seq2[string, string]) Sessions {
	var s Sessions
	each := map[string]int{}
	for account, protocol := range open {
		each[account]++
		s.Protocols[protocolIndex(protocol)]++
	}
	for _, account := range slices.Sorted(maps.Keys(each)) {
		s.Accounts = append(s.Accounts, AccountSessions{account, each[account]})
	}
	slices.SortStableFunc(s.Accounts, func(a, b AccountSessions) int { return cmp.Compare(b.N, a.N) })
	s.Accounts = s.Accounts[:min(len(s.Accounts), MostAccounts)]
	return s
}

// sessions turns Sessions into metrics.
type sessions struct {
	open, ofAccount *prometheus.Desc
}

func newSessions(desc func(name, help string, labels ...string) *prometheus.Desc) *sessions {
	return &sessions{
		open:      desc("sessions", "Sessions that are open.", "protocol"),
		ofAccount: desc("account_sessions", "Sessions of the accounts that have the most.", "account"),
	}
}

func (m *sessions) descs() []*prometheus.Desc { return []*prometheus.Desc{m.open, m.ofAccount} }

func (m *sessions) collect(s Sessions, gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	for p, protocol := range protocols {
		gauge(m.open, float64(s.Protocols[p]), protocol)
	}
	for _, a := range s.Accounts {
		gauge(m.ofAccount, float64(a.N), a.Account)
	}
}
