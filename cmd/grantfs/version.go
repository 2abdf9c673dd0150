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

// versionJSON is what "grantfs version --json" prints.
type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
}

func version(_ context.Context, e *env, _ []string) error {
	if e.json {
		return printJSON(e.stdout, versionJSON{buildVersion, buildRevision})
	}
	_, err := fmt.Fprintf(e.stdout, "grantfs %s (%s)\n", buildVersion, buildRevision)
	return err
}
