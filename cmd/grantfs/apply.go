package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"grantfs/integration/hostfile"
)

// apply installs the configuration for programs of the host, or takes it back:
// what would change is shown, judged by the program, and asked about first.
func apply(ctx context.Context, e *env, args []string) error {
	if err := needRoot("apply"); err != nil {
		return err
	}
	var l *loaded // a removal does not need the configuration
	if !e.remove {
		var err error
		if l, err = load(e.config); err != nil {
			return err
		}
		if l.set == nil {
			return l.report(e.stderr)
		}
	}
	targets, err := hostTargets(args, e.remove)
	if err != nil {
		return err
	}
	h := &installation{env: e, loaded: l}
	for _, t := range targets {
		if err := h.apply(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if h.kept > 0 {
		return fmt.Errorf("%d files are left as they are", h.kept)
	}
	return nil
}

// installation is one run of apply.
type installation struct {
	*env
	loaded  *loaded           // nil for a removal
	planned []hostfile.Change // of every target so far
	kept    int
}

// apply does what is to be done for one target.
func (h *installation) apply(ctx context.Context, t hostTarget) error {
	changes, err := h.plan(ctx, t)
	if err != nil {
		return err
	}
	todo := 0
	for _, c := range changes {
		if c.Kept != "" {
			h.kept++
		} else {
			todo++
		}
		if err := h.say("%s", c.Diff()); err != nil {
			return err
		}
	}
	h.planned = append(h.planned, changes...)
	if todo == 0 {
		return h.say("%s: nothing to do\n", t.name)
	}
	if err := t.check(ctx, h); err != nil {
		return err
	}
	switch ok, err := h.agreed(t.name); {
	case err != nil:
		return err
	case h.dryRun:
		return nil
	case !ok:
		return errors.New("nothing was changed")
	}
	if err := hostfile.Write(changes, func() error { return t.installed(ctx) }); err != nil {
		return err
	}
	next := t.next
	if h.remove {
		next = t.nextRemoved
	}
	return h.say("%s: done. %s\n", t.name, next)
}

func (h *installation) plan(ctx context.Context, t hostTarget) ([]hostfile.Change, error) {
	if h.remove {
		return hostfile.Remove(t.paths())
	}
	files, err := t.files(ctx, h.loaded.config.Mount.Point.Value)
	if err != nil {
		return nil, err
	}
	return hostfile.Install(files)
}

// text returns what the file at path holds when everything is done that is
// planned; nil for no file.
func (h *installation) text(path string) ([]byte, error) {
	for _, c := range slices.Backward(h.planned) {
		if c.Path == path && c.Kept == "" {
			return c.New, nil
		}
	}
	return hostfile.Read(path)
}

// agreed asks whether to go on, unless the command line says so.
func (h *installation) agreed(what string) (bool, error) {
	if h.yes || h.dryRun {
		return h.yes, nil
	}
	question := "Install this for " + what + "?"
	if h.remove {
		question = "Remove this of " + what + "?"
	}
	if err := h.say("%s [y/N] ", question); err != nil {
		return false, err
	}
	var answer string
	_, _ = fmt.Fscanln(h.stdin, &answer) // no answer is no
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(answer)), nil
}

func (h *installation) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(h.stdout, format, args...); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
