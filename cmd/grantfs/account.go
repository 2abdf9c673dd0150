package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"grantfs/integration/login"
	"grantfs/integration/state"
)

// totpSecret is how many bytes the secret of a second factor has (RFC 4226).
const totpSecret = 20

// totp is what "grantfs account totp --json" prints. It is secret.
type totp struct {
	URL string `json:"url"`
}

// changeAccount changes what the running daemon keeps of an account.
func changeAccount(ctx context.Context, e *env, args []string) error {
	switch {
	case args[0] == "keys":
		return changeKeys(ctx, e, args[1], args[2:])
	case args[0] != "totp":
		return usage("nothing to change called %q: totp or keys", args[0])
	case len(args) > 2:
		return usage("usage: grantfs account totp ACCOUNT")
	}
	method := http.MethodPost
	if e.remove {
		method = http.MethodDelete
	}
	var t totp
	if err := e.ask(ctx, method, "/totp/"+url.PathEscape(args[1]), &t); err != nil {
		return err
	}
	switch {
	case e.json:
		return printJSON(e.stdout, t)
	case e.remove:
		return nil
	}
	if _, err := fmt.Fprintln(e.stdout, t.URL); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// totp is the daemon's side of it: a new second factor, or none.
func (d *daemon) totp(w http.ResponseWriter, r *http.Request) {
	name, ok := d.accountOf(w, r)
	if !ok {
		return
	}
	var t totp
	var err error
	if r.Method == http.MethodDelete {
		err = d.store.RemoveCode(name)
	} else {
		secret := make([]byte, totpSecret)
		rand.Read(secret) // it never fails
		err = d.store.SetCode(name, secret)
		t.URL = login.CodeURL(name, secret)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.log.Info("second factor changed", "account", name, "removed", r.Method == http.MethodDelete)
	d.tell(w, t)
}

// codes are the second factors in the state store (login.Codes).
type codes struct{ *state.Store }

// UseCode reports whether a code is right, once.
func (c codes) UseCode(account, code string, now time.Time) (bool, error) {
	return c.Store.UseCode(account, func(secret []byte, last int64) (int64, bool) {
		return login.CheckCode(secret, code, now, last)
	})
}
