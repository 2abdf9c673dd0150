package main

import (
	"context"

	"grantfs/policy"
)

// check prints every problem of a configuration, also of single accounts that
// serve would leave out.
func check(_ context.Context, e *env, args []string) error {
	path := e.config
	if len(args) > 0 {
		path = args[0]
	}
	l, err := load(path)
	if err != nil {
		return err
	}
	l.checkPoint()
	if err := l.report(e.stderr); err != nil {
		return err
	}
	if policy.HasErrors(l.problems) {
		return l.failure()
	}
	return nil
}
