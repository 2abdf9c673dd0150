package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"grantfs/policy"
)

// printJSON prints what --json asks for.
func printJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

// ruleJSON is an entry of the configuration in --json (product.md §13). At is
// "file:line", null for what nobody wrote.
type ruleJSON struct {
	Origin string  `json:"origin"`
	At     *string `json:"at"`
	Path   string  `json:"path"`
}

func newRuleJSON(r policy.Rule) ruleJSON {
	return ruleJSON{Origin: r.Origin, At: placeJSON(r.At), Path: r.Path}
}

func placeJSON(p policy.Pos) *string {
	if p.IsZero() {
		return nil
	}
	text := placeText(p)
	return &text
}

// placeText returns "file:line", "-" for what nobody wrote.
func placeText(p policy.Pos) string {
	p.Col = 0
	return p.String()
}

// ruleText names an entry for people.
func ruleText(r policy.Rule) string {
	if r.At.IsZero() {
		return fmt.Sprintf("%s of %s", r.Path, r.Origin)
	}
	return fmt.Sprintf("%s of %s at %s", r.Path, r.Origin, placeText(r.At))
}

// verbText returns verbs as one word, "-" for none.
func verbText(v policy.Verbs) string {
	if v == 0 {
		return "-"
	}
	return strings.Join(v.Names(), ",")
}

// dash returns s, "-" where it is empty.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// fileTypes are the values of --type.
var fileTypes = map[string]policy.FileType{
	"":        policy.TypeNone,
	"file":    policy.TypeFile,
	"dir":     policy.TypeDir,
	"symlink": policy.TypeSymlink,
}

func fileType(name string) (policy.FileType, error) {
	t, ok := fileTypes[name]
	if !ok {
		return t, usage("--type is dir, file or symlink, not %q", name)
	}
	return t, nil
}

// coloured reports whether w shows colours, and somebody wants to see them.
func coloured(w io.Writer) bool {
	return terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
