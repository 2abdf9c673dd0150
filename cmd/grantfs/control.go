package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"grantfs/config"
)

// The control socket speaks HTTP, and only root can open it.
const (
	controlMode     = 0o600
	controlPatience = 5 * time.Second
)

// serveControl answers on l until ctx ends.
func serveControl(ctx context.Context, l net.Listener, d *daemon) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, _ *http.Request) { d.tell(w, d.table.Load()) })
	mux.HandleFunc("GET /state", d.tellState)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { d.tell(w, d.status()) })
	mux.HandleFunc("GET /sessions", d.sessions)
	mux.HandleFunc("GET /worker", func(w http.ResponseWriter, _ *http.Request) { d.tell(w, os.Getpid()) })
	mux.HandleFunc("POST /upgrade", d.upgrade)
	mux.HandleFunc("POST /kick/{account}", d.kick)
	mux.HandleFunc("GET /frozen", d.tellFrozen)
	mux.HandleFunc("POST /frozen/{name}", d.freeze)
	mux.HandleFunc("DELETE /frozen/{name}", d.freeze)
	mux.HandleFunc("GET /quota", d.quota)
	mux.HandleFunc("GET /quota/{name}", d.quota)
	mux.HandleFunc("POST /scan", d.scan)
	mux.HandleFunc("POST /scan/{name}", d.scan)
	mux.HandleFunc("POST /transfers/{account}/reset", d.resetTransfers)
	mux.HandleFunc("POST /totp/{account}", d.totp)
	mux.HandleFunc("DELETE /totp/{account}", d.totp)
	mux.HandleFunc("POST /password/{account}", d.password)
	mux.HandleFunc("POST /lock/{account}", d.lock)
	mux.HandleFunc("DELETE /lock/{account}", d.lock)
	mux.HandleFunc("GET /keys/{account}", d.keys)
	mux.HandleFunc("POST /keys/{account}", d.keys)
	mux.HandleFunc("DELETE /keys/{account}", d.keys)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: controlPatience, ReadTimeout: controlPatience, WriteTimeout: controlPatience}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(l)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve the control socket: %w", err)
}

// tell answers with JSON.
func (d *daemon) tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		d.log.Warn("answer on the control socket", "error", err)
	}
}

// unwrapped returns err without the URL, which is only a form.
func unwrapped(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if o, ok := errors.AsType[*net.OpError](err); ok {
		err = o.Err // the socket is named already
	}
	return err
}

// ask gets JSON from the daemon that runs by the configuration.
func (e *env) ask(ctx context.Context, method, path string, into any) error {
	socket, err := e.socket()
	if err != nil {
		return err
	}
	return ask(ctx, socket, method, path, nil, into)
}

// send is ask with something to tell the daemon.
func (e *env) send(ctx context.Context, method, path string, body io.Reader, into any) error {
	socket, err := e.socket()
	if err != nil {
		return err
	}
	return ask(ctx, socket, method, path, body, into)
}

// socket returns where the daemon listens that runs by the configuration.
func (e *env) socket() (string, error) {
	c, problems := config.Load(e.config, nil)
	if c.Incomplete {
		return "", (&loaded{config: c, problems: problems}).report(e.stderr)
	}
	return c.Mount.Control.Value, nil
}

// ask gets JSON from the running daemon.
func ask(ctx context.Context, socket, method, path string, body io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(ctx, controlPatience)
	defer cancel()
	answer, err := request(ctx, socket, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	if err := json.NewDecoder(answer).Decode(into); err != nil {
		return &exitError{exitUnavailable, fmt.Errorf("read the daemon's answer: %w", err)}
	}
	return nil
}

// follow passes on what the daemon says line by line, for as long as that lasts.
func (e *env) follow(ctx context.Context, method, path string, line func([]byte) error) error {
	socket, err := e.socket()
	if err != nil {
		return err
	}
	answer, err := request(ctx, socket, method, path, nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	lines := bufio.NewScanner(answer)
	for lines.Scan() {
		if err := line(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return &exitError{exitUnavailable, fmt.Errorf("read the daemon's answer: %w", err)}
	}
	return nil
}

// request asks the running daemon and returns its answer, to be closed. What the
// daemon does not have is exitNoAccount.
func request(ctx context.Context, socket, method, path string, body io.Reader) (io.ReadCloser, error) {
	var d net.Dialer
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", socket) },
	}}
	q, err := http.NewRequestWithContext(ctx, method, "http://grantfs"+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	r, err := client.Do(q)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, &exitError{exitPermission, fmt.Errorf("ask the daemon at %s: needs root", socket)}
		}
		return nil, &exitError{exitUnavailable, fmt.Errorf("the daemon can't be reached at %s: %w; is `grantfs serve` running?", socket, unwrapped(err))}
	}
	if r.StatusCode == http.StatusOK {
		return r.Body, nil
	}
	defer r.Body.Close()
	said, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, &exitError{exitUnavailable, fmt.Errorf("read the daemon's answer: %w", err)}
	}
	switch r.StatusCode {
	case http.StatusNotFound:
		return nil, &exitError{exitNoAccount, errors.New(strings.TrimSpace(string(said)))}
	case http.StatusUnprocessableEntity:
		return nil, &exitError{exitBadData, errors.New(strings.TrimSpace(string(said)))}
	case http.StatusInternalServerError:
		return nil, &exitError{exitFailure, errors.New(strings.TrimSpace(string(said)))}
	case http.StatusServiceUnavailable:
		return nil, &exitError{exitUnavailable, errors.New(strings.TrimSpace(string(said)))}
	}
	return nil, &exitError{exitUnavailable, fmt.Errorf("the daemon answers %s", r.Status)}
}

// accountOf returns the account that a request's path names; false if there is
// none, which has been answered.
func (d *daemon) accountOf(w http.ResponseWriter, r *http.Request) (name string, ok bool) {
	name = r.PathValue("account")
	if _, ok = d.table.Load().Account(name); !ok {
		http.Error(w, "there is no account "+name, http.StatusNotFound)
	}
	return name, ok
}
