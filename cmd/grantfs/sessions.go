package main

import (
	"context"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"grantfs/integration/login"
)

// rateLook is for how long sessions are looked at to see how fast they are.
const rateLook = 250 * time.Millisecond

// sessions is the daemon's side of it.
func (d *daemon) sessions(w http.ResponseWriter, r *http.Request) {
	list, err := d.login.Table().Rates(r.Context(), rateLook)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.tell(w, list)
}

// sessions lists the sessions of the running daemon.
func sessions(ctx context.Context, e *env, _ []string) error {
	var list []login.Moving
	if err := e.ask(ctx, http.MethodGet, "/sessions", &list); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tACCOUNT\tPROTOCOL\tMETHOD\tSOURCE\tPID\tSINCE\tRATE")
	for _, s := range list {
		source := "-"
		if s.Addr.IsValid() {
			source = s.Addr.String()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s/s\n", s.ID, s.Account, s.Protocol, s.Method, source, s.PID,
			s.Since.Local().Format(time.DateTime), bytesText(s.Rate))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print sessions: %w", err)
	}
	return nil
}
