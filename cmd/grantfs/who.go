package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"grantfs/policy"
)

// reachJSON is one element of what "grantfs who --json" prints.
type reachJSON struct {
	Account string   `json:"account"`
	Enabled bool     `json:"enabled"`
	VPath   string   `json:"vpath"`
	Mount   string   `json:"mount"`
	Verbs   []string `json:"verbs"`
	Rule    ruleJSON `json:"rule"`
}

// who prints every account that reaches a backing path, where and with which
// verbs.
func who(_ context.Context, e *env, args []string) error {
	kind, err := fileType(e.kind)
	if err != nil {
		return err
	}
	set, err := loadSet(e, e.config)
	if err != nil {
		return err
	}
	at, err := policy.CleanPath(args[0])
	if err != nil {
		return usage("%v", err)
	}
	if strings.HasSuffix(args[0], "/") {
		kind = policy.TypeDir
	}
	list, err := set.Who(resolved(at), kind) // as the sources were
	if err != nil {
		return usage("%v", err)
	}
	if e.json {
		out := make([]reachJSON, len(list))
		for i, r := range list {
			out[i] = reachJSON{r.Account, r.Enabled, r.VPath, r.Mount, r.Verbs.Names(), newRuleJSON(r.Rule)}
		}
		return printJSON(e.stdout, out)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintf(e.stderr, "no account reaches %s\n", args[0])
		return err
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCOUNT\tVPATH\tVERBS\tMOUNT\tRIGHTS FROM")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", reachName(r), r.VPath, verbText(r.Verbs), r.Mount, ruleText(r.Rule))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print accounts: %w", err)
	}
	return nil
}

func reachName(r policy.Reach) string {
	if !r.Enabled {
		return r.Account + " (disabled)"
	}
	return r.Account
}
