// Package metrics counts what the file system does and shows it to Prometheus.
//
// Metrics is what package fs calls on its hot path: Observe and Denied take no
// lock, allocate nothing and touch a few words of one shard. The sums are made
// when somebody scrapes. Everything that is not counted here (accounts, missing
// sources, …) is read at the scrape from where it is true, through State.
//
// The registry is our own: nothing that another package registers globally
// appears.
//
// Invariants: label values come from closed lists (policy.Ops, policy.Reasons,
// Result), never from a client, so the number of series is fixed; every series
// exists from the start, so that a rate is right from the first event on. Only
// quotas and sessions name buckets and accounts, and of those a bounded number.
//
// The alert rules and the dashboard that lie here (grantfs.alerts.yml,
// grantfs.dashboard.json) ask for these metrics and no others; a test holds that.
package metrics
