package main

import (
	"context"
	"fmt"
	"runtime/debug"
)

// buildVersion is set by the linker.
var buildVersion = "devel"

func version(_ context.Context, e *env, _ []string) error {
	_, err := fmt.Fprintf(e.stdout, "grantfs %s (%s)\n", buildVersion, revision())
	return err
}

// revision is the commit that the binary was built from.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}
