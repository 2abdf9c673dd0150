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

func thisVersion() versionJSON { return versionJSON{buildVersion, buildRevision} }

func (v versionJSON) String() string { return fmt.Sprintf("grantfs %s (%s)", v.Version, v.Revision) }

func version(_ context.Context, e *env, _ []string) error {
	if e.json {
		return printJSON(e.stdout, thisVersion())
	}
	_, err := fmt.Fprintln(e.stdout, thisVersion())
	return err
}
