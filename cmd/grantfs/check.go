package main

import (
	"context"
	"time"

	"grantfs/policy"
)

// problemJSON is one element of what "grantfs check --json" prints. Line and
// column are 0 where a problem is about no line, file is "" where it is about
// none.
type problemJSON struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"` // "error" or "warning"
	Text     string `json:"text"`
}

// check prints every problem of a configuration, also of single accounts that
// serve would leave out.
func check(_ context.Context, e *env, args []string) error {
	path := e.config
	if len(args) > 0 {
		path = args[0]
		if e.configSet {
			return usage("grantfs check: there are two configurations, %s and that of --config", path)
		}
	}
	l, err := load(path)
	if err != nil {
		return err
	}
	l.checkPoint()
	l.remark(time.Now())
	if e.json {
		out := make([]problemJSON, len(l.problems))
		for i, p := range l.problems {
			out[i] = problemJSON{p.At.File, p.At.Line, p.At.Col, p.Severity.String(), p.Text}
		}
		if err := printJSON(e.stdout, out); err != nil {
			return err
		}
	} else if err := l.print(e.stderr); err != nil {
		return err
	}
	if policy.HasErrors(l.problems) {
		return l.failure()
	}
	return nil
}
