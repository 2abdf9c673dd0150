package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"grantfs/integration/metrics"
)

// watchPeriod is how often what is used is looked at for metrics and warnings.
const watchPeriod = 5 * time.Second

// levels are the shares of a limit that are worth a warning, and calm how far
// below one it must have been for the next: who writes and deletes around one
// is named once.
var levels = []float64{0.80, 0.95, 1}

const calm = 0.05

// levelOf returns how many of the levels a share has reached.
func levelOf(share float64) int {
	n := 0
	for n < len(levels) && share >= levels[n] {
		n++
	}
	return n
}

// warned remembers of what is limited how many levels were warned of.
type warned map[string]int

// look notes a share of name's limit and reports whether it is worth a warning.
func (w warned) look(name string, share float64) bool {
	last, now := w[name], levelOf(share)
	if now < last {
		now = min(last, levelOf(share+calm))
	}
	if now == 0 {
		delete(w, name)
	} else {
		w[name] = now
	}
	return now > last
}

// watchUsage looks at what is used of limits until ctx ends.
func (d *daemon) watchUsage(ctx context.Context) error {
	period := time.NewTicker(watchPeriod)
	defer period.Stop()
	w := warned{}
	for {
		d.lookAtUsage(w)
		select {
		case <-ctx.Done():
			return nil
		case <-period.C:
		}
	}
}

// lookAtUsage warns of what is nearly used up, and leaves what is used for the
// next scrape.
func (d *daemon) lookAtUsage(w warned) {
	b, _ := d.buckets.now()
	if b == nil {
		return
	}
	var list []metrics.Usage
	seen := warned{}
	for _, l := range b.limits {
		if !l.Limited() {
			continue
		}
		s := d.state(b, l)
		u := metrics.Usage{
			Bucket: s.Bucket, UsedBytes: s.UsedBytes, UsedFiles: s.UsedFiles, UsedInodes: s.UsedInodes, DriftBytes: s.DriftBytes,
			LimitBytes: s.LimitBytes, LimitFiles: s.LimitFiles, LimitInodes: s.LimitInodes,
		}
		for _, part := range []struct {
			what  string
			used  int64
			limit *int64
		}{{"bytes", s.UsedBytes, s.LimitBytes}, {"files", s.UsedFiles, s.LimitFiles}, {"inodes", s.UsedInodes, s.LimitInodes}} {
			if part.limit == nil {
				continue
			}
			share := share(part.used, *part.limit)
			u.Share = max(u.Share, share)
			d.warn(w, seen, share, part.used, *part.limit, l.Name, part.what)
		}
		list = append(list, u)
	}
	transfers := d.transfers(b.set, "")
	for _, t := range transfers {
		d.warn(w, seen, share(t.Used, t.Limit), t.Used, t.Limit, append([]string{"transfer:" + t.Account, t.What}, t.Sources...)...)
	}
	for name := range w {
		if _, ok := seen[name]; !ok {
			delete(w, name)
		}
	}
	d.used.Store(&metrics.Quotas{
		Top: top(list), Buckets: len(b.limits), Limited: len(list), Transfers: topTransfers(transfers), TransferLimits: len(transfers),
	})
}

// warn looks at one limit, called by the words of name; what is seen is remembered.
func (d *daemon) warn(w, seen warned, share float64, used, limit int64, name ...string) {
	if share+calm < levels[0] {
		return // most are far from their limits: nothing is made of them
	}
	limited := strings.Join(name, " ")
	seen[limited] = 0
	if w.look(limited, share) {
		d.log.Warn("a limit is nearly used up", "limit", limited, "used", used, "of", limit, "percent", int(share*100))
	}
}

// top returns the buckets that have the largest shares of their limits.
func top(list []metrics.Usage) []metrics.Usage {
	slices.SortFunc(list, func(a, b metrics.Usage) int {
		return cmp.Or(-cmp.Compare(a.Share, b.Share), strings.Compare(a.Bucket, b.Bucket))
	})
	return list[:min(len(list), metrics.MostBuckets)]
}

// topTransfers is top for transfer limits.
func topTransfers(list []transferState) []metrics.Transfer {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b transferState) int { return -cmp.Compare(share(a.Used, a.Limit), share(b.Used, b.Limit)) })
	var out []metrics.Transfer
	for _, t := range list[:min(len(list), metrics.MostBuckets)] {
		out = append(out, metrics.Transfer{
			Account: t.Account, Sources: strings.Join(t.Sources, ","), What: t.What, Used: t.Used, Limit: t.Limit,
		})
	}
	return out
}
