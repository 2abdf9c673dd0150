package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"grantfs/policy"
)

// reachJSON is one element of what "grantfs who --json" prints.
type reachJSON struct {
	Account string   `json:"account"`
	Path    string   `json:"path"`  // the backing path that is reached
	Below   bool     `json:"below"` // it lies below the one asked about
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
	if args[0] == "" {
		return usage("the path is empty")
	}
	at, err := filepath.Abs(args[0])
	if err != nil {
		return fmt.Errorf("resolve %s: %w", args[0], err)
	}
	if strings.HasSuffix(args[0], "/") {
		kind = policy.TypeDir
	}
	switch info, err := os.Stat(at); {
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(e.stderr, "note: %s does not exist\n", args[0])
	case err == nil && info.IsDir() && e.kind == "":
		kind = policy.TypeDir
	}
	at = resolved(at) // as the sources were
	list, err := set.Who(at, kind)
	if err != nil {
		return usage("%v", err)
	}
	below, err := set.WhoBelow(at)
	if err != nil {
		return usage("%v", err)
	}
	if e.json {
		out := make([]reachJSON, 0, len(list)+len(below))
		for i, r := range slices.Concat(list, below) {
			out = append(out, reachJSON{r.Account, r.Path, i >= len(list), r.Enabled, r.VPath, r.Mount, r.Verbs.Names(), newRuleJSON(r.Rule)})
		}
		return printJSON(e.stdout, out)
	}
	if err := e.reached(args[0], list, below); err != nil {
		return fmt.Errorf("print accounts: %w", err)
	}
	return nil
}

// reached prints who reaches the path called name, and what is below it.
func (e *env) reached(name string, list, below []policy.Reach) error {
	switch {
	case len(list)+len(below) == 0:
		_, err := fmt.Fprintf(e.stderr, "no account reaches %s\n", name)
		return err
	case len(list) == 0:
		fmt.Fprintf(e.stderr, "no account reaches %s itself\n", name)
	default:
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ACCOUNT\tVPATH\tVERBS\tMOUNT\tRIGHTS FROM")
		for _, r := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", reachName(r), r.VPath, verbText(r.Verbs), r.Mount, ruleText(r.Rule))
		}
		if err := w.Flush(); err != nil || len(below) == 0 {
			return err
		}
		fmt.Fprintln(e.stdout)
	}
	accounts := map[string]bool{}
	for _, r := range below {
		accounts[r.Account] = true
	}
	plural := "s"
	if len(accounts) == 1 {
		plural = ""
	}
	fmt.Fprintf(e.stdout, "below it, %d account%s:\n", len(accounts), plural)
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCOUNT\tPATH\tVPATH\tVERBS\tMOUNT")
	for _, r := range below {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", reachName(r), r.Path, r.VPath, verbText(r.Verbs), r.Mount)
	}
	return w.Flush()
}

func reachName(r policy.Reach) string {
	if !r.Enabled {
		return r.Account + " (disabled)"
	}
	return r.Account
}
