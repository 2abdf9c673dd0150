package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// kicked is what "grantfs kick --json" prints.
type kicked struct {
	Sessions int `json:"sessions"` // that were ended
}

// kick ends the sessions of an account. It does not keep it from logging in
// again.
func kick(ctx context.Context, e *env, args []string) error {
	var k kicked
	if err := e.ask(ctx, http.MethodPost, "/kick/"+url.PathEscape(args[0]), &k); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, k)
	}
	if _, err := fmt.Fprintf(e.stdout, "sessions ended: %d\n", k.Sessions); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// kick is the daemon's side of it.
func (d *daemon) kick(w http.ResponseWriter, r *http.Request) {
	name, ok := d.accountOf(w, r)
	if !ok {
		return
	}
	n, err := d.login.Table().Kick(name)
	d.log.Info("sessions kicked", "account", name, "sessions", n)
	if err != nil {
		http.Error(w, fmt.Sprintf("kick %s: %v", name, err), http.StatusInternalServerError)
		return
	}
	d.tell(w, kicked{n})
}
