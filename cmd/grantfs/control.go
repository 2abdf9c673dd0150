package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The control socket speaks HTTP, on a socket that only root can open.
const (
	controlMode     = 0o600
	controlPatience = 5 * time.Second
)

// listenControl makes the control socket. Its directory is made root's alone if
// it is missing. The caller holds the lock of the mount point, so that a socket
// that lies there is a dead one.
func listenControl(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the control socket's directory: %w", err)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("listen on %s: another process answers there", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old control socket: %w", err)
	}
	old := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("listen on the control socket: %w", err)
	}
	if err := os.Chmod(path, controlMode); err != nil {
		return nil, errors.Join(fmt.Errorf("close the control socket to others: %w", err), l.Close())
	}
	return l, nil
}

// serveControl answers on l until ctx ends.
func serveControl(ctx context.Context, l net.Listener, d *daemon) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(d.table.Load()); err != nil {
			d.log.Warn("answer on the control socket", "error", err)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: controlPatience, ReadTimeout: controlPatience, WriteTimeout: controlPatience}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(l)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve the control socket: %w", err)
}

// ask gets JSON from the running daemon.
func ask(ctx context.Context, socket, path string, into any) error {
	var d net.Dialer
	client := http.Client{
		Timeout: controlPatience,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", socket) },
		},
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://grantfs"+path, nil)
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	r, err := client.Do(q)
	if err != nil {
		return &exitError{exitUnavailable, fmt.Errorf("the daemon can't be reached at %s: %w", socket, err)}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &exitError{exitUnavailable, fmt.Errorf("read the daemon's answer: %w", err)}
	}
	if r.StatusCode != http.StatusOK {
		return &exitError{exitUnavailable, fmt.Errorf("the daemon answers %s", r.Status)}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}
