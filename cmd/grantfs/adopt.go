package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"grantfs/config/aegir"
	"grantfs/fs/adopt"
	"grantfs/policy"
)

// adoption is one run of adopt. With --json it is what it prints.
type adoption struct {
	env     *env
	bar     *progress
	users   hostUsers
	DryRun  bool           `json:"dry_run"`
	Changed []adopt.Change `json:"changed"`
	Skipped []skipped      `json:"skipped"`
}

// skipped is what is left as it is, although it is a stranger's.
type skipped struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// adoptFiles gives what BOA's accounts have left behind in sites to the sites'
// owners, as if it had been made through a view (product.md §8).
func adoptFiles(ctx context.Context, e *env, args []string) error {
	if err := needRoot("adopt"); err != nil {
		return err
	}
	l, err := load(e.config)
	if err != nil {
		return err
	}
	if l.set == nil {
		return l.report(e.stderr)
	}
	instances, err := chosen(l, args)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	bar := newProgress(e.stderr, "looked at", 0)
	defer bar.close()
	a := &adoption{env: e, bar: bar, users: l.users, DryRun: e.dryRun, Changed: []adopt.Change{}, Skipped: []skipped{}}
	for _, inst := range instances {
		for _, site := range inst.Sites {
			a.site(ctx, inst.Name, site)
		}
	}
	bar.close()
	if e.json {
		if err := printJSON(e.stdout, a); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stderr, "%d changed, %d left\n", len(a.Changed), len(a.Skipped))
	if ctx.Err() != nil {
		return errInterrupted
	}
	if len(a.Skipped) > 0 {
		return &exitError{exitFailure, nil}
	}
	return nil
}

// chosen returns the instances with those sites that args name: of one instance, of
// one account, or all. No other place can be named.
func chosen(l *loaded, args []string) ([]aegir.Instance, error) {
	if len(args) == 0 {
		return l.found.Instances, nil
	}
	for _, inst := range l.found.Instances {
		if inst.Name == args[0] || inst.Dir == strings.TrimSuffix(args[0], "/") {
			return []aegir.Instance{inst}, nil
		}
	}
	view, ok := l.set.View(args[0])
	if !ok {
		return nil, &exitError{exitNoAccount, fmt.Errorf("%s is no account and no instance", args[0])}
	}
	var list []aegir.Instance
	for _, inst := range l.found.Instances {
		inst.Sites = slices.DeleteFunc(slices.Clone(inst.Sites), func(s aegir.Site) bool {
			return !slices.ContainsFunc(view.Sites(), func(v *policy.Site) bool { return v.Instance == inst.Name && v.URI == s.URI })
		})
		list = append(list, inst)
	}
	return list, nil
}

// site goes through a site, and through the stores that its links lead to.
func (a *adoption) site(ctx context.Context, instance string, s aegir.Site) {
	if s.Missing || ctx.Err() != nil {
		return
	}
	info, err := os.Lstat(s.Source)
	if err != nil {
		a.skip(s.Source, err)
		return
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	stranger := func(uid uint32) bool { return uid != owner && a.stranger(instance, uid) }
	if a.stranger(instance, owner) {
		a.skip(s.Source, fmt.Errorf("the site itself belongs to %d: nobody knows whose it shall be", owner))
		return
	}
	dirs := []string{s.Source}
	for _, store := range s.Stores {
		target, err := os.Readlink(s.Source + "/" + store.Name)
		if err == nil && strings.TrimSuffix(target, "/") == store.Path {
			dirs = append(dirs, resolved(store.Path))
		}
	}
	for _, dir := range dirs {
		err := adopt.Tree(ctx, dir, adopt.Options{Owner: owner, Stranger: stranger, DryRun: a.DryRun, Changed: a.change, Skipped: a.skip, Looked: a.bar.step})
		if err != nil && ctx.Err() == nil {
			a.skip(dir, err)
		}
	}
}

// stranger reports whether uid is that of a client's account of an instance, or of one that
// BOA has removed: it is nobody's. The backend, the main account and PHP are none.
func (a *adoption) stranger(instance string, uid uint32) bool {
	const firstUserID = 1000 // those below are the system's
	name, known := a.users.UIDName(uid)
	if uid < firstUserID || !known {
		return uid >= firstUserID
	}
	part, ok := strings.CutPrefix(name, instance+".")
	return ok && part != "ftp" && part != "web" && !strings.HasSuffix(part, ".web")
}

func (a *adoption) change(c adopt.Change) {
	a.Changed = append(a.Changed, c)
	if !a.env.json {
		a.bar.clear()
		fmt.Fprintf(a.env.stdout, "%d:%d %04o -> %d:%d %04o %s\n", c.UID, c.GID, c.Mode, c.ToUID, c.ToGID, c.ToMode, c.Path)
	}
}

func (a *adoption) skip(path string, why error) {
	a.Skipped = append(a.Skipped, skipped{path, why.Error()})
	if !a.env.json {
		a.bar.clear()
		fmt.Fprintf(a.env.stderr, "left as it is: %s: %v\n", path, why)
	}
}
