package main

import (
	"sync"
	"sync/atomic"
	"time"

	"grantfs/integration/credential"
	"grantfs/policy"
)

// revealAlways is the value of aegir.reveal for passwords that are shown for ever.
const revealAlways = "always"

// credentials is what the daemon knows of passwords besides the store.
type credentials struct {
	passwords *credential.Passwords

	mu    sync.Mutex // guards what follows, and the order of tables that are published
	fresh []string   // accounts whose password was replaced since a table was begun
}

// openCredentials gives access to the passwords in the store. What somebody was
// writing when no successor took over is nobody's now.
func (d *daemon) openCredentials() error {
	seal, err := credential.OpenSeal(d.config.Mount.State.Value)
	if err != nil {
		return err
	}
	if d.worker.First {
		if err := d.store.DropDrafts(); err != nil {
			return err
		}
	}
	d.credentials.passwords = credential.NewPasswords(d.store, seal, d.passwordReplaced)
	return nil
}

// files are the files of credentials in views.
func (d *daemon) files() credential.Files {
	return credential.Files{Passwords: d.credentials.passwords, Store: d.store, Clients: &clients{daemon: d}, Log: d.log}
}

// passwordReplaced puts the hash that the store has of an account into force.
func (d *daemon) passwordReplaced(account string) {
	cs := &d.credentials
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.fresh = append(cs.fresh, account)
	if d.table.Load() == nil {
		return // the first one is being made
	}
	d.refreshTable(account)
	d.publishTable()
}

// refreshTable gives an account of the table the hash that the store has. The
// caller holds credentials.mu.
func (d *daemon) refreshTable(account string) {
	c, _, err := d.store.Credential(account)
	if err != nil {
		d.log.Error("put a new password into force", "account", account, "error", err)
		return
	}
	d.table.Store(d.table.Load().WithHash(account, c.Hash))
}

// beginTable is called before a table is made of what the store has, endTable with
// that table: passwords that were replaced in between are in it.
func (d *daemon) beginTable() {
	d.credentials.mu.Lock()
	defer d.credentials.mu.Unlock()
	d.credentials.fresh = nil
}

func (d *daemon) endTable(set func()) {
	d.credentials.mu.Lock()
	defer d.credentials.mu.Unlock()
	set()
	for _, account := range d.credentials.fresh {
		d.refreshTable(account)
	}
	d.credentials.fresh = nil
}

// passwordUsed notes that somebody has logged in with an account's password.
func (d *daemon) passwordUsed(account string) {
	if a, ok := d.table.Load().Account(account); !ok || a.Adopted {
		return
	}
	if err := d.credentials.passwords.Used(account, time.Now(), d.reload.Load().always); err != nil {
		d.log.Error("note that a password is in use", "account", account, "error", err)
	}
}

// clients are the extra accounts of each instance (credential.Clients). A locked
// one has its file too: its password is there for its return.
type clients struct {
	*daemon
	index atomic.Pointer[clientIndex]
}

// clientIndex is the clients of one policy.
type clientIndex struct {
	set *policy.Set
	of  map[string][]string // by instance
}

// Of returns the extra accounts of a main account's instance.
func (c *clients) Of(main string) []string {
	set := c.reload.Load().set
	x := c.index.Load()
	if x == nil || x.set != set {
		x = &clientIndex{set, map[string][]string{}}
		for _, v := range set.Views() {
			if v.Client() != "" && !v.Main() {
				x.of[v.Instance()] = append(x.of[v.Instance()], v.Account())
			}
		}
		c.index.Store(x)
	}
	v, ok := set.View(main)
	if !ok || !v.Main() {
		return nil
	}
	return x.of[v.Instance()]
}

// Client returns the extra account called name of a main account's instance.
func (c *clients) Client(main, name string) (credential.Client, bool) {
	r := c.reload.Load()
	m, ok := r.set.View(main)
	v, found := r.set.View(name)
	a, known := c.table.Load().Account(name)
	if !ok || !found || !known || !m.Main() || v.Main() || v.Client() == "" || v.Instance() != m.Instance() {
		return credential.Client{}, false
	}
	return credential.Client{Strength: strengthOf(v), Always: r.always, Adopted: a.Adopted}, true
}

// strengthOf returns how many bits of entropy a password of the account must have.
func strengthOf(v *policy.View) int64 { return v.Effective().Scalars.PasswordStrength.Value }
