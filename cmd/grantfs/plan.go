package main

import (
	"bytes"
	"context"
	"fmt"

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
	Path   string           `json:"path"`
	Change string           `json:"change"` // "gained", "lost", or "changed" where something lies there before and after
	Old    *backingJSON     `json:"old"`    // null for nothing
	New    *backingJSON     `json:"new"`
	Rights []rightsDiffJSON `json:"rights"` // in two backings; empty where there is one
}

// backingJSON is what lies at a path. Root is false for a part of a mount that
// begins above it.
type backingJSON struct {
	Mount  string `json:"mount"`
	Source string `json:"source"`
	Root   bool   `json:"root"`
}

type rightsDiffJSON struct {
	Path  string   `json:"path"`
	Names bool     `json:"names"`
	Old   []string `json:"old"`
	New   []string `json:"new"`
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
	printGroups(&b, list)
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
		out.Mounts = append(out.Mounts, newMountDiffJSON(&m))
	}
	for _, v := range c.Verbs {
		out.Verbs = append(out.Verbs, verbDiffJSON{v.Path, v.Names, v.Gained.Names(), v.Lost.Names()})
	}
	for _, l := range c.Limits {
		out.Limits = append(out.Limits, settingDiffJSON(l))
	}
	return out
}

func newMountDiffJSON(m *policy.MountChange) mountDiffJSON {
	out := mountDiffJSON{
		Path: m.Path, Change: changeWord(m.Old == nil, m.New == nil),
		Old: (*backingJSON)(m.Old), New: (*backingJSON)(m.New), Rights: []rightsDiffJSON{},
	}
	for _, r := range m.Rights {
		out.Rights = append(out.Rights, rightsDiffJSON{r.Path, r.Names, r.Old.Names(), r.New.Names()})
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
