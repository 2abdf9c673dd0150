package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"grantfs/config"
	"grantfs/integration/doctor"
	"grantfs/policy"
)

// manPages are the templates of the manual pages, in mdoc(7). What is in a table of
// the program is taken from there: they hold the prose between.
//
//go:embed man/*.tmpl
var manPages embed.FS

// manSections are the pages by the section that asks for them.
var manSections = map[string]string{"1": "grantfs.1", "5": "grantfs.toml.5", "7": "grantfs-policy.7"}

// man prints a page of the manual.
func man(_ context.Context, e *env, args []string) error {
	name, ok := manSections[args[0]]
	if !ok {
		return usage("no manual page in section %q: 1, 5 or 7", args[0])
	}
	funcs := template.FuncMap{
		"groups": helpGroups, "roff": roff, "quote": roffQuote,
		"tables": manTables, "checks": doctor.Checks, "defaultConfig": func() string { return defaultConfig },
		"verbs": manVerbs, "ops": manOps, "reasons": policy.Reasons, "admitReasons": policy.AdmitReasons, "aliases": policy.VerbAliases,
	}
	page, err := template.New(name+".tmpl").Funcs(funcs).ParseFS(manPages, "man/"+name+".tmpl")
	if err != nil {
		return fmt.Errorf("read the manual page: %w", err)
	}
	if err := page.Execute(e.stdout, nil); err != nil {
		return fmt.Errorf("print the manual page: %w", err)
	}
	return nil
}

// sentence finds where one begins: on a line of its own, that troff gets it right.
var sentence = regexp.MustCompile(`\. ([A-Z])`)

// roff returns text as it stands in a page: nothing in it is a request, and what
// must be typed can be copied.
func roff(text string) string {
	text = sentence.ReplaceAllString(text, ".\n$1")
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}

// roffQuote returns text as one argument of a request, without the end of what no
// line can hold.
func roffQuote(text string) string {
	const longest = 60
	if len(text) > longest && !strings.Contains(text, " ") {
		text = text[:longest] + "…"
	}
	return `"` + strings.ReplaceAll(roff(text), `"`, `""`) + `"`
}

// manVerb is a permission and the operations that it is for.
type manVerb struct {
	Name string
	Of   []string // the verbs that it stands for, where it is not one itself
	Ops  []string
}

func manVerbs() []manVerb {
	var list []manVerb
	for _, name := range policy.VerbNames() {
		verbs, _ := policy.ParseVerb(name)
		v := manVerb{Name: name}
		if names := verbs.Names(); name != "*" && !slices.Contains(names, name) || len(strings.Split(verbs.String(), ",")) > 1 {
			v.Of = strings.Split(verbs.String(), ",")
		}
		for _, op := range policy.Ops() {
			if needs := op.Needs(); needs != policy.VerbAny && needs&verbs != 0 && name != "*" {
				v.Ops = append(v.Ops, op.String())
			}
		}
		list = append(list, v)
	}
	return list
}

// manOp is an operation and what it needs.
type manOp struct {
	Name    string
	Needs   string
	Charges bool
	Audited bool
}

func manOps() []manOp {
	var list []manOp
	for _, op := range policy.Ops() {
		o := manOp{Name: op.String(), Charges: op.Charges(), Audited: op.Audited()}
		switch needs := op.Needs(); {
		case op.Never():
			o.Needs = "refused to everybody"
		case needs == policy.VerbAny:
			o.Needs = "any verb"
		default:
			o.Needs = strings.ReplaceAll(needs.String(), ",", " or ")
		}
		list = append(list, o)
	}
	return list
}

// manTable is a table of the configuration as grantfs.toml(5) shows it.
type manTable struct {
	config.Documented
	Keys []manKey
}

// manKey is a key of a table.
type manKey struct {
	config.DocumentedKey
	Default     string // also where it is the policy's affair
	Inheritance string
}

func manTables() []manTable {
	var list []manTable
	for _, t := range config.Documentation() {
		m := manTable{Documented: t}
		for _, k := range t.Keys {
			key := manKey{DocumentedKey: k, Default: k.Default}
			if v := policy.Default(k.Name); v != nil && t.Settings {
				key.Default = fmt.Sprint(v)
			}
			if t.Settings {
				key.Inheritance = policy.Inherits(k.Name).Text()
			}
			m.Keys = append(m.Keys, key)
		}
		list = append(list, m)
	}
	return list
}

// flagText is a flag as it is written, and what it does.
type flagText struct{ Usage, Text string }

// Name returns the name of c.
func (c command) Name() string { return c.name }

// Summary returns what c does, in a line.
func (c command) Summary() string { return c.summary }

// Example returns a command line of c, without "grantfs".
func (c command) Example() string { return c.example }

// Flags returns the flags of c, by name.
func (c command) Flags() []flagText {
	var list []flagText
	c.flagSet(&env{}).VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = "-"
		}
		list = append(list, flagText{strings.TrimSpace(dashes + f.Name + " " + value), text})
	})
	return list
}
