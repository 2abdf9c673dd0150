package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// bucketUsage is one element of what "grantfs quota --json" prints (product.md
// §13). A limit is null where there is none.
type bucketUsage struct {
	Bucket        string `json:"bucket"`
	UsedBytes     int64  `json:"used_bytes"`
	UsedFiles     int64  `json:"used_files"`
	LimitBytes    *int64 `json:"limit_bytes"`
	LimitFiles    *int64 `json:"limit_files"`
	ReservedBytes int64  `json:"reserved_bytes"`
	DriftBytes    int64  `json:"drift_bytes"`
}

// bucketState is what the daemon says of a bucket.
type bucketState struct {
	bucketUsage
	UsedInodes  int64
	LimitInodes *int64
	Differ      bool // its mounts have different limits
	Counted     bool // the source is a count, not only what was written
}

// transferState is what the daemon says of one transfer limit.
type transferState struct {
	Account string
	Sources []string  // networks that it is for; none: all others
	What    string    // upload, download or total
	Used    int64     // bytes
	Limit   int64     // bytes
	Since   time.Time // the first day of the period; 1970 where it never ends
}

// quotaState is what the daemon answers.
type quotaState struct {
	Old       bool // these are the buckets and limits of the policy before the one in force
	Buckets   []bucketState
	Transfers []transferState
}

func quotaFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.BoolVar(&e.long, "long", false, "also print what is reserved, what drifted, and how sure the figures are")
}

// showQuota prints what is used of limits, has it counted again, or forgets what an
// account has transferred.
func showQuota(ctx context.Context, e *env, args []string) error {
	about := ""
	switch {
	case len(args) > 0 && args[0] == "scan":
		return quotaScan(ctx, e, args[1:])
	case len(args) == 2 && args[0] == "reset":
		return quotaReset(ctx, e, args[1])
	case len(args) == 1:
		about = "/" + url.PathEscape(args[0])
	case len(args) > 1:
		return usage("usage: grantfs quota [NAME], grantfs quota scan [NAME], grantfs quota reset ACCOUNT")
	}
	var q quotaState
	if err := e.ask(ctx, http.MethodGet, "/quota"+about, &q); err != nil {
		return err
	}
	if q.Old {
		if _, err := fmt.Fprintln(e.stderr, "limits as they were before the last reload; those of now are still being put together"); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if e.json {
		list := make([]bucketUsage, len(q.Buckets))
		for i, b := range q.Buckets {
			list[i] = b.bucketUsage
		}
		return printJSON(e.stdout, list)
	}
	t := quotaText{out: e.stdout, long: e.long, terminal: terminal(e.stdout), colour: coloured(e.stdout)}
	return t.print(q)
}

// quotaReset has the daemon forget what an account has transferred in this period:
// the remedy when the host's clock was wrong, or a customer is to have more.
func quotaReset(ctx context.Context, e *env, account string) error {
	var done struct{ Counters int }
	if err := e.ask(ctx, http.MethodPost, "/transfers/"+url.PathEscape(account)+"/reset", &done); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.stdout, "transfer counters of %s that begin anew: %d\n", account, done.Counters); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// scanned is what the daemon says of one source while it is counted.
type scanned struct {
	Source  string `json:"source"`
	Dirs    int64  `json:"dirs"`  // that were read so far, some perhaps twice
	Bytes   int64  `json:"bytes"` // that it holds, when that is known
	Files   int64  `json:"files"`
	Done    bool   `json:"done"`
	Missing bool   `json:"missing,omitempty"` // it is not there
	Error   string `json:"error,omitempty"`
}

// quotaScan has sources counted and shows how far that is. Who does not wait for
// the end does not stop it. A source that is missing is named, and no failure: there
// is nothing to count, and what is charged for it stays. One that is there and can't
// be counted is exitIO, after all the others.
func quotaScan(ctx context.Context, e *env, args []string) error {
	about := ""
	if len(args) > 0 {
		about = "/" + url.PathEscape(args[0])
	}
	failed := 0
	bar := newProgress(e.stderr, "directories read", 0)
	defer bar.close()
	read := map[string]int64{}
	err := e.follow(ctx, http.MethodPost, "/scan"+about, func(line []byte) error {
		var s scanned
		if err := json.Unmarshal(line, &s); err != nil {
			return fmt.Errorf("read the daemon's answer: %w", err)
		}
		out := e.stdout
		if s.Error != "" {
			failed++
		}
		if s.Error != "" || s.Missing {
			out = e.stderr
		}
		if e.json {
			_, err := fmt.Fprintf(e.stdout, "%s\n", line)
			return err
		}
		bar.step(int(s.Dirs - read[s.Source]))
		read[s.Source] = s.Dirs
		if !s.Done && s.Error == "" && !s.Missing {
			return nil
		}
		bar.clear()
		return printScanned(out, s)
	})
	if err == nil && failed > 0 {
		err = &exitError{exitIO, fmt.Errorf("%d sources could not be counted", failed)}
	}
	return err
}
