package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"grantfs/fs"
	"grantfs/integration/status"
	"grantfs/policy"
)

// freeze makes an account or a site read-only at once; thaw takes that back. Without
// an argument it lists what is frozen.
func freeze(ctx context.Context, e *env, args []string) error {
	if len(args) == 0 {
		return e.changeFrozen(ctx, http.MethodGet, "/frozen")
	}
	return e.changeFrozen(ctx, http.MethodPost, "/frozen/"+url.PathEscape(args[0]))
}

func thaw(ctx context.Context, e *env, args []string) error {
	return e.changeFrozen(ctx, http.MethodDelete, "/frozen/"+url.PathEscape(args[0]))
}

func (e *env) changeFrozen(ctx context.Context, method, path string) error {
	var list []status.Frozen
	if err := e.ask(ctx, method, path, &list); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, list)
	}
	for _, f := range list {
		if _, err := fmt.Fprintf(e.stdout, "%s is frozen since %s\n", f.Name, f.Since.Local().Format(time.DateTime)); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// asFrozen returns set with what the running daemon has frozen, if one runs and
// says so: what else is to be known needs none.
func (e *env) asFrozen(ctx context.Context, set *policy.Set) *policy.Set {
	var list []status.Frozen
	if e.ask(ctx, http.MethodGet, "/frozen", &list) != nil || len(list) == 0 {
		return set
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	return set.Freeze(names)
}

// tellFrozen answers with what is frozen.
func (d *daemon) tellFrozen(w http.ResponseWriter, _ *http.Request) {
	list, err := d.frozen()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.tell(w, list)
}

// frozen returns what is frozen, sorted by name.
func (d *daemon) frozen() ([]status.Frozen, error) {
	frozen, err := d.store.Frozen()
	list := []status.Frozen{}
	for _, name := range slices.Sorted(maps.Keys(frozen)) {
		list = append(list, status.Frozen{Name: name, Since: frozen[name]})
	}
	return list, err
}

// freeze is the daemon's side of freeze and thaw. It answers when they are on disk
// and in force, and nobody writes past the daemon any more.
func (d *daemon) freeze(w http.ResponseWriter, r *http.Request) {
	name, err := d.setFrozen(r.PathValue("name"), r.Method == http.MethodPost)
	switch {
	case errors.Is(err, errNotFreezable):
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.log.Warn("frozen or thawed", "name", name, "frozen", r.Method == http.MethodPost)
	if err := d.endRevoked(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.tellFrozen(w, r)
}

// errNotFreezable is in the chain of errors about a name that means nothing, or
// too much.
var errNotFreezable = errors.New("is no account and no site")

// setFrozen freezes or thaws what is called name, and returns its full name.
func (d *daemon) setFrozen(name string, on bool) (string, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	frozen, err := d.store.Frozen()
	if err != nil {
		return "", err
	}
	last := d.reload.Load()
	meant := last.set.Freezable(name)
	if !on {
		for full := range frozen { // what it names may be gone
			if full == name && !slices.Contains(meant, full) {
				meant = append(meant, full)
			}
		}
		meant = slices.DeleteFunc(meant, func(full string) bool { return frozen[full].IsZero() })
	}
	switch {
	case len(meant) == 0 && !on:
		return "", fmt.Errorf("%s %w that is frozen", name, errNotFreezable)
	case len(meant) == 0:
		return "", fmt.Errorf("%s %w", name, errNotFreezable)
	case len(meant) > 1:
		return "", fmt.Errorf("%s %w alone: say which of %s", name, errNotFreezable, strings.Join(meant, ", "))
	}
	if on {
		err = d.store.Freeze(meant[0], time.Now())
		frozen[meant[0]] = time.Now()
	} else {
		err = d.store.Thaw(meant[0])
		delete(frozen, meant[0])
	}
	if err != nil {
		return "", err
	}
	next := *last
	next.set = last.set.Freeze(slices.Collect(maps.Keys(frozen)))
	d.reload.Store(&next)
	if err := d.fs.Swap(fs.Policy{Set: next.set, IDs: next.ids}); err != nil {
		d.log.Error("tell the kernel of the new policy", "error", err)
	}
	return meant[0], nil
}

// withFrozen returns set with what is frozen.
func (d *daemon) withFrozen(set *policy.Set) (*policy.Set, error) {
	frozen, err := d.store.Frozen()
	if err != nil || len(frozen) == 0 {
		return set, err
	}
	return set.Freeze(slices.Collect(maps.Keys(frozen))), nil
}
