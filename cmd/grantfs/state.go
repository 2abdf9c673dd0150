package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"grantfs/config"
	"grantfs/integration/state"
)

func stateFlags(f *flag.FlagSet, e *env) {
	f.StringVar(&e.output, "o", "-", "write the state to `FILE`, which only root can read, - for stdout")
	f.BoolVar(&e.force, "force", false, "replace the FILE of -o")
}

// moveState writes down what grantfs keeps of accounts, or reads it in again, on
// another machine.
func moveState(ctx context.Context, e *env, args []string) error {
	if err := needRoot("state"); err != nil {
		return err
	}
	c, problems := config.Load(e.config, nil)
	if c.Incomplete {
		return (&loaded{config: c, problems: problems}).report(e.stderr)
	}
	switch {
	case args[0] == "export" && len(args) == 1:
		return e.exportState(ctx, c.Mount)
	case args[0] == "import" && len(args) == 2:
		return e.importState(c.Mount, args[1])
	}
	return usage("usage: grantfs state export [-o FILE] | import FILE")
}

// exportState asks the daemon, which has the state to itself, or reads it.
func (e *env) exportState(ctx context.Context, m config.Mount) error {
	var x state.Export
	err := ask(ctx, m.Control.Value, http.MethodGet, "/state", nil, &x)
	if exit, ok := errors.AsType[*exitError](err); ok && exit.Code == exitUnavailable {
		err = withState(m, func(s *state.Store) (err error) {
			x, err = s.Export()
			return err
		})
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return fmt.Errorf("export the state: %w", err)
	}
	return e.writeConfig(ctx, append(text, '\n'))
}

// importState reads in all of a state, or nothing, while no daemon runs.
func (e *env) importState(m config.Mount, file string) error {
	in := io.NopCloser(e.stdin)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return byReason(fmt.Errorf("import %s: %w", file, unwrappedPath(err)), exitBadData)
		}
		in = f
	}
	defer in.Close()
	var x state.Export
	if err := json.NewDecoder(in).Decode(&x); err != nil {
		return &exitError{exitBadData, fmt.Errorf("import %s: it is no state: %w", file, err)}
	}
	return withState(m, func(s *state.Store) error {
		if err := s.Import(x); err != nil {
			return &exitError{exitBadData, err}
		}
		return nil
	})
}

// withState opens the state, which must be there or can be made, for use.
func withState(m config.Mount, use func(*state.Store) error) error {
	s, err := state.Open(m.State.Value)
	if errors.Is(err, state.ErrInUse) {
		return &exitError{exitUnavailable, fmt.Errorf("%w: stop the daemon first", err)}
	}
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

// tellState answers with the whole state.
func (d *daemon) tellState(w http.ResponseWriter, _ *http.Request) {
	x, err := d.store.Export()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.tell(w, x)
}
