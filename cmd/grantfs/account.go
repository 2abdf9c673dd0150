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
	what, args := args[0], args[1:]
	form, ok := accountForms[what]
	if !ok || len(args) < form.min || len(args) > form.max {
		return usage("usage: grantfs account %s", accountArgs)
	}
	switch what {
	case "list":
		return accounts(ctx, e, nil)
	case "passwd":
		return setPassword(ctx, e, args[0])
	case "keys":
		return changeKeys(ctx, e, args[0], args[1:])
	case "lock":
		return lockAccount(ctx, e, http.MethodPost, args[0], args[1:])
	case "unlock":
		return lockAccount(ctx, e, http.MethodDelete, args[0], nil)
	}
	return changeTOTP(ctx, e, args[0])
}

// accountArgs are the arguments of "grantfs account".
const accountArgs = "list | passwd ACCOUNT [--random] | keys ACCOUNT [add|remove [FILE]] | totp ACCOUNT [--remove] | lock ACCOUNT [REASON] | unlock ACCOUNT"

// accountForms say how many arguments follow each of its words.
var accountForms = map[string]struct{ min, max int }{
	"list": {0, 0}, "passwd": {1, 1}, "keys": {1, 3}, "totp": {1, 1}, "lock": {1, 100}, "unlock": {1, 1},
}

// changeTOTP gives an account a new second factor, or takes it away.
func changeTOTP(ctx context.Context, e *env, account string) error {
	method := http.MethodPost
	if e.remove {
		method = http.MethodDelete
	}
	var t totp
	if err := e.ask(ctx, method, "/totp/"+url.PathEscape(account), &t); err != nil {
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
