package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"grantfs/integration/credential"
	"grantfs/policy"
)

// authorizedKeys is what sshd runs to ask for a key (AuthorizedKeysCommand). It
// reads no file: whoever it runs as needs none, and the client waits.
func authorizedKeys(_ context.Context, e *env, args []string) error {
	lines, err := credential.AskKeys(credential.KeysSocketPath, args[0], args[1], args[2])
	if err != nil {
		return &exitError{exitUnavailable, err}
	}
	if _, err := io.WriteString(e.stdout, lines); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// keysAnswer is what "grantfs account keys --json" prints.
type keysAnswer struct {
	Keys []string `json:"keys"` // lines of authorized_keys
}

// changeKeys lists the keys of an account, or adds or removes those of a file.
func changeKeys(ctx context.Context, e *env, account string, args []string) error {
	method, path := http.MethodGet, "/keys/"+url.PathEscape(account)
	var body io.Reader
	if len(args) > 0 && args[0] != "list" {
		method = map[string]string{"add": http.MethodPost, "remove": http.MethodDelete}[args[0]]
		if method == "" {
			return usage("nothing to do with keys called %q: list, add or remove", args[0])
		}
		from, name := e.stdin, "-"
		if len(args) > 1 {
			name = args[1]
		}
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				return byReason(fmt.Errorf("read keys: %w", err), exitBadData)
			}
			defer f.Close()
			from = f
		}
		body = from
	} else if len(args) > 1 {
		return usage("usage: grantfs account keys ACCOUNT [list]")
	}
	var k keysAnswer
	if err := e.send(ctx, method, path, body, &k); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, k)
	}
	if method != http.MethodGet {
		return nil
	}
	for _, line := range k.Keys {
		if _, err := fmt.Fprintln(e.stdout, line); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// keys is the daemon's side of it.
func (d *daemon) keys(w http.ResponseWriter, r *http.Request) {
	name, ok := d.accountOf(w, r)
	if !ok {
		return
	}
	text, ok := readBody(w, r, credential.MaxKeys)
	if !ok {
		return
	}
	err := d.editKeys(name, r.Method, text)
	var bad *credential.LineError
	switch {
	case errors.As(err, &bad), errors.Is(err, credential.ErrTooLong):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	now, err := d.store.Keys(name)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := keysAnswer{Keys: []string{}}
	keys, err := credential.ParseKeys(now.Text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for _, k := range keys {
		answer.Keys = append(answer.Keys, k.Line)
	}
	d.tell(w, answer)
}

// editKeys does what a request says about keys.
func (d *daemon) editKeys(account, method string, text []byte) error {
	if method == http.MethodGet {
		return nil
	}
	err := d.store.EditKeys(account, func(now []byte) ([]byte, error) {
		if method == http.MethodDelete {
			rest, _, err := credential.RemoveKeys(now, text)
			return rest, err
		}
		return credential.AddKeys(now, bytes.TrimPrefix(text, []byte("\ufeff")))
	})
	if err == nil {
		d.log.Info("keys changed", "account", account, "by", "admin", "removed", method == http.MethodDelete)
	}
	return err
}

// loginKeys returns the keys by which an account may log in: none where it may not
// log in at all, or not by key. sshd does not say from where.
func (d *daemon) loginKeys(account string) ([]byte, error) {
	view, ours := d.account(account)
	if !ours || view == nil || !view.Enabled() {
		return nil, nil
	}
	eff := view.Effective()
	if policy.Has(eff.DeniedLoginMethods, "publickey") || policy.Has(eff.DeniedProtocols, "SSH") {
		d.log.Warn("key refused", "account", account, "reason", policy.AdmitMethodDenied.String())
		return nil, nil
	}
	k, err := d.store.Keys(account)
	return k.Text, err
}
