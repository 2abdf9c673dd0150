package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// codeTexts say what the exit codes mean.
var codeTexts = map[int]string{
	exitOK:          "done",
	exitFailure:     "it failed",
	exitChanges:     "access changes",
	exitUsage:       "the command line can't be read",
	exitBadData:     "the data can't be taken",
	exitNoAccount:   "there is no such account",
	exitUnavailable: "the daemon can't be reached",
	exitIO:          "something could not be read",
	exitPermission:  "not permitted",
	exitConfig:      "the configuration has errors",
}

// answerTexts say what codes mean of commands whose answer is a code.
var answerTexts = map[string]map[int]string{
	"explain": {exitOK: "allowed", exitFailure: "refused"},
	"doctor":  {exitOK: "all is well", exitFailure: "warnings", exitFindings: "failures"},
}

// group is what a command is about, in help and manual.
type group uint8

// The groups, in the order they are shown.
const (
	groupDaemon group = iota
	groupPolicy
	groupAccounts
	groupHost
)

var groupTitles = [...]string{
	groupDaemon:   "The daemon",
	groupPolicy:   "Who may do what: questions that need neither root nor the daemon",
	groupAccounts: "Accounts, sessions and quotas of the running daemon",
	groupHost:     "The host, and other systems",
}

// helpGroup is a group with its commands, but for the hidden ones.
type helpGroup struct {
	Title    string
	Commands []command
}

func helpGroups() []helpGroup {
	list := make([]helpGroup, len(groupTitles))
	for i, title := range groupTitles {
		list[i].Title = title
	}
	for _, c := range commands() {
		if !c.hidden {
			list[c.group].Commands = append(list[c.group].Commands, c)
		}
	}
	return list
}

// help prints what there is.
func help(w io.Writer) {
	fmt.Fprintln(w, "grantfs gives each account a view of its own sites and shared folders.")
	for _, g := range helpGroups() {
		fmt.Fprintf(w, "\n%s:\n", g.Title)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, c := range g.Commands {
			fmt.Fprintf(t, "  %s\t%s\n", c.name, c.summary)
		}
		t.Flush()
	}
	fmt.Fprintf(w, "\nEach takes --config FILE, else it is %s.\n", defaultConfig)
	fmt.Fprintln(w, "grantfs help COMMAND says more about one of them; grantfs(1), grantfs.toml(5) and grantfs-policy(7) say all.")
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
	for i, form := range c.Forms() {
		lead := "usage:"
		if i > 0 {
			lead = "      "
		}
		fmt.Fprintf(w, "%s grantfs %s\n", lead, form)
	}
	fmt.Fprintf(w, "\n%s\n\nFlags:\n", c.summary)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range c.Flags() {
		fmt.Fprintf(t, "  %s\t%s\n", f.Usage, f.Text)
	}
	t.Flush()
	fmt.Fprintf(w, "\nExample:\n  grantfs %s\n\nExit codes:\n", c.example)
	for _, code := range c.Codes() {
		fmt.Fprintf(w, "  %2d  %s\n", code.Code, code.Text)
	}
}

// codeText is an exit code and what it means.
type codeText struct {
	Code int
	Text string
}

// Codes returns the codes that c may end with.
func (c command) Codes() []codeText {
	var list []codeText
	for _, code := range slices.Sorted(slices.Values(append([]int{exitOK, exitUsage}, c.codes...))) {
		text, ok := answerTexts[c.name][code]
		if !ok {
			text = codeTexts[code]
		}
		list = append(list, codeText{code, text})
	}
	return list
}
