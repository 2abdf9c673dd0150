package main

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"grantfs/fs"
	"grantfs/policy"
)

// lockedAnswer is what "grantfs account lock|unlock --json" prints.
type lockedAnswer struct {
	Locked bool   `json:"locked"` // by the admin
	Why    string `json:"why,omitempty"`
}

// lockAccount locks an account, with a reason for the log, or takes that back.
func lockAccount(ctx context.Context, e *env, method, account string, why []string) error {
	var answer lockedAnswer
	if err := e.send(ctx, method, "/lock/"+url.PathEscape(account), strings.NewReader(strings.Join(why, " ")), &answer); err != nil {
		return err
	}
	if e.json {
		return printJSON(e.stdout, answer)
	}
	return nil
}

// lock is the daemon's side of it. It answers when the lock is on disk and in force;
// the account's sessions are being ended then.
func (d *daemon) lock(w http.ResponseWriter, r *http.Request) {
	name, ok := d.accountOf(w, r)
	if !ok {
		return
	}
	why, ok := readBody(w, r, 1<<10)
	if !ok {
		return
	}
	on := r.Method == http.MethodPost
	if err := d.setLocked(name, strings.TrimSpace(string(why)), on); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.log.Warn("locked or unlocked", "account", name, "locked", on, "why", strings.TrimSpace(string(why)))
	if err := d.endRevoked(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	d.tell(w, lockedAnswer{on, strings.TrimSpace(string(why))})
}

// setLocked locks or unlocks an account: in the store, in the policy, in the file
// system, for the user database and for its sessions, in this order.
func (d *daemon) setLocked(account, why string, on bool) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	change := func() error { return d.store.Unlock(account) }
	if on {
		change = func() error { return d.store.Lock(account, why) }
	}
	if err := change(); err != nil {
		return err
	}
	locked, err := d.store.Locked()
	if err != nil {
		return err
	}
	next := *d.reload.Load()
	next.set, next.ids = next.set.Lock(locked), maps.Clone(next.ids)
	delete(next.ids, account)
	v, inPolicy := next.set.View(account)
	if a, hasUID := d.table.Load().Account(account); inPolicy && hasUID {
		if v.Enabled() {
			next.ids[account] = policy.IDs{UID: a.UID, GID: a.GID}
		}
		d.endTable(func() { d.table.Store(d.table.Load().WithLock(account, !v.Enabled(), v.WhyDisabled())) })
	}
	next.accounts = len(next.ids)
	d.reload.Store(&next)
	if err := d.fs.Swap(fs.Policy{Set: next.set, IDs: next.ids}); err != nil {
		d.log.Error("tell the kernel of the new policy", "error", err)
	}
	d.publishUsers()
	d.login.Recheck(time.Now())
	return nil
}

// withLocked returns set with who is locked.
func (d *daemon) withLocked(set *policy.Set) (*policy.Set, error) {
	locked, err := d.store.Locked()
	if err != nil || len(locked) == 0 {
		return set, err
	}
	return set.Lock(locked), nil
}
