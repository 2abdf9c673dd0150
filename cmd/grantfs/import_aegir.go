package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"grantfs/config"
	"grantfs/config/aegir"
	"grantfs/policy"
)

// aegirReport is what "import aegir --json" says.
type aegirReport struct {
	Instances []string       `json:"instances"`
	Accounts  []aegirAccount `json:"accounts"`
	Sites     []aegirSite    `json:"sites"`
	Problems  []string       `json:"problems"`
}

type aegirAccount struct {
	Name   string `json:"name"`
	Client string `json:"client"` // "" for a main account
	Main   bool   `json:"main"`
}

type aegirSite struct {
	Instance string `json:"instance"`
	URI      string `json:"uri"`
	Source   string `json:"source"`
	Owner    string `json:"owner"` // an account, "" for none
	Enabled  bool   `json:"enabled"`
}

// importAegir writes a configuration for the instances in dirs. The daemon reads
// sites and owners from the instances itself; what is found now is a comment, and
// an empty table for each account to add settings to.
func importAegir(ctx context.Context, e *env, dirs []string) error {
	instances, err := findInstances(dirs)
	if err != nil {
		return err
	}
	settings := make([]policy.Setting[string], len(instances))
	for i, dir := range instances {
		settings[i] = policy.Setting[string]{Value: dir, Set: true}
	}
	found, problems := aegir.Discover(settings, aegir.Options{})
	in, merged := found.Merge(policy.Input{}, config.Aegir{})
	report := reportAegir(instances, in, append(problems, merged...))
	text := aegirConfig(report)
	if err := checkAegir(text, found); err != nil {
		return err
	}
	if err := e.writeConfig(ctx, text); err != nil {
		return err
	}
	if e.json {
		return printReport(e.stderr, report)
	}
	for _, p := range report.Problems {
		fmt.Fprintln(e.stderr, p)
	}
	fmt.Fprintf(e.stderr, "%d instances, %d accounts, %d sites\n", len(report.Instances), len(report.Accounts), len(report.Sites))
	return nil
}

// findInstances returns the instances that dirs are or hold, absolute and each
// once.
func findInstances(dirs []string) ([]string, error) {
	var list []string
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		found := []string{dir}
		if !isInstance(dir) {
			below, err := filepath.Glob(globQuote(dir) + "/*")
			if err != nil {
				return nil, fmt.Errorf("import: look into %s: %w", dir, err)
			}
			found = slices.DeleteFunc(below, func(d string) bool { return !isInstance(d) })
		}
		if len(found) == 0 {
			return nil, &exitError{exitBadData, fmt.Errorf("import: %s neither is an instance nor holds one: there is no .drush", dir)}
		}
		for _, d := range found {
			if !slices.Contains(list, d) {
				list = append(list, d)
			}
		}
	}
	return list, nil
}

// isInstance reports whether dir has a directory for aliases.
func isInstance(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, ".drush"))
	return err == nil && info.IsDir()
}

// globQuote returns a path that stands for itself as a glob.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func reportAegir(instances []string, in policy.Input, problems []policy.Problem) aegirReport {
	r := aegirReport{Instances: instances, Accounts: []aegirAccount{}, Sites: []aegirSite{}, Problems: []string{}}
	for _, a := range in.Accounts {
		r.Accounts = append(r.Accounts, aegirAccount{Name: a.Name, Client: a.Client, Main: a.Main})
	}
	for _, s := range in.Sites {
		r.Sites = append(r.Sites, aegirSite{Instance: s.Instance, URI: s.URI, Source: s.Source, Owner: s.OwnerAccount, Enabled: s.Enabled})
	}
	for _, p := range problems {
		r.Problems = append(r.Problems, p.String())
	}
	return r
}

// aegirConfig returns the configuration for what was found.
func aegirConfig(r aegirReport) []byte {
	var b bytes.Buffer
	quoted := make([]string, len(r.Instances))
	for i, dir := range r.Instances {
		quoted[i] = strconv.Quote(dir)
	}
	fmt.Fprintf(&b, "# Sites, clients and owners are read from these instances, again whenever they\n# change. What was found when this was written stands below as comments.\n\n")
	fmt.Fprintf(&b, "[aegir]\ninstances = [%s]\n", strings.Join(quoted, ", "))
	for _, a := range r.Accounts {
		what := fmt.Sprintf("client %q", a.Client)
		if a.Main {
			what = "the main account: it sees every site of its instance"
		}
		fmt.Fprintf(&b, "\n# %s\n", what)
		writeSites(&b, r.Sites, func(s aegirSite) bool { return s.Owner == a.Name })
		fmt.Fprintf(&b, "[accounts.%q]\n", a.Name)
	}
	unowned := func(s aegirSite) bool { return s.Owner == "" }
	if slices.ContainsFunc(r.Sites, unowned) {
		fmt.Fprintf(&b, "\n# Without an owner: only main accounts see these, or all clients with\n# unowned = \"all\".\n")
		writeSites(&b, r.Sites, unowned)
	}
	return b.Bytes()
}

func writeSites(b *bytes.Buffer, sites []aegirSite, which func(aegirSite) bool) {
	for _, s := range sites {
		if !which(s) {
			continue
		}
		off := ""
		if !s.Enabled {
			off = " (disabled)"
		}
		fmt.Fprintf(b, "#   %s%s in %q\n", s.URI, off, s.Source)
	}
}

// checkAegir holds a configuration to what "grantfs check" would say about it.
func checkAegir(text []byte, found *aegir.Snapshot) error {
	c, problems := config.Parse("imported.toml", text, nil)
	in, merged := found.Merge(c.Policy, c.Aegir)
	_, compiled := policy.Compile(in)
	for _, p := range slices.Concat(problems, merged, compiled) {
		if p.Severity == policy.SeverityError {
			return &exitError{exitBadData, fmt.Errorf("import aegir: %s", p.Text)}
		}
	}
	return nil
}
