package sftpgo

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// document is the configuration that is being written. It stays a tree until it
// is settled, so that a line can be taken out again.
type document struct {
	title  []string
	blocks []*block
}

// block is one table, [accounts.NAME] for example.
type block struct {
	where    string // of the report: "user NAME"
	kind     string // "accounts", "groups" or "folders"
	name     string
	comments []string
	lines    []*line
	gone     bool

	account  bool
	off      bool     // disabled in SFTPGo
	disabled bool     // disabled by the import
	members  []*block // of a group: the accounts that inherit from it
}

// line is one key, or one element of a list that has a line for each.
type line struct {
	key   string // SFTPGo's, for the report
	text  string // without indentation
	list  []*line
	guard bool // without it an account could do more
	vital bool // without it the table is nothing
	gone  bool
}

// place is what a line of the text belongs to; line is nil for a header.
type place struct {
	block *block
	line  *line
}

// add appends "key = value" and returns its line.
func (b *block) add(key, text string) *line {
	l := &line{key: key, text: text}
	b.lines = append(b.lines, l)
	return l
}

// addGuard is add for a key that restricts.
func (b *block) addGuard(key, text string) { b.add(key, text).guard = true }

// addStrings adds a list of strings, if there are any.
func (b *block) addStrings(key, ours string, list []string, guard bool) {
	if len(list) > 0 {
		b.add(key, ours+" = "+quoteList(list)).guard = guard
	}
}

// addTables adds a list of inline tables, one a line, if there are any.
func (b *block) addTables(ours string, list []*line) {
	if len(list) > 0 {
		b.add(ours, ours+" = [").list = list
	}
}

// render returns the text and, for each of its lines, counting from 0, what it
// belongs to.
func (d *document) render() ([]byte, []place) {
	var w writer
	for _, t := range d.title {
		w.put(place{}, "# "+comment(t))
	}
	for _, b := range d.blocks {
		if b.gone {
			continue
		}
		w.put(place{}, "")
		for _, c := range b.comments {
			w.put(place{}, "# "+comment(c))
		}
		w.put(place{block: b}, "["+b.kind+"."+quoteKey(b.name)+"]")
		switch {
		case b.disabled:
			w.put(place{block: b}, "enabled = false # by the import: see its report")
		case b.off:
			w.put(place{block: b}, "enabled = false")
		}
		for _, l := range b.lines {
			w.line(b, l)
		}
	}
	return w.text, w.places
}

type writer struct {
	text   []byte
	places []place
}

func (w *writer) put(p place, text string) {
	w.text = append(append(w.text, text...), '\n')
	w.places = append(w.places, p)
}

func (w *writer) line(b *block, l *line) {
	switch {
	case l.gone:
	case l.list == nil:
		w.put(place{b, l}, l.text)
	default:
		w.put(place{b, l}, l.text)
		for _, e := range l.list {
			if !e.gone {
				w.put(place{b, e}, "  "+e.text+",")
			}
		}
		w.put(place{b, l}, "]")
	}
}

// quoteString returns s as a TOML basic string.
func quoteString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError || r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteKey returns s as a key, bare where TOML allows that.
func quoteKey(s string) string {
	const bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if s != "" && strings.Trim(s, bare) == "" {
		return s
	}
	return quoteString(s)
}

func quoteList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quoteString(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// comment returns s as it can stand behind a "#": on one line and not too long.
func comment(s string) string {
	const most = 200
	s = oneLine(s)
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strings.TrimSpace(s)
}

// oneLine returns s with spaces for what can't be printed.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
