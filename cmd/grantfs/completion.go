package main

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// completions are the scripts that shells load, by shell. They are made of the
// table of commands, and complete files where nothing else fits.
var completions = map[string]string{
	"bash": `_grantfs() {
	local words
	case $COMP_CWORD,${COMP_WORDS[1]} in
	1,*) words='{{range .}}{{.Name}} {{end}}help' ;;
	2,help) words='{{range .}}{{.Name}} {{end}}' ;;
{{- range .}}
	2,{{.Name}}) words='{{range .Words}}{{.}} {{end}}{{range .Flags}}{{.Dashed}} {{end}}' ;;
	*,{{.Name}}) words='{{range .Flags}}{{.Dashed}} {{end}}' ;;
{{- end}}
	esac
	COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _grantfs grantfs
`,
	"zsh": `#compdef grantfs
if ((CURRENT == 2)); then
	local -a verbs=(
{{- range .}}
		{{quote .Name ":" .Summary}}
{{- end}}
		'help:say more about a command'
	)
	_describe command verbs
	return
fi
case $words[2] in
help) compadd --{{range .}} {{.Name}}{{end}} ;;
{{- range .}}
{{.Name}}){{if .Words}} ((CURRENT == 3)) && compadd --{{range .Words}} {{.}}{{end}};{{end}} compadd --{{range .Flags}} {{.Dashed}}{{end}}; _files ;;
{{- end}}
esac
`,
	"fish": `complete -c grantfs -n __fish_use_subcommand -f -a help -d 'say more about a command'
complete -c grantfs -n '__fish_seen_subcommand_from help' -f -a '{{range .}}{{.Name}} {{end}}'
{{- range $verb := .}}
complete -c grantfs -n __fish_use_subcommand -f -a {{.Name}} -d {{quote .Summary}}
{{- if .Words}}
complete -c grantfs -n '__fish_seen_subcommand_from {{.Name}}' -a '{{range .Words}}{{.}} {{end}}'
{{- end}}
{{- range .Flags}}
complete -c grantfs -n '__fish_seen_subcommand_from {{$verb.Name}}' {{.Fish}} -d {{quote .Text}}
{{- end}}
{{- end}}
`,
}

// verb is what a completion knows of a command.
type verb struct {
	Name, Summary string
	Words         []string // the first argument may be one of them
	Flags         []verbFlag
}

// verbFlag is a flag of a verb.
type verbFlag struct{ Dashed, Fish, Text string }

// literals finds the words of a usage line that are typed as they stand there.
var literals = regexp.MustCompile(`(?:^|[ |\[])([a-z]+)\b`)

// completion prints the script for a shell.
func completion(_ context.Context, e *env, args []string) error {
	text, ok := completions[args[0]]
	if !ok {
		return usage("no completion for %q: bash, zsh or fish", args[0])
	}
	var verbs []verb
	for _, c := range commands() {
		if !c.hidden {
			verbs = append(verbs, describe(c))
		}
	}
	t := template.Must(template.New(args[0]).Funcs(template.FuncMap{"quote": quote}).Parse(text))
	if err := t.Execute(e.stdout, verbs); err != nil {
		return fmt.Errorf("print the completion: %w", err)
	}
	return nil
}

// describe returns what a completion knows of c.
func describe(c command) verb {
	v := verb{Name: c.name, Summary: c.summary}
	for _, found := range literals.FindAllStringSubmatch(c.args, -1) {
		v.Words = append(v.Words, found[1])
	}
	c.flagSet(&env{}).VisitAll(func(f *flag.Flag) {
		dashes, fish := "--", "-l "
		if len(f.Name) == 1 {
			dashes, fish = "-", "-s "
		}
		value, text := flag.UnquoteUsage(f)
		fish += f.Name
		if value != "" {
			fish += " -r"
		}
		v.Flags = append(v.Flags, verbFlag{dashes + f.Name, fish, text})
	})
	return v
}

// quote joins parts to one word of a shell. None of them has a backslash.
func quote(parts ...string) string {
	return "'" + strings.ReplaceAll(strings.Join(parts, ""), "'", `'\''`) + "'"
}
