package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"grantfs/fs/limit"
	"grantfs/fs/quota"
	"grantfs/policy"
)

// state returns what is used of a bucket.
func (d *daemon) state(b *buckets, l policy.BucketLimits) bucketState {
	ledger := d.fs.Ledger()
	u := ledger.Usage(l.Name)
	counted := func(source string) bool { return ledger.Usage(quota.SourceBucket(d.fs.CountedAs(source)).Name).Counted }
	return bucketState{
		bucketUsage: bucketUsage{
			Bucket: l.Name, UsedBytes: u.Used.Bytes, UsedFiles: u.Used.Files,
			LimitBytes: bound(l.Size), LimitFiles: bound(l.Files), ReservedBytes: u.Reserved.Bytes, DriftBytes: u.Drift,
		},
		UsedInodes: u.Used.Inodes, LimitInodes: bound(l.Inodes), Differ: l.Differ,
		Counted: !slices.ContainsFunc(b.sources[l.Name], func(source string) bool { return !counted(source) }),
	}
}

// bound returns a limit, nil for none.
func bound(l policy.Limit) *int64 {
	if l.Unlimited {
		return nil
	}
	return &l.N
}

// transfers returns what is used of the transfer limits of an account, of all
// accounts where that is "". Who has moved nothing yet is not in it.
func (d *daemon) transfers(set *policy.Set, account string) []transferState {
	var list []transferState
	for _, u := range d.fs.Transfers().Usage() {
		view, ok := set.View(u.Account)
		if !ok || account != "" && u.Account != account {
			continue
		}
		t := transferState{Account: u.Account, Since: u.Since}
		limits := limitsOf(view.Effective(), u.Entry, &t.Sources)
		up, down := u.Moved[limit.Upload], u.Moved[limit.Download]
		for _, l := range []struct {
			what  string
			used  int64
			limit policy.Setting[policy.Limit]
		}{
			{"upload", up, limits.Upload}, {"download", down, limits.Download}, {"total", up + down, limits.Total},
		} {
			if l.limit.Set && !l.limit.Value.Unlimited {
				t.What, t.Used, t.Limit = l.what, l.used, l.limit.Value.N
				list = append(list, t)
			}
		}
	}
	return list
}

// limitsOf returns the limits that a counter is held against, and the networks
// that they are for.
func limitsOf(e *policy.Effective, entry limit.Entry, sources *[]string) policy.Transfer {
	if entry == (limit.Entry{}) {
		s := &e.Scalars
		return policy.Transfer{Upload: s.UploadDataTransfer, Download: s.DownloadDataTransfer, Total: s.TotalDataTransfer}
	}
	for _, l := range e.DataTransferLimits {
		if v := l.Value; limit.EntryOf(v.Sources) == entry {
			for _, n := range v.Sources {
				*sources = append(*sources, n.Value.String())
			}
			return policy.Transfer{Upload: v.UploadDataTransfer, Download: v.DownloadDataTransfer, Total: v.TotalDataTransfer}
		}
	}
	return policy.Transfer{}
}

// bucketsPatience is how long an answer waits for what a policy that has just come
// says, before it is that of the one before. Who asks waits controlPatience.
const bucketsPatience = controlPatience / 2

// quota is the daemon's side of "grantfs quota".
func (d *daemon) quota(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	ctx, cancel := context.WithTimeout(r.Context(), bucketsPatience)
	defer cancel()
	set := d.reload.Load().set
	b := d.buckets.of(ctx, set)
	if b == nil {
		http.Error(w, "what the limits are is still being put together: ask again", http.StatusServiceUnavailable)
		return
	}
	limits, ok := b.about(name)
	if !ok {
		http.Error(w, "there is no account, folder or bucket "+name, http.StatusNotFound)
		return
	}
	q := quotaState{Old: b.set != set}
	for _, l := range limits {
		q.Buckets = append(q.Buckets, d.state(b, l))
	}
	q.Transfers = d.transfers(b.set, name)
	d.tell(w, q)
}

// resetTransfers is the daemon's side of "grantfs quota reset".
func (d *daemon) resetTransfers(w http.ResponseWriter, r *http.Request) {
	account := r.PathValue("account")
	if _, ok := d.reload.Load().set.View(account); !ok {
		http.Error(w, "there is no account "+account, http.StatusNotFound)
		return
	}
	var done struct{ Counters int }
	for _, u := range d.fs.Transfers().Usage() {
		if u.Account == account {
			d.fs.Transfers().Reset(u.Key)
			done.Counters++
		}
	}
	d.log.Info("transfer counters begin anew", "account", account, "counters", done.Counters)
	d.tell(w, done)
}

// scanPeriod is how often a scan says how far it is.
const scanPeriod = time.Second

// scan is the daemon's side of "grantfs quota scan": it has the sources of the
// named buckets counted, one after another, and says so in lines of JSON.
func (d *daemon) scan(w http.ResponseWriter, r *http.Request) {
	b := d.buckets.of(r.Context(), d.reload.Load().set)
	if b == nil {
		return // nobody waits any more
	}
	sources := b.all
	if name := r.PathValue("name"); name != "" {
		limits, ok := b.about(name)
		if !ok {
			http.Error(w, "there is no account, folder or bucket "+name, http.StatusNotFound)
			return
		}
		sources = nil
		for _, l := range limits {
			sources = append(sources, b.sources[l.Name]...)
		}
	}
	d.fs.CheckSources() // what was made since the last look is counted too
	sources = slices.Clone(sources)
	for i, source := range sources {
		sources[i] = d.fs.CountedAs(source)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)
	out := http.NewResponseController(w)
	// It lasts as long as it lasts.
	if err := out.SetReadDeadline(time.Time{}); err != nil {
		d.log.Warn("answer on the control socket", "error", err)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	say := func(s scanned) error {
		if err := out.SetWriteDeadline(time.Now().Add(controlPatience)); err != nil {
			return err
		}
		if err := json.NewEncoder(w).Encode(s); err != nil {
			return err
		}
		return out.Flush()
	}
	missing := d.fs.MissingSources()
	known := d.fs.Recounter().Sources()
	for _, source := range sources {
		if _, ok := known[source]; !ok && !slices.Contains(missing, source) {
			continue // it need not be there
		}
		if err := d.scanOne(r.Context(), source, say); err != nil {
			d.log.Info("nobody listens to a scan any more", "source", source, "error", err)
			return
		}
	}
}

// scanOne has a source counted; its error is that of say.
func (d *daemon) scanOne(ctx context.Context, source string, say func(scanned) error) error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- d.fs.Recounter().Count(ctx, source) }()
	period := time.NewTicker(scanPeriod)
	defer period.Stop()
	for {
		var err error
		ended := false
		select {
		case err = <-done:
			ended = true
		case <-period.C:
		}
		s := scanned{Source: source, Dirs: d.fs.Recounter().Sources()[source].Dirs, Done: ended}
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, quota.ErrNoSource):
			s.Missing = true
		case err != nil:
			s.Error = err.Error()
		case ended:
			used := d.fs.Ledger().Usage(quota.SourceBucket(source).Name).Used
			s.Bytes, s.Files = used.Bytes, used.Files
		}
		said := say(s)
		if ended || said != nil {
			cancel()
			if !ended {
				<-done
			}
			return said
		}
	}
}
