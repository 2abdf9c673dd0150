package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// Names returns what v is called in a configuration, with as few words as there
// are: "*" for all, "delete" for both of its halves. It is never nil.
func (v Verbs) Names() []string { return verbWords(v) }

// literalKey returns path as a key that stands for nothing else: what a glob
// would mean is escaped.
func literalKey(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if strings.IndexByte(globMeta, path[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// tomlKey returns one part of a dotted key.
func tomlKey(s string) string {
	if bareKey.MatchString(s) {
		return s
	}
	return tomlString(s)
}

// tomlString returns s, which must be UTF-8, as a basic string.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func tomlList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = tomlString(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// instead says what an edit replaces.
func instead(at Pos) string {
	if at.IsZero() {
		return ""
	}
	return " # instead of " + at.line()
}

// tableOf returns the header of the table of an origin such as "account:alice".
func tableOf(origin string) string {
	kind, name, _ := strings.Cut(origin, ":")
	return fmt.Sprintf("[%ss.%s]", kind, tomlKey(name))
}

// heading says where an edit belongs: in or under a table, of which something
// lies at at, which is unknown for a table that is yet to be written.
func heading(how, table string, at Pos, end string) string {
	place := "a new table"
	if !at.IsZero() {
		place = at.line()
	}
	return fmt.Sprintf("%s %s (%s)%s", how, table, place, end)
}
