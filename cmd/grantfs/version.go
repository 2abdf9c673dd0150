package main

import (
	"context"
	"fmt"
)

// Set by the linker.
var (
	buildVersion  = "devel"
	buildRevision = "unknown"
)

func version(_ context.Context, e *env, _ []string) error {
	_, err := fmt.Fprintf(e.stdout, "grantfs %s (%s)\n", buildVersion, buildRevision)
	return err
}
