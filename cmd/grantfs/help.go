package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// codeTexts say what the exit codes mean; plan's 2 and explain's 1 are answers.
var codeTexts = map[int]string{
	exitOK:          "done",
	exitFailure:     "it failed",
	exitChanges:     "access changes",
	exitUsage:       "the command line can't be read",
	exitBadData:     "the data can't be taken",
	exitNoAccount:   "there is no such account",
	exitUnavailable: "the daemon can't be reached",
	exitPermission:  "not permitted",
	exitConfig:      "the configuration has errors",
}

// help prints what there is.
func help(w io.Writer) {
	fmt.Fprintln(w, "grantfs gives each account a view of its own sites and shared folders.")
	fmt.Fprintln(w)
	for _, c := range commands() {
		if c.hidden {
			continue
		}
		fmt.Fprintf(w, "  grantfs %-52s %s\n", c.usage(), c.summary)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "grantfs help COMMAND says more about one of them.")
}

// helpAbout prints the help about a topic, about everything without one.
func helpAbout(w io.Writer, topics []string) error {
	switch len(topics) {
	case 0:
		help(w)
		return nil
	case 1:
		c, err := find(topics[0])
		if err == nil {
			c.help(w)
		}
		return err
	}
	return usage("usage: grantfs help [COMMAND]")
}

// help prints how c is used.
func (c command) help(w io.Writer) {
	fmt.Fprintf(w, "usage: grantfs %s\n\n%s\n\nFlags:\n", c.usage(), c.summary)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	c.flagSet(&env{}).VisitAll(func(f *flag.Flag) {
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = "-"
		}
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(t, "  %s\t%s\n", strings.TrimSpace(dashes+f.Name+" "+value), text)
	})
	t.Flush()
	fmt.Fprintf(w, "\nExample:\n  grantfs %s\n\nExit codes:\n", c.example)
	codes := append([]int{exitOK, exitUsage}, c.codes...)
	slices.Sort(codes)
	for _, code := range codes {
		text := codeTexts[code]
		if c.name == "explain" {
			text = explainCode(code, text)
		}
		fmt.Fprintf(w, "  %2d  %s\n", code, text)
	}
}

// explainCode returns what a code of explain means, whose answer is a code.
func explainCode(code int, text string) string {
	switch code {
	case exitOK:
		return "allowed"
	case exitFailure:
		return "refused"
	}
	return text
}
