package main

import (
	"context"
	"flag"
	"fmt"
	"path"
	"strings"
	"text/tabwriter"

	"grantfs/policy"
)

// branchJSON is one directory of "grantfs view --json".
type branchJSON struct {
	Path     string       `json:"path"`
	Kind     string       `json:"kind"`
	Origin   string       `json:"origin"`
	At       *string      `json:"at"`
	Mount    string       `json:"mount"`  // "" for what is no mount
	Source   string       `json:"source"` // "" for what is no mount
	ReadOnly bool         `json:"read_only"`
	Preset   string       `json:"preset"`
	Buckets  []string     `json:"buckets"`
	Verbs    []string     `json:"verbs"`
	Rule     ruleJSON     `json:"rule"`
	Patterns *patternJSON `json:"file_patterns"`
	Frozen   string       `json:"frozen"` // what is frozen and makes it read-only, "" for nothing
	Hidden   bool         `json:"hidden"`
	Children []branchJSON `json:"children"`
}

type patternJSON struct {
	ruleJSON
	Allowed    []string `json:"allowed"`
	Denied     []string `json:"denied"`
	DenyPolicy string   `json:"deny_policy"`
}

// view prints the tree that an account sees, with rights, buckets and origins.
func view(ctx context.Context, e *env, args []string) error {
	v, err := loadView(ctx, e, args[0])
	if err != nil {
		return err
	}
	at := "/"
	if len(args) > 1 {
		at = args[1]
	}
	b, refused, err := v.Tree(at)
	switch {
	case err != nil:
		return usage("%v", err)
	case !refused.Allowed():
		return fmt.Errorf("%s can't get to %s: %s", v.Account(), at, refused.Reason)
	case e.json:
		return printJSON(e.stdout, newBranchJSON(b))
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	if e.long {
		fmt.Fprintln(w, "PATH\tKIND\tVERBS\tRIGHTS FROM\tBUCKETS\tSOURCE\tORIGIN")
	} else {
		fmt.Fprintln(w, "PATH\tVERBS\tFROM")
	}
	e.printBranch(w, b, b.Path, "")
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the view: %w", err)
	}
	return nil
}

func viewFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.BoolVar(&e.long, "long", false, "print kinds, buckets, sources and places too")
}

func newBranchJSON(b *policy.Branch) branchJSON {
	out := branchJSON{
		Path: b.Path, Kind: string(b.Kind), Origin: b.Origin, At: placeJSON(b.At),
		Mount: b.Mount, Source: b.Source, ReadOnly: b.ReadOnly, Preset: b.Preset,
		Buckets: append([]string{}, b.Buckets...), Verbs: b.Verbs.Names(), Rule: newRuleJSON(b.Rule),
		Frozen: b.Frozen, Hidden: b.Hidden, Children: []branchJSON{},
	}
	if p := b.Pattern; p != nil {
		out.Patterns = &patternJSON{newRuleJSON(p.Rule), append([]string{}, p.Allowed...), append([]string{}, p.Denied...), "deny"}
		if p.Hide {
			out.Patterns.DenyPolicy = "hide"
		}
	}
	for _, c := range b.Children {
		out.Children = append(out.Children, newBranchJSON(c))
	}
	return out
}

// printBranch prints b as name, and what is below it; indent is what stands before
// the lines below it.
func (e *env) printBranch(w *tabwriter.Writer, b *policy.Branch, name, indent string) {
	p := b.Pattern
	if p != nil && p.Path != b.Path && indent != "" {
		p = nil // said above
	}
	if e.long {
		printLong(w, b, p, name, indent)
	} else {
		printShort(w, b, p, name, indent)
	}
	for i, c := range b.Children {
		branch, below := "├─ ", "│  "
		if i == len(b.Children)-1 {
			branch, below = "└─ ", "   "
		}
		e.printBranch(w, c, indent+branch+path.Base(c.Path), indent+below)
	}
}

// printShort prints one directory, and the patterns p that begin there, within
// the width of a terminal.
func printShort(w *tabwriter.Writer, b *policy.Branch, p *policy.Pattern, name, indent string) {
	fmt.Fprintf(w, "%s\t%s\t%s\n", name, shortVerbs(b.Verbs), branchOrigin(b))
	if p != nil {
		fmt.Fprintf(w, "%s\t%s\t%s\n", indent+"  ", patternText(p), p.Origin)
	}
}

// shortVerbs is verbText in fewer letters, where most verbs are there.
func shortVerbs(v policy.Verbs) string {
	if v == policy.VerbList|policy.VerbDownload {
		return "read-only"
	}
	text := verbText(v)
	if lacking := policy.VerbAll &^ v; lacking != 0 {
		if less := "* but " + verbText(lacking); len(less) < len(text) {
			return less
		}
	}
	return text
}

// branchOrigin says what brings a directory into the view.
func branchOrigin(b *policy.Branch) string {
	var out string
	switch b.Kind {
	case policy.BranchSynthetic, policy.BranchUsers, policy.BranchKeys:
		return string(b.Kind)
	case policy.BranchSite:
		out = b.Origin
		if b.Preset != "" {
			out += ", " + b.Preset
		}
	case policy.BranchHome, policy.BranchFolder:
		out = b.Mount + " by " + b.Origin
	default:
		if out = b.Rule.Origin; b.Rule.Path != b.Path {
			out = ""
		}
	}
	if b.Frozen != "" {
		out += ", frozen"
	}
	if b.Hidden {
		out += ", hidden"
	}
	return strings.TrimPrefix(out, ", ")
}

// printLong prints all of one directory, and the patterns p that begin there.
func printLong(w *tabwriter.Writer, b *policy.Branch, p *policy.Pattern, name, indent string) {
	kind := string(b.Kind)
	if b.Preset != "" {
		kind += ", preset " + b.Preset
	}
	if b.ReadOnly {
		kind += ", read-only"
	}
	if b.Frozen != "" {
		kind += ", frozen (" + b.Frozen + ")"
	}
	if b.Hidden {
		kind += ", hidden"
	}
	origin := b.Origin
	if !b.At.IsZero() {
		origin += " at " + placeText(b.At)
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, kind, verbText(b.Verbs), ruleText(b.Rule),
		dash(strings.Join(b.Buckets, " ")), dash(b.Source), origin)
	if p != nil {
		fmt.Fprintf(w, "%s\t\t%s\t\t\t\t%s\n", indent+"  ", patternText(p), ruleText(p.Rule))
	}
}

func patternText(p *policy.Pattern) string {
	var list []string
	if len(p.Allowed) > 0 {
		list = append(list, "only "+strings.Join(p.Allowed, " "))
	}
	if len(p.Denied) > 0 {
		word := "not "
		if p.Hide {
			word = "hides "
		}
		list = append(list, word+strings.Join(p.Denied, " "))
	}
	return strings.Join(list, ", ")
}
