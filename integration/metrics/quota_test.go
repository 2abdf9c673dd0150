package metrics

import "testing"

func TestQuotas(t *testing.T) {
	some := func(n int64) *int64 { return &n }
	m := newMetrics(t, Options{State: func() State {
		return State{Quotas: Quotas{
			Top: []Usage{
				{Bucket: "account:alice", UsedBytes: 900, UsedFiles: 7, DriftBytes: -3, LimitBytes: some(1000), LimitInodes: some(8), UsedInodes: 4},
				{Bucket: "site:o1/shop", UsedFiles: 2, LimitFiles: some(0)},
			},
			Buckets: 12, Limited: 5, Found: 77, Unwatched: 2, Losses: 9,
			Transfers:      []Transfer{{Account: "alice", Sources: "10.0.0.0/8", What: "total", Used: 5, Limit: 6}},
			TransferLimits: 3,
		}}
	}})
	text := scrape(t, m)
	for _, line := range []string{
		`grantfs_quota_used{bucket="account:alice",resource="bytes"} 900`,
		`grantfs_quota_limit{bucket="account:alice",resource="bytes"} 1000`,
		`grantfs_quota_used{bucket="account:alice",resource="inodes"} 4`,
		`grantfs_quota_used{bucket="site:o1/shop",resource="files"} 2`,
		`grantfs_quota_limit{bucket="site:o1/shop",resource="files"} 0`,
		`grantfs_quota_drift_bytes{bucket="account:alice"} -3`,
		`grantfs_quota_buckets 12`,
		`grantfs_quota_limited_buckets 5`,
		`grantfs_quota_buckets_not_shown 3`,
		`grantfs_transfer_used_bytes{account="alice",direction="total",sources="10.0.0.0/8"} 5`,
		`grantfs_transfer_limit_bytes{account="alice",direction="total",sources="10.0.0.0/8"} 6`,
		`grantfs_transfer_limits_not_shown 2`,
		`grantfs_quota_outside_bytes_total 77`,
		`grantfs_quota_sources_unwatched 2`,
		`grantfs_quota_watch_losses_total 9`,
	} {
		wantLine(t, text, line)
	}
}
