package main

import "context"

// check prints every problem of a configuration.
func check(_ context.Context, e *env, args []string) error {
	path := e.config
	if len(args) > 0 {
		path = args[0]
	}
	l, err := load(path)
	if err != nil {
		return err
	}
	return l.report(e.stderr)
}
