package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// upgradePatience is how long the new worker may take to answer.
	upgradePatience = 30 * time.Second
	// upgradeLook is how often it is asked.
	upgradeLook = 50 * time.Millisecond
)

// upgraded is what "grantfs upgrade --json" prints.
type upgraded struct {
	From   versionJSON `json:"from"`
	To     versionJSON `json:"to"`
	Worker int         `json:"worker"` // process that serves; in the daemon's answer the one that leaves
}

// upgrade has the daemon go on as the program that is installed now, and returns when
// that answers. Sessions see a pause.
func upgrade(ctx context.Context, e *env, _ []string) error {
	socket, err := e.socket()
	if err != nil {
		return err
	}
	var u upgraded
	if err := ask(ctx, socket, http.MethodPost, "/upgrade", nil, &u); err != nil {
		return err
	}
	if !e.json {
		if _, err := fmt.Fprintf(e.stdout, "%s -> %s\n", u.From, u.To); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, upgradePatience)
	defer cancel()
	look := time.NewTicker(upgradeLook)
	defer look.Stop()
	for old := u.Worker; u.Worker == old; {
		select {
		case <-ctx.Done():
			return &exitError{exitUnavailable, fmt.Errorf("nobody answers %s after the upgrade; the daemon's log says why, and it tries again and again", upgradePatience)}
		case <-look.C:
		}
		var now int
		if err := ask(ctx, socket, http.MethodGet, "/worker", nil, &now); err == nil {
			u.Worker = now
		}
	}
	if e.json {
		return printJSON(e.stdout, u)
	}
	return nil
}

// upgrade is the daemon's side of it: this worker leaves if the new program can be
// run at all.
func (d *daemon) upgrade(w http.ResponseWriter, r *http.Request) {
	u := upgraded{From: thisVersion(), Worker: os.Getpid()}
	var err error
	if u.To, err = versionOf(r.Context(), d.worker.Program); err != nil {
		d.log.Error("the upgrade is refused, this program goes on", "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.log.Info("upgrade", "from", u.From.String(), "to", u.To.String())
	d.tell(w, u)
	if err := http.NewResponseController(w).Flush(); err != nil {
		d.log.Warn("answer on the control socket", "error", err)
	}
	select {
	case d.leave <- struct{}{}:
	default: // it leaves already
	}
}

// versionOf runs a program that is to be this one's successor, and returns what it
// says of itself.
func versionOf(ctx context.Context, program string) (versionJSON, error) {
	ctx, cancel := context.WithTimeout(ctx, controlPatience/2)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "version", "--json").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	var v versionJSON
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil {
		return v, fmt.Errorf("the new program %s does not even say its version: %w", program, err)
	}
	return v, nil
}
