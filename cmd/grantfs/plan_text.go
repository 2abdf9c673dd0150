package main

import (
	"bytes"
	"fmt"
	"strings"

	"grantfs/policy"
)

// maxAccounts is how many accounts of one change are named.
const maxAccounts = 10

// signs tell apart what is gained, lost and another.
var signs = map[string]string{"gained": "+", "lost": "-", "changed": "~"}

// printGroups prints changes, those of several accounts that are alike but for the
// account's name together, where the first of them would stand.
func printGroups(b *bytes.Buffer, list []policy.Change) {
	type group struct {
		sign     string
		accounts []*policy.Change
	}
	var groups []*group
	byText := map[string]*group{}
	for i := range list {
		c := &list[i]
		var body bytes.Buffer
		printChange(&body, c, "%username%")
		sign := signs[changeWord(c.Gained, c.Lost)]
		key := sign + body.String()
		if byText[key] == nil {
			byText[key] = &group{sign: sign}
			groups = append(groups, byText[key])
		}
		byText[key].accounts = append(byText[key].accounts, c)
	}
	for _, g := range groups {
		first := g.accounts[0]
		if len(g.accounts) == 1 {
			fmt.Fprintf(b, "%s account %s\n", g.sign, first.Account)
			printChange(b, first, first.Account)
			continue
		}
		var names []string
		for _, c := range g.accounts[:min(len(g.accounts), maxAccounts)] {
			names = append(names, c.Account)
		}
		if len(g.accounts) > maxAccounts {
			names = append(names, "…")
		}
		fmt.Fprintf(b, "%s %d accounts: %s\n", g.sign, len(g.accounts), strings.Join(names, ", "))
		printChange(b, first, "%username%")
	}
}

// printChange prints what changes for one account, with name for its own: what
// it gains after "+", what it loses after "-", what is another after "~".
func printChange(b *bytes.Buffer, c *policy.Change, name string) {
	named := func(text string) string { return renamed(text, c.Account, name) }
	for i := range c.Mounts {
		m := &c.Mounts[i]
		switch {
		case m.Old == nil:
			fmt.Fprintf(b, "    + mount %s: %s\n", m.Path, named(backingText(m.New)))
		case m.New == nil:
			fmt.Fprintf(b, "    - mount %s: %s\n", m.Path, named(backingText(m.Old)))
		default:
			fmt.Fprintf(b, "    ~ mount %s: %s -> %s\n", m.Path, named(backingText(m.Old)), named(backingText(m.New)))
		}
		for _, r := range m.Rights {
			where := "in"
			if r.Names {
				where = "on names"
			}
			fmt.Fprintf(b, "        %s %s: %s -> %s\n", where, r.Path, verbText(r.Old), verbText(r.New))
		}
	}
	printVerbs(b, c.Verbs)
	for _, l := range c.Limits {
		at := ""
		if l.Path != "" {
			at = " of " + l.Path
		}
		fmt.Fprintf(b, "    ~ %s%s: %s -> %s\n", l.Key, at, named(limitText(l.Key, l.Old)), named(limitText(l.Key, l.New)))
	}
}

// printVerbs prints changes of rights, those that are alike together.
func printVerbs(b *bytes.Buffer, list []policy.VerbChange) {
	var heads []string
	paths := map[string][]string{}
	note := func(sign string, v policy.Verbs, c policy.VerbChange) {
		if v == 0 {
			return
		}
		where := "in"
		if c.Names {
			where = "on names"
		}
		head := fmt.Sprintf("%s %s %s", sign, verbText(v), where)
		if paths[head] == nil {
			heads = append(heads, head)
		}
		paths[head] = append(paths[head], c.Path)
	}
	for _, c := range list {
		note("+", c.Gained, c)
		note("-", c.Lost, c)
	}
	for _, head := range heads {
		fmt.Fprintf(b, "    %s %s\n", head, strings.Join(paths[head], "\n        "))
	}
}

// backingText names what lies at a path.
func backingText(b *policy.Backing) string {
	if b.Root {
		return b.Mount + " from " + b.Source
	}
	if b.Mount == "home" {
		return "part of the home, " + b.Source
	}
	return "part of " + b.Mount + ", " + b.Source
}

// renamed returns text with to for each word, between the separators of paths,
// buckets and lists, that is from.
func renamed(text, from, to string) string {
	if from == to {
		return text
	}
	var out, word strings.Builder
	flush := func() {
		if word.String() == from {
			out.WriteString(to)
		} else {
			out.WriteString(word.String())
		}
		word.Reset()
	}
	for _, r := range text {
		if strings.ContainsRune(`/:, "[]`, r) {
			flush()
			out.WriteRune(r)
			continue
		}
		word.WriteRune(r)
	}
	flush()
	return out.String()
}
