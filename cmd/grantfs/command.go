package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
)

// defaultConfig is where the configuration is unless --config says otherwise.
const defaultConfig = "/etc/grantfs/grantfs.toml"

// env is what a command gets from the outside.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	config         string
	configSet      bool // config is what --config says, not the default
	json           bool
	standalone     bool
	remove         bool
	random         bool
	dryRun         bool   // --dry-run
	output         string // -o: a file, "-" for stdout
	force          bool
	kind           string // --type
	from           string // --from
	long           bool   // --long
	yes            bool   // --yes
	all            bool   // --all
}

// command is one verb. The table commands is the only list of them.
type command struct {
	name    string
	args    string // of the usage line
	summary string
	example string // a command line of it, without "grantfs"
	codes   []int  // exit codes besides 0 and 64
	min     int    // positional arguments
	max     int
	group   group
	hidden  bool // not for people: help does not list it
	flags   func(*flag.FlagSet, *env)
	run     func(ctx context.Context, e *env, args []string) error
}

func commands() []command {
	reading := []int{exitPermission, exitConfig}
	ofAccount := append([]int{exitNoAccount}, reading...)
	return []command{
		{
			name: "serve", summary: "mount the views and serve them until SIGTERM; SIGHUP reloads",
			example: "serve --config /etc/grantfs/grantfs.toml", codes: append([]int{exitFailure}, reading...), run: serve,
		},
		{
			name: "check", args: "[FILE]", summary: "print every problem of a configuration, with its place",
			example: "check grantfs.toml.new", codes: reading, max: 1, flags: jsonFlag, group: groupPolicy, run: check,
		},
		{
			name: "effective", args: "ACCOUNT", summary: "print every setting of an account after the merge, with its origin",
			example: "effective o1.foo", codes: ofAccount, min: 1, max: 1, flags: effectiveFlags, group: groupPolicy, run: effective,
		},
		{
			name: "view", args: "ACCOUNT [PATH]", summary: "print the tree an account sees, with rights, buckets and origins",
			example: "view o1.foo /sites", codes: append([]int{exitFailure}, ofAccount...), min: 1, max: 2, flags: viewFlags, group: groupPolicy, run: view,
		},
		{
			name: "explain", args: "ACCOUNT VERB PATH [PATH2]", summary: "say whether an account may do something, by which rule, and what would allow it",
			example: "explain o1.foo upload /sites/shop.example.org/files/a.jpg", codes: append([]int{exitFailure}, ofAccount...), min: 3, max: 4, flags: typeFlag, group: groupPolicy, run: explain,
		},
		{
			name: "who", args: "PATH", summary: "print every account that reaches a backing path",
			example: "who /srv/media", codes: reading, min: 1, max: 1, flags: typeFlag, group: groupPolicy, run: who,
		},
		{
			name: "plan", args: "NEW [--from OLD]", summary: "print the difference in access between two configurations",
			example: "plan grantfs.toml.new", codes: append([]int{exitChanges}, reading...), min: 1, max: 1, flags: planFlags, group: groupPolicy, run: plan,
		},
		{
			name: "accounts", summary: "list the accounts of the running daemon",
			example: "accounts --json", codes: append([]int{exitUnavailable}, reading...), flags: jsonFlag, group: groupAccounts, run: accounts,
		},
		{
			name: "account", args: accountArgs, summary: "change how an account logs in: password (from standard input, or a random one), SSH keys, second factor (printed as an otpauth URL), or not at all",
			example: "account keys o1.foo add id_ed25519.pub", codes: append([]int{exitFailure, exitBadData, exitUnavailable}, ofAccount...), min: 1, max: 102, flags: accountFlags, group: groupAccounts, run: changeAccount,
		},
		{
			name: "authorized-keys", args: "ACCOUNT TYPE KEY", summary: "for sshd: print the lines of an account's keys that have this one",
			example: "authorized-keys o1.foo ssh-ed25519 AAAAC3…", codes: []int{exitUnavailable}, min: 3, max: 3, hidden: true, run: authorizedKeys,
		},
		{
			name: "adopt", args: "[--dry-run] [ACCOUNT | INSTANCE]", summary: "give what earlier accounts left behind in sites to the sites' owners",
			example: "adopt --dry-run o1", codes: append([]int{exitFailure}, ofAccount...), max: 1, flags: adoptFlags, group: groupHost, run: adoptFiles,
		},
		{
			name: "state", args: "export [-o FILE] | import FILE", summary: "write down what is kept of accounts, with their secrets; read it in on another machine",
			example: "state export -o state.json", codes: append([]int{exitFailure, exitBadData, exitUnavailable}, reading...), min: 1, max: 2, flags: stateFlags, group: groupHost, run: moveState,
		},
		{
			name: "status", summary: "print the running daemon at a glance, and first what is wrong",
			example: "status --json", codes: append([]int{exitUnavailable}, reading...), flags: jsonFlag, run: showStatus,
		},
		{
			name: "sessions", summary: "list the sessions that are open",
			example: "sessions --json", codes: append([]int{exitUnavailable}, reading...), flags: jsonFlag, group: groupAccounts, run: sessions,
		},
		{
			name: "kick", args: "ACCOUNT", summary: "end the sessions of an account",
			example: "kick o1.foo", codes: append([]int{exitFailure, exitUnavailable}, ofAccount...), min: 1, max: 1, flags: jsonFlag, group: groupAccounts, run: kick,
		},
		{
			name: "freeze", args: "[ACCOUNT | SITE]", summary: "make an account or a site read-only at once; list what is frozen",
			example: "freeze shop.example.org", codes: append([]int{exitFailure, exitUnavailable}, ofAccount...), max: 1, flags: jsonFlag, group: groupAccounts, run: freeze,
		},
		{
			name: "thaw", args: "ACCOUNT|SITE", summary: "take freeze back",
			example: "thaw shop.example.org", codes: append([]int{exitFailure, exitUnavailable}, ofAccount...), min: 1, max: 1, flags: jsonFlag, group: groupAccounts, run: thaw,
		},
		{
			name: "quota", args: "[NAME | scan [NAME] | reset ACCOUNT]", summary: "print what is used of limits; have it counted again; forget what was transferred",
			example: "quota o1.foo", codes: append([]int{exitFailure, exitUnavailable, exitIO}, ofAccount...), max: 2, flags: quotaFlags, group: groupAccounts, run: showQuota,
		},
		{
			name: "upgrade", summary: "have the daemon go on as the program that is installed now; sessions go on too",
			example: "upgrade --json", codes: append([]int{exitFailure, exitUnavailable}, reading...), flags: jsonFlag, run: upgrade,
		},
		{
			name: "render", args: "sshd|vsftpd|pam", summary: "print the configuration for a program of the host",
			example: "render sshd", codes: reading, min: 1, max: 1, flags: standaloneFlag, group: groupHost, run: render,
		},
		{
			name: "apply", args: "[--remove] pam|sshd|vsftpd...", summary: "install what render prints, beside the host's own files, or take it back",
			example: "apply pam sshd vsftpd", codes: append([]int{exitFailure}, reading...), min: 1, max: 3, flags: applyFlags, group: groupHost, run: apply,
		},
		{
			name: "import", args: "sftpgo DUMP.json | aegir DIR... | passwd FILE [SHADOW]", summary: "write a configuration from another system's, and report what could not be carried",
			example: "import sftpgo dump.json -o grantfs.toml", codes: []int{exitFailure, exitBadData, exitPermission}, min: 2, max: 1000, flags: importFlags, group: groupHost, run: importFrom,
		},
		{
			name: "doctor", args: "[CHECK | GROUP]...", summary: "say what is wrong with the host, and the command that mends it",
			example: "doctor sshd names", codes: []int{exitFailure, exitFindings, exitPermission}, max: 100, flags: jsonFlag, group: groupHost, run: diagnose,
		},
		{
			name: "man", args: "1|5|7", summary: "print a page of the manual: grantfs(1), grantfs.toml(5) or grantfs-policy(7)",
			example: "man 7", min: 1, max: 1, hidden: true, run: man,
		},
		{
			name: "mount", args: "FILE POINT", summary: "serve the configuration FILE in the background, for mount(8) and the type fuse.grantfs",
			example: "mount /etc/grantfs/grantfs.toml /srv/views", codes: append([]int{exitFailure}, reading...), min: 2, max: 2, hidden: true, flags: mountFlags, run: mountViews,
		},
		{
			name: "completion", args: "bash|zsh|fish", summary: "print what makes a shell complete command lines of grantfs",
			example: "completion bash", min: 1, max: 1, hidden: true, run: completion,
		},
		{name: "version", summary: "print the version", example: "version --json", flags: jsonFlag, run: version},
	}
}

func jsonFlag(f *flag.FlagSet, e *env) { f.BoolVar(&e.json, "json", false, "print JSON") }

func accountFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.BoolVar(&e.remove, "remove", false, "for totp: take it away instead")
	f.BoolVar(&e.random, "random", false, "for passwd: a random one, which is printed")
}

func applyFlags(f *flag.FlagSet, e *env) {
	f.BoolVar(&e.remove, "remove", false, "take back what was installed and not edited since")
	f.BoolVar(&e.yes, "yes", false, "do not ask")
	f.BoolVar(&e.dryRun, "dry-run", false, "show and check it, change nothing")
}

func adoptFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.BoolVar(&e.dryRun, "dry-run", false, "say what would be done, and change nothing")
}

func typeFlag(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.StringVar(&e.kind, "type", "", "`KIND` of what is at PATH: dir, file or symlink")
}

func planFlags(f *flag.FlagSet, e *env) {
	jsonFlag(f, e)
	f.StringVar(&e.from, "from", "", "the old configuration `FILE`, else that of --config")
}

func standaloneFlag(f *flag.FlagSet, e *env) {
	f.BoolVar(&e.standalone, "standalone", false, "for sshd: a complete configuration instead of a drop-in")
}

// run runs the verb that args name. What is before the verb is for every verb.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	e := &env{stdin: os.Stdin, stdout: stdout, stderr: stderr, config: defaultConfig}
	f := flag.NewFlagSet("grantfs", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	configFlag(f, e)
	wantVersion := f.Bool("version", false, "")
	err := f.Parse(args)
	rest := f.Args()
	switch {
	case errors.Is(err, flag.ErrHelp):
		help(stdout)
		return nil
	case err != nil:
		return usage("%v; see grantfs help", err)
	case *wantVersion:
		return version(ctx, e, nil)
	case len(rest) == 0:
		help(stderr)
		return &exitError{exitUsage, nil}
	case rest[0] == "help":
		return helpAbout(stdout, rest[1:])
	}
	c, err := find(rest[0])
	if err != nil {
		return err
	}
	return c.call(ctx, e, rest[1:])
}

// find returns the command called name.
func find(name string) (command, error) {
	names := []string{"help"}
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	hint := meant(name, names)
	if hint == "" {
		hint = "; see grantfs help"
	}
	return command{}, usage("no command %q%s", name, hint)
}

func configFlag(f *flag.FlagSet, e *env) {
	f.Func("config", "configuration `FILE` (default "+defaultConfig+")", func(path string) error {
		e.config, e.configSet = path, true
		return nil
	})
}

// flagSet returns the flags of c, which write to e.
func (c command) flagSet(e *env) *flag.FlagSet {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	configFlag(f, e)
	if c.flags != nil {
		c.flags(f, e)
	}
	return f
}

func (c command) call(ctx context.Context, e *env, args []string) error {
	rest, err := parse(c.flagSet(e), args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.help(e.stdout)
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

// Forms returns the ways to call c, one by one, without --config.
func (c command) Forms() []string {
	var list []string
	deep, start := 0, 0
	for i, r := range c.args + "|" {
		switch r {
		case '[':
			deep++
		case ']':
			deep--
		case '|':
			// A bar without blanks is between words of one form.
			if end := i == len(c.args); deep == 0 && (end || c.args[i-1] == ' ') {
				list = append(list, strings.TrimSpace(c.name+" "+strings.TrimSpace(c.args[start:i])))
				start = i + 1
			}
		}
	}
	return list
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
