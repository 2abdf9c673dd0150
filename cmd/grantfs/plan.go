package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"grantfs/policy"
)

// exitChanges is the exit code of "grantfs plan" where something changes.
const exitChanges = 2

// changeJSON is one element of what "grantfs plan --json" prints: what changes
// for one account.
type changeJSON struct {
	Account string            `json:"account"`
	Change  string            `json:"change"` // "gained", "lost" or "changed"
	Mounts  []mountDiffJSON   `json:"mounts"`
	Verbs   []verbDiffJSON    `json:"verbs"`
	Limits  []settingDiffJSON `json:"limits"`
}

type mountDiffJSON struct {
	Path   string `json:"path"`
	Mount  string `json:"mount"`
	Source string `json:"source"`
	Change string `json:"change"` // "gained" or "lost"
}

type verbDiffJSON struct {
	Path   string   `json:"path"`
	Names  bool     `json:"names"` // the last component is names in a directory
	Gained []string `json:"gained"`
	Lost   []string `json:"lost"`
}

type settingDiffJSON struct {
	Path string `json:"path"` // of a mount, "" for the account's own
	Key  string `json:"key"`
	Old  any    `json:"old"`
	New  any    `json:"new"`
}

// plan prints the difference in access between two configurations. It exits 2 if
// there is one.
func plan(_ context.Context, e *env, args []string) error {
	from := e.from
	if from == "" {
		from = e.config
	}
	was, err := loadSet(e, from)
	if err != nil {
		return err
	}
	will, err := loadSet(e, args[0])
	if err != nil {
		return err
	}
	list := policy.Plan(was, will)
	if err := e.planned(list); err != nil {
		return fmt.Errorf("print the plan: %w", err)
	}
	if len(list) > 0 {
		return &exitError{exitChanges, nil}
	}
	return nil
}

func (e *env) planned(list []policy.Change) error {
	if e.json {
		out := make([]changeJSON, len(list))
		for i := range list {
			out[i] = newChangeJSON(&list[i])
		}
		return printJSON(e.stdout, out)
	}
	var b bytes.Buffer
	for i := range list {
		printChange(&b, &list[i])
	}
	if len(list) == 0 {
		b.WriteString("no change in access\n")
	}
	_, err := e.stdout.Write(b.Bytes())
	return err
}

func newChangeJSON(c *policy.Change) changeJSON {
	out := changeJSON{
		Account: c.Account, Change: changeWord(c.Gained, c.Lost),
		Mounts: []mountDiffJSON{}, Verbs: []verbDiffJSON{}, Limits: []settingDiffJSON{},
	}
	for _, m := range c.Mounts {
		out.Mounts = append(out.Mounts, mountDiffJSON{m.Path, m.Name, m.Source, changeWord(m.Gained, !m.Gained)})
	}
	for _, v := range c.Verbs {
		out.Verbs = append(out.Verbs, verbDiffJSON{v.Path, v.Names, v.Gained.Names(), v.Lost.Names()})
	}
	for _, l := range c.Limits {
		out.Limits = append(out.Limits, settingDiffJSON(l))
	}
	return out
}

func changeWord(gained, lost bool) string {
	switch {
	case gained:
		return "gained"
	case lost:
		return "lost"
	}
	return "changed"
}

// printChange prints what changes for one account: what it gains after "+", what
// it loses after "-", what is another after "~".
func printChange(b *bytes.Buffer, c *policy.Change) {
	sign := map[string]string{"gained": "+", "lost": "-", "changed": "~"}
	fmt.Fprintf(b, "%s account %s\n", sign[changeWord(c.Gained, c.Lost)], c.Account)
	for _, m := range c.Mounts {
		fmt.Fprintf(b, "    %s mount %s: %s from %s\n", sign[changeWord(m.Gained, !m.Gained)], m.Path, m.Name, m.Source)
	}
	printVerbs(b, c.Verbs)
	for _, l := range c.Limits {
		at := ""
		if l.Path != "" {
			at = " of " + l.Path
		}
		fmt.Fprintf(b, "    ~ %s%s: %s -> %s\n", l.Key, at, valueText(l.Old), valueText(l.New))
	}
}

// printVerbs prints changes of rights, those that are alike together.
func printVerbs(b *bytes.Buffer, list []policy.VerbChange) {
	var heads []string
	paths := map[string][]string{}
	note := func(sign string, v policy.Verbs, c policy.VerbChange) {
		if v == 0 {
			return
		}
		where := "in"
		if c.Names {
			where = "on names"
		}
		head := fmt.Sprintf("%s %s %s", sign, verbText(v), where)
		if paths[head] == nil {
			heads = append(heads, head)
		}
		paths[head] = append(paths[head], c.Path)
	}
	for _, c := range list {
		note("+", c.Gained, c)
		note("-", c.Lost, c)
	}
	for _, head := range heads {
		fmt.Fprintf(b, "    %s %s\n", head, strings.Join(paths[head], "\n        "))
	}
}
