package main

import (
	"time"

	"grantfs/integration/login"
	"grantfs/policy"
)

// shadowFile has the passwords of adopted accounts.
const shadowFile = "/etc/shadow"

// account returns the view by which a login of name is judged. An account that
// has no uid is none: if the host has a user of that name, it is not ours. One
// that is no longer in the policy is ours and has no view.
func (d *daemon) account(name string) (*policy.View, bool) {
	if _, ours := d.table.Load().Account(name); !ours {
		return nil, false
	}
	view, _ := d.reload.Load().set.View(name)
	return view, true
}

// passwordChanged returns when the password of an account was set, the zero Time
// if that is not known.
func (d *daemon) passwordChanged(name string) time.Time {
	if a, _ := d.table.Load().Account(name); a.Adopted {
		changed, err := login.ShadowChanged(shadowFile, name)
		if err != nil {
			d.log.Warn("read how old a password is", "account", name, "error", err)
		}
		return changed
	}
	c, _, err := d.store.Credential(name)
	if err != nil {
		d.log.Warn("read how old a password is", "account", name, "error", err)
	}
	return c.Changed
}
