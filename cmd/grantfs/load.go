package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"grantfs/config"
	"grantfs/config/aegir"
	"grantfs/integration/account"
	"grantfs/policy"
)

// The host's own users and groups, read as files and never through NSS: the
// answers there are partly ours.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

// loaded is a configuration with all that follows from it and from the host.
type loaded struct {
	config   *config.Config
	users    hostUsers
	found    aegir.Found
	set      *policy.Set // nil if there are errors
	problems []policy.Problem
	host     []policy.Problem // accounts that this host has no room for; they are in problems too
	merged   int              // problems of putting configuration and hosts together
	point    string           // the mount point, with the links in it resolved
	stale    bool             // it is what was accepted last, not what the files say now
}

// hostUsers answers what integration/account asks of the host's files.
type hostUsers struct{ *config.UserFiles }

// UIDName returns the first user that has uid.
func (u hostUsers) UIDName(uid uint32) (string, bool) {
	user, ok := u.ByUID(uid)
	return user.Name, ok
}

// reading returns a configuration, and what is wrong with it.
type reading func(config.Users) (*config.Config, []policy.Problem)

// read reads the configuration at path.
func read(path string) reading {
	return func(users config.Users) (*config.Config, []policy.Problem) { return config.Load(path, users) }
}

// load reads the configuration and the hosts it names, and compiles the policy.
// What is wrong with them is in the problems; the error is about this machine.
func load(path string) (*loaded, error) { return new(loader).load(read(path)) }

// loader loads again and again, and remembers what saves work the next time. It is
// not safe for concurrent use.
type loader struct {
	scanner  aegir.Scanner
	resolver resolver
	// appeared says since when accounts are known; nil: nobody knows.
	appeared func(accounts []string) (map[string]time.Time, error)
}

func (ld *loader) load(read reading) (*loaded, error) {
	l, err := ld.look(read)
	if err == nil {
		err = ld.compile(l)
	}
	return l, err
}

// look reads the configuration and looks at the hosts it names.
func (ld *loader) look(read reading) (*loaded, error) {
	users, err := config.LoadUsers(passwdFile, groupFile)
	if err != nil {
		return nil, fmt.Errorf("read the host's users: %w", err)
	}
	l := &loaded{users: hostUsers{users}}
	l.config, l.problems = read(users)
	l.found = ld.scanner.Discover(l.config.Aegir.Instances, aegir.Options{
		RequireClientLink: l.config.Aegir.RequireClientLink.Value,
	}, time.Now())
	l.problems = append(l.problems, l.found.Problems...)
	return l, nil
}

// compile makes the policy of what was read.
func (ld *loader) compile(l *loaded) error {
	in, merged := l.found.Merge(l.config.Policy, l.config.Aegir)
	l.merged = len(merged)
	l.problems = append(l.problems, merged...)
	l.point = resolved(l.config.Mount.Point.Value)
	in.Point = l.point
	in.Groups = slices.Clone(in.Groups) // the configuration may be compiled again
	markReferenced(&in, l.config.Aegir)
	ld.resolver.sources(&in, l.found.Snapshot)
	if err := ld.dateAccounts(in.Accounts); err != nil {
		return err
	}
	set, compiled := policy.Compile(in)
	if l.config.Incomplete {
		// A file that ends in a syntax error: what is missing may stand behind it.
		compiled = nil
	}
	l.problems = append(l.problems, compiled...)
	if !policy.HasErrors(l.problems) {
		l.set = set
	}
	// An account that the host has no room for is an error for that account
	// alone (product.md §10): the others are served.
	l.host = account.Check(account.Named(in.Accounts), l.users)
	l.problems = append(l.problems, l.host...)
	l.config.SortProblems(l.problems)
	return nil
}

// dateAccounts says of discovered accounts when they were made: when they first
// appeared (product.md §4).
func (ld *loader) dateAccounts(accounts []policy.Account) error {
	if ld.appeared == nil {
		return nil
	}
	var names []string
	for i := range accounts {
		if accounts[i].Discovered {
			names = append(names, accounts[i].Name)
		}
	}
	since, err := ld.appeared(names)
	if err != nil {
		return err
	}
	for i := range accounts {
		a := &accounts[i]
		if t, ok := since[a.Name]; ok && !a.CreatedAt.Set {
			a.CreatedAt = policy.Setting[time.Time]{Value: t, At: a.At, Set: true}
		}
	}
	return nil
}

// markReferenced notes which groups the discovered accounts will have, also
// while there is none.
func markReferenced(in *policy.Input, a config.Aegir) {
	names := []string{a.ClientPrimaryGroup.Value, a.MainPrimaryGroup.Value}
	for _, g := range a.ClientSecondaryGroups {
		names = append(names, g.Value)
	}
	for i := range in.Groups {
		in.Groups[i].Referenced = slices.Contains(names, in.Groups[i].Name)
	}
}

// remark adds what is right but most likely not meant.
func (l *loaded) remark(now time.Time) {
	if l.set != nil {
		l.problems = append(l.problems, l.set.Remarks(now)...)
		l.config.SortProblems(l.problems)
	}
}

// checkPoint finds a mount point that is no directory. It is not for the daemon
// that has mounted it: that never asks itself.
func (l *loaded) checkPoint() {
	p := l.config.Mount.Point
	info, err := os.Stat(l.point)
	if err != nil || info.IsDir() {
		return // missing: it will be made; not connected: it will be mended
	}
	at := p.At
	if at.IsZero() { // the default
		at.File = l.config.Path
	}
	l.problems = append(l.problems, policy.Problem{At: at, Text: fmt.Sprintf("mount.point: %s is not a directory", p.Value)})
	l.config.SortProblems(l.problems)
	l.set = nil
}

// print prints problems, one a line.
func (l *loaded) print(w io.Writer) error {
	for _, p := range l.problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return fmt.Errorf("print problems: %w", err)
		}
	}
	return nil
}

// report prints problems, one a line, and returns the error that ends the
// command if there is no policy for them.
func (l *loaded) report(w io.Writer) error {
	if err := l.print(w); err != nil {
		return err
	}
	if l.set == nil {
		return l.failure()
	}
	return nil
}

// failure is the error that ends a command whose configuration is no good, once
// the problems are shown.
func (l *loaded) failure() error {
	if l.config.Forbidden {
		return &exitError{exitPermission, nil}
	}
	return &exitError{exitConfig, nil}
}
