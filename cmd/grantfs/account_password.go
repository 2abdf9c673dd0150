package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"grantfs/integration/credential"
)

// maxPasswordLine is how much of a line is read as a password, in bytes.
const maxPasswordLine = 1 << 10

// passwordAnswer is what "grantfs account passwd --random --json" prints. It is
// secret.
type passwordAnswer struct {
	Password string `json:"password,omitempty"`
}

// setPassword sets the password of an account to the first line of standard input,
// or to a random one, which it prints.
func setPassword(ctx context.Context, e *env, account string) error {
	path := "/password/" + url.PathEscape(account)
	var body io.Reader
	if e.random {
		path += "?random=1"
	} else {
		line, err := readPassword(e.stdin, e.stderr)
		if err != nil {
			return err
		}
		body = strings.NewReader(line)
	}
	var answer passwordAnswer
	if err := e.send(ctx, http.MethodPost, path, body, &answer); err != nil {
		return err
	}
	switch {
	case e.json:
		return printJSON(e.stdout, answer)
	case !e.random:
		return nil
	}
	if _, err := fmt.Fprintln(e.stdout, answer.Password); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// readPassword reads a line; from a terminal twice, without showing it.
func readPassword(in io.Reader, prompts io.Writer) (string, error) {
	f, ok := in.(*os.File)
	var again func() error
	if ok {
		var err error
		if again, err = noEcho(f); err != nil {
			return "", err
		}
	}
	lines := bufio.NewReader(io.LimitReader(in, 2*maxPasswordLine+2))
	ask := func(prompt string) (string, error) {
		if again != nil {
			fmt.Fprint(prompts, prompt)
			defer fmt.Fprintln(prompts)
		}
		line, err := lines.ReadString('\n')
		if err != nil && !(errors.Is(err, io.EOF) && line != "") {
			return "", &exitError{exitBadData, fmt.Errorf("read a password: %w", err)}
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	first, err := ask("New password: ")
	if again == nil || err != nil {
		return first, errors.Join(err, restore(again))
	}
	second, err := ask("The same again: ")
	if err == nil && second != first {
		err = &exitError{exitBadData, errors.New("the two are not the same")}
	}
	return first, errors.Join(err, restore(again))
}

func restore(echo func() error) error {
	if echo == nil {
		return nil
	}
	return echo()
}

// password is the daemon's side of it.
func (d *daemon) password(w http.ResponseWriter, r *http.Request) {
	name, ok := d.accountOf(w, r)
	if !ok {
		return
	}
	body, ok := readBody(w, r, maxPasswordLine)
	if !ok {
		return
	}
	if a, _ := d.table.Load().Account(name); a.Adopted {
		http.Error(w, name+" is a user of this host: passwd(1) changes its password", http.StatusUnprocessableEntity)
		return
	}
	var answer passwordAnswer
	var err error
	if r.URL.Query().Has("random") {
		answer.Password, err = d.credentials.passwords.Rotate(name)
	} else {
		var strength int64
		if v, ok := d.reload.Load().set.View(name); ok {
			strength = strengthOf(v)
		}
		err = d.credentials.passwords.Set(name, string(body), strength)
	}
	switch {
	case errors.Is(err, credential.ErrWeak), errors.Is(err, credential.ErrForm), errors.Is(err, credential.ErrTooLong):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.log.Info("password set", "account", name, "by", "admin")
	d.tell(w, answer)
}

// readBody reads what a request brings, at most so many bytes; false after it has
// answered that this is too much.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return nil, false
	}
	return body, true
}
