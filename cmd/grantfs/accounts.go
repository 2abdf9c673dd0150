package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"grantfs/integration/account"
)

// accounts lists the accounts of the running daemon.
func accounts(ctx context.Context, e *env, _ []string) error {
	var list []account.Account
	if err := e.ask(ctx, http.MethodGet, "/accounts", &list); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCOUNT\tUID\tSTATE\tCREATED\tSITES")
	for _, a := range list {
		created := "-"
		if !a.Created.IsZero() {
			created = a.Created.Local().Format(time.DateOnly)
		}
		sites := strings.Join(a.Sites, " ")
		if a.Locked {
			sites = "(" + a.Why + ")"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", a.Name, a.UID, accountState(a), created, sites)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print accounts: %w", err)
	}
	return nil
}

func accountState(a account.Account) string {
	var list []string
	if a.Main {
		list = append(list, "main")
	}
	if a.Adopted {
		list = append(list, "adopted")
	}
	if a.Locked {
		list = append(list, "locked")
	}
	if len(list) == 0 {
		return "open"
	}
	return strings.Join(list, ",")
}
