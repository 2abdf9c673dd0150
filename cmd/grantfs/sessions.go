package main

import (
	"context"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"grantfs/integration/login"
)

// sessions lists the sessions of the running daemon.
func sessions(ctx context.Context, e *env, _ []string) error {
	var list []login.Session
	if err := e.ask(ctx, http.MethodGet, "/sessions", &list); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tACCOUNT\tPROTOCOL\tMETHOD\tSOURCE\tPID\tSINCE")
	for _, s := range list {
		source := "-"
		if s.Addr.IsValid() {
			source = s.Addr.String()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", s.ID, s.Account, s.Protocol, s.Method, source, s.PID,
			s.Since.Local().Format(time.DateTime))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print sessions: %w", err)
	}
	return nil
}
