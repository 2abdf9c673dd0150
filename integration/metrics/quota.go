package metrics

import "github.com/prometheus/client_golang/prometheus"

// MostBuckets is how many buckets, and how many transfer limits, have series of
// their own: those that have the largest shares of their limits.
const MostBuckets = 50

// Quotas is what is used of quotas and of transfer limits.
type Quotas struct {
	Top            []Usage // no more than MostBuckets
	Buckets        int     // that there are
	Limited        int     // of them that have a limit
	Transfers      []Transfer
	TransferLimits int    // that were used
	Found          uint64 // bytes that others than grantfs were found to have written or removed
	Unwatched      int    // sources where others are noticed by counting only
	Losses         uint64 // times that more happened there than could be noticed
}

// Usage is one bucket. A limit is nil where there is none.
type Usage struct {
	Bucket                                       string
	UsedBytes, UsedFiles, UsedInodes, DriftBytes int64
	LimitBytes, LimitFiles, LimitInodes          *int64
	Share                                        float64 // of the limit that most is used of
}

// Transfer is one transfer limit.
type Transfer struct {
	Account, Sources, What string
	Used, Limit            int64
}

// quotas turns Quotas into metrics.
type quotas struct {
	used, limit, drift           *prometheus.Desc
	transferred, transferLimit   *prometheus.Desc
	buckets, limited, more, left *prometheus.Desc
	found, unwatched, losses     *prometheus.Desc
}

func newQuotas(desc func(name, help string, labels ...string) *prometheus.Desc) *quotas {
	return &quotas{
		used:          desc("quota_used", "What is used of a bucket that is among those nearest to their limits.", "bucket", "resource"),
		limit:         desc("quota_limit", "Its limit.", "bucket", "resource"),
		drift:         desc("quota_drift_bytes", "What the last count of the bucket found that others than grantfs wrote or removed.", "bucket"),
		buckets:       desc("quota_buckets", "Buckets that something is charged to."),
		limited:       desc("quota_limited_buckets", "Buckets that have a limit."),
		more:          desc("quota_buckets_not_shown", "Buckets with a limit that have no series of their own, since others are nearer to theirs."),
		transferred:   desc("transfer_used_bytes", "What an account has transferred in this period, of those nearest to their limits.", "account", "sources", "direction"),
		transferLimit: desc("transfer_limit_bytes", "Its limit.", "account", "sources", "direction"),
		left:          desc("transfer_limits_not_shown", "Transfer limits that have no series of their own."),
		unwatched:     desc("quota_sources_unwatched", "Sources whose file system can't tell who writes beside the mount: they are counted in turns."),
		losses:        desc("quota_watch_losses_total", "Times that more was written beside the mount than could be noticed one by one; everything was counted anew."),
		found:         desc("quota_outside_bytes_total", "Bytes that others than grantfs were found to have written or removed."),
	}
}

func (q *quotas) descs() []*prometheus.Desc {
	return []*prometheus.Desc{q.used, q.limit, q.drift, q.buckets, q.limited, q.more, q.transferred, q.transferLimit, q.left, q.found, q.unwatched, q.losses}
}

func (q *quotas) collect(now Quotas, gauge, counter func(d *prometheus.Desc, v float64, labels ...string)) {
	for _, u := range now.Top {
		for _, r := range []struct {
			name  string
			used  int64
			limit *int64
		}{{"bytes", u.UsedBytes, u.LimitBytes}, {"files", u.UsedFiles, u.LimitFiles}, {"inodes", u.UsedInodes, u.LimitInodes}} {
			if r.limit != nil {
				gauge(q.used, float64(r.used), u.Bucket, r.name)
				gauge(q.limit, float64(*r.limit), u.Bucket, r.name)
			}
		}
		gauge(q.drift, float64(u.DriftBytes), u.Bucket)
	}
	gauge(q.buckets, float64(now.Buckets))
	gauge(q.limited, float64(now.Limited))
	gauge(q.more, float64(now.Limited-len(now.Top)))
	for _, t := range now.Transfers {
		gauge(q.transferred, float64(t.Used), t.Account, t.Sources, t.What)
		gauge(q.transferLimit, float64(t.Limit), t.Account, t.Sources, t.What)
	}
	gauge(q.left, float64(now.TransferLimits-len(now.Transfers)))
	counter(q.found, float64(now.Found))
	gauge(q.unwatched, float64(now.Unwatched))
	counter(q.losses, float64(now.Losses))
}
