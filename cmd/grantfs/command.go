package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// defaultConfig is where the configuration is unless --config says otherwise.
const defaultConfig = "/etc/grantfs/grantfs.toml"

// env is what a command gets from the outside.
type env struct {
	stdout, stderr io.Writer
	config         string
	json           bool
	standalone     bool
	output         string // -o: a file, "-" for stdout
	force          bool
	kind           string // --type
	from           string // --from
}

// command is one verb. The table commands is the only list of them.
type command struct {
	name    string
	args    string // of the usage line
	summary string
	min     int // positional arguments
	max     int
	flags   func(*flag.FlagSet, *env)
	run     func(ctx context.Context, e *env, args []string) error
}

func commands() []command {
	return []command{
		{name: "serve", summary: "mount the views and serve them until SIGTERM; SIGHUP reloads", run: serve},
		{name: "check", args: "[FILE]", summary: "print every problem of a configuration, with its place", max: 1, run: check},
		{name: "effective", args: "ACCOUNT", summary: "print every setting of an account after the merge, with its origin", min: 1, max: 1, flags: jsonFlag, run: effective},
		{name: "view", args: "ACCOUNT [PATH]", summary: "print the tree an account sees, with rights, buckets and origins", min: 1, max: 2, flags: jsonFlag, run: view},
		{name: "explain", args: "ACCOUNT VERB PATH [PATH2]", summary: "say whether an account may do something, by which rule, and what would allow it", min: 3, max: 4, flags: typeFlag, run: explain},
		{name: "who", args: "PATH", summary: "print every account that reaches a backing path", min: 1, max: 1, flags: typeFlag, run: who},
		{name: "plan", args: "NEW [--from OLD]", summary: "print the difference in access between two configurations", min: 1, max: 1, flags: planFlags, run: plan},
		{name: "accounts", summary: "list the accounts of the running daemon", flags: jsonFlag, run: accounts},
		{name: "render", args: "sshd|vsftpd|pam", summary: "print the configuration for a program of the host", min: 1, max: 1, flags: standaloneFlag, run: render},
		{name: "import", args: "sftpgo DUMP.json | aegir DIR...", summary: "write a configuration from another system's, and report what could not be carried", min: 2, max: 1000, flags: importFlags, run: importFrom},
		{name: "version", summary: "print the version", run: version},
	}
}

func jsonFlag(f *flag.FlagSet, e *env) { f.BoolVar(&e.json, "json", false, "print JSON") }

func typeFlag(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.StringVar(&e.kind, "type", "", "what is at PATH: `dir`, file or symlink")
}

func planFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.StringVar(&e.from, "from", "", "the old configuration `FILE`, else that of --config")
}

func standaloneFlag(f *flag.FlagSet, e *env) {
	f.BoolVar(&e.standalone, "standalone", false, "for sshd: a complete configuration instead of a drop-in")
}

// run runs the verb that args name.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		help(stdout)
		if len(args) == 0 {
			return &exitError{exitUsage, nil}
		}
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.call(ctx, args[1:], stdout, stderr)
		}
	}
	return usage("no command %q; see grantfs help", args[0])
}

func (c command) call(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	e := &env{stdout: stdout, stderr: stderr}
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&e.config, "config", defaultConfig, "configuration `FILE`")
	if c.flags != nil {
		c.flags(f, e)
	}
	rest, err := parse(f, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "grantfs %s: %s\n\n", c.usage(), c.summary)
		f.SetOutput(stdout)
		f.PrintDefaults()
		return nil
	case err != nil:
		return usage("grantfs %s: %v", c.name, err)
	case len(rest) < c.min || len(rest) > c.max:
		return usage("usage: grantfs %s", c.usage())
	}
	return c.run(ctx, e, rest)
}

func (c command) usage() string {
	return strings.TrimSpace(c.name + " [--config FILE] " + c.args)
}

// parse reads flags wherever they stand among the arguments.
func parse(f *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

func help(w io.Writer) {
	fmt.Fprintln(w, "grantfs gives each account a view of its own sites and shared folders.")
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "  grantfs %-52s %s\n", c.usage(), c.summary)
	}
}
