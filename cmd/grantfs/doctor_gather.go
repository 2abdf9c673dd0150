package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"grantfs/integration/account"
	"grantfs/integration/doctor"
	"grantfs/integration/status"
)

// gatherPatience is how long anything of the host may take to be looked at: what
// hangs is a finding, and must not hang us.
const gatherPatience = 10 * time.Second

// tidyPatience is how long a look may take to end after that.
const tidyPatience = time.Second

// gatherer looks at the host for one group of checks. What is left behind because
// it hangs must not touch the facts of others: a look returns how to add its own.
type gatherer func(context.Context, *patient) (add func(*doctor.Facts), err error)

// gatherers are what there is to look at, by group.
var gatherers = map[string]gatherer{
	"kernel":  lookAtKernel,
	"config":  lookAtSettings,
	"daemon":  lookAtDaemon,
	"mount":   lookAtMount,
	"sources": lookAtBackings,
	"names":   lookAtNames,
	"pam":     lookAtPAM,
	"sshd":    lookAtSSHD,
	"vsftpd":  lookAtVSFTPD,
	"systemd": lookAtSystemd,
	"limits":  lookAtLimits,
}

// alsoNeeded are the groups that a group's findings go by besides.
var alsoNeeded = map[string][]string{
	"daemon": {"systemd"},
	"mount":  {"daemon", "systemd"},
	"sshd":   {"mount"},
}

// patient is what several looks want to know, found out once.
type patient struct {
	loaded   func() (*loaded, error)
	daemon   func() (status.Status, error)
	accounts func() ([]account.Account, error)
}

func newPatient(ctx context.Context, e *env) *patient {
	p := &patient{loaded: sync.OnceValues(func() (*loaded, error) { return load(e.config) })}
	p.daemon = sync.OnceValues(func() (s status.Status, err error) {
		err = p.ask(ctx, "/status", &s)
		return s, err
	})
	p.accounts = sync.OnceValues(func() (list []account.Account, err error) {
		err = p.ask(ctx, "/accounts", &list)
		return list, err
	})
	return p
}

// ask asks the daemon, also where the configuration has errors by now.
func (p *patient) ask(ctx context.Context, path string, into any) error {
	l, err := p.loaded()
	if err != nil {
		return err
	}
	return ask(ctx, l.config.Mount.Control.Value, http.MethodGet, path, nil, into)
}

// point returns the mount point.
func (p *patient) point() (string, error) {
	l, err := p.loaded()
	if err != nil {
		return "", err
	}
	return l.point, nil
}

// account returns an account that names are tried with: one that is ours and may
// log in, "" for none.
func (p *patient) account() account.Account {
	list, _ := p.accounts() // that nobody answers is a finding of its own
	i := slices.IndexFunc(list, func(a account.Account) bool { return !a.Locked && !a.Adopted })
	if i < 0 {
		return account.Account{}
	}
	return list[i]
}

// gatherFacts looks at everything that groups need, all at once.
func gatherFacts(ctx context.Context, e *env, groups []string) *doctor.Facts {
	ctx, cancel := context.WithTimeout(ctx, gatherPatience)
	defer cancel()
	wanted := map[string]bool{}
	for _, g := range groups {
		wanted[g] = true
		for _, other := range alsoNeeded[g] {
			wanted[other] = true
			for _, third := range alsoNeeded[other] {
				wanted[third] = true
			}
		}
	}
	type look struct {
		group string
		add   func(*doctor.Facts)
		err   error
	}
	p := newPatient(ctx, e)
	looks := make(chan look, len(wanted)) // nobody waits for who comes late
	for group := range wanted {
		go func() {
			add, err := gatherers[group](ctx, p)
			looks <- look{group, add, err}
		}()
	}
	facts := &doctor.Facts{Now: time.Now(), Unknown: map[string]string{}}
	if e.configSet {
		facts.Config = e.config
	}
	bar := newProgress(e.stderr, "looking at", len(wanted))
	defer bar.close()
	ended := ctx.Done()
	var late <-chan time.Time
	for len(wanted) > 0 {
		select {
		case l := <-looks:
			delete(wanted, l.group)
			bar.step(1)
			if l.err != nil {
				facts.Unknown[l.group] = l.err.Error()
			} else {
				l.add(facts)
			}
		case <-ended: // programs are killed, and looks take back what they made
			ended, late = nil, time.After(tidyPatience)
		case <-late:
			for group := range wanted {
				facts.Unknown[group] = fmt.Sprintf("it took longer than %s", gatherPatience)
			}
			return facts
		}
	}
	return facts
}
