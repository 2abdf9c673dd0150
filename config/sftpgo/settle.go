package sftpgo

import (
	"fmt"
	"regexp"
	"strings"

	"grantfs/config"
	"grantfs/policy"
)

// written is what the document is called while it is read back.
const written = "imported.toml"

// references are what a problem says besides what is wrong: places in the
// document, which move when a line is taken out, and an account that stands for
// others.
var references = regexp.MustCompile(`(,? first at| is already at)? \(?` + regexp.QuoteMeta(written) + `:[0-9]+(:[0-9]+)?\)?| \(account "[^"]*"( and [0-9]+ more)?\)$`)

// settle takes out of the document what config or policy refuse, until nothing
// is an error, and returns its text. Both are asked, not imitated: names that no
// account can have, globs that tie, settings that contradict each other after a
// merge.
func (im *importer) settle() ([]byte, error) {
	for {
		text, places := im.doc.render()
		errors := check(text)
		if len(errors) == 0 {
			return text, nil
		}
		progress := false
		for _, p := range errors {
			if i := p.At.Line - 1; i >= 0 && i < len(places) && places[i].block != nil {
				progress = im.drop(places[i], p.Text) || progress
			}
		}
		if !progress {
			return nil, fmt.Errorf("import: what was written is refused: %s", errors[0])
		}
	}
}

// check returns the errors of a configuration.
func check(text []byte) []policy.Problem {
	c, problems := config.Parse(written, text, nil)
	if !policy.HasErrors(problems) {
		_, problems = policy.Compile(c.Policy)
	}
	var errors []policy.Problem
	for _, p := range problems {
		if p.Severity == policy.SeverityError {
			errors = append(errors, p)
		}
	}
	return errors
}

// drop takes one line out, or the whole table, and reports whether it was there.
func (im *importer) drop(p place, problem string) bool {
	problem = strings.TrimSpace(references.ReplaceAllString(problem, ""))
	b, l := p.block, p.line
	switch {
	case b.gone || (l != nil && l.gone):
		return false
	case l == nil || l.vital:
		b.gone = true
		im.lost(b, keyOf(l), "the whole %s: %s", strings.TrimSuffix(b.kind, "s"), problem)
	default:
		l.gone = true
		if l.guard {
			im.unsafe(b, l.key, "%s", problem)
		} else {
			im.lost(b, l.key, "%s", problem)
		}
	}
	return true
}

// keyOf returns the key of a line, or of the name where the header itself is
// wrong.
func keyOf(l *line) string {
	if l == nil {
		return "name"
	}
	return l.key
}
