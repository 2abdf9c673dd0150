package config

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"grantfs/policy"
)

// parsed is one file as a tree.
type parsed struct {
	root   *node
	syntax *policy.Problem // where reading stopped; the tree holds what is before
	other  *policy.Problem // what else TOML forbids: the first such thing only
}

// parse builds the tree of data. The tree is made from the expressions of the
// library's parser, because only they have positions; the library's decoder
// then judges the whole text, so that no rule of TOML depends on this file.
func parse(file string, data []byte) parsed {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	b := builder{file: file, data: data, root: &node{kind: kindTable, origin: headed}}
	for i, c := range data {
		if c == '\n' {
			b.lines = append(b.lines, i)
		}
	}
	b.root.at = policy.Pos{File: file, Line: 1, Col: 1}
	b.table = b.root
	b.parser.Reset(data)
	for b.parser.NextExpression() {
		b.expression(b.parser.Expression())
	}
	out := parsed{root: b.root}
	if err := b.parser.Error(); err != nil {
		at := policy.Pos{File: file}
		if pe, ok := errors.AsType[*unstable.ParserError](err); ok {
			// The highlight is a part of data: their capacities end at one byte.
			at = b.pos(cap(data) - cap(pe.Highlight))
		}
		out.syntax = &policy.Problem{At: at, Text: "not TOML: " + err.Error()}
		return out
	}
	var all map[string]any
	if err := toml.Unmarshal(data, &all); err != nil {
		at := policy.Pos{File: file}
		if de, ok := errors.AsType[*toml.DecodeError](err); ok {
			at.Line, at.Col = de.Position()
		}
		out.other = &policy.Problem{At: at, Text: "not TOML: " + strings.TrimPrefix(err.Error(), "toml: ")}
	}
	return out
}

// builder makes a tree from the expressions of a file. It accepts more than
// TOML does: a key that is there twice becomes two entries, so that both are
// looked at.
type builder struct {
	file   string
	data   []byte
	lines  []int // offsets of the newlines
	parser unstable.Parser
	root   *node
	table  *node // what key-values belong to
}

// pos returns the place of the byte at offset. Columns count bytes, as Go's own
// tools do.
func (b *builder) pos(offset int) policy.Pos {
	offset = max(0, min(offset, len(b.data)))
	line, _ := slices.BinarySearch(b.lines, offset)
	start := 0
	if line > 0 {
		start = b.lines[line-1] + 1
	}
	return policy.Pos{File: b.file, Line: line + 1, Col: offset - start + 1}
}

func (b *builder) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table:
		b.header(n, false)
	case unstable.ArrayTable:
		b.header(n, true)
	case unstable.KeyValue:
		b.keyValue(b.table, n)
	}
}

// header opens the table of [a.b] or [[a.b]].
func (b *builder) header(n *unstable.Node, list bool) {
	at, start := b.root, -1
	for it := n.Key(); it.Next(); {
		key := it.Node()
		offset := int(key.Raw.Offset)
		if start < 0 {
			start = b.bracket(offset)
		}
		name, last := string(key.Data), it.IsLast()
		switch {
		case !last:
			at = b.descend(at, name, b.pos(offset), implicit)
		case list:
			at = b.item(at, name, b.pos(start))
		default:
			at = b.open(at, name, b.pos(start))
		}
	}
	b.table = at
}

// bracket returns the offset of the bracket before a header's first key.
func (b *builder) bracket(offset int) int {
	for offset > 0 && strings.IndexByte(" \t[", b.data[offset-1]) >= 0 {
		offset--
	}
	for offset < len(b.data) && b.data[offset] != '[' {
		offset++ // the header is indented
	}
	return offset
}

// descend returns the table called name in t and makes it where it is missing.
// In a list of tables the last one is meant.
func (b *builder) descend(t *node, name string, at policy.Pos, made origin) *node {
	if e := t.find(name); e != nil {
		if e.value.kind == kindTable {
			return e.value
		}
		if items := e.value.items; len(items) > 0 && items[len(items)-1].kind == kindTable {
			return items[len(items)-1]
		}
	}
	sub := &node{kind: kindTable, origin: made, at: at}
	t.add(name, at, sub)
	return sub
}

// open returns the table that the header [… name] starts.
func (b *builder) open(t *node, name string, at policy.Pos) *node {
	if e := t.find(name); e != nil && e.value.kind == kindTable && e.value.origin == implicit {
		e.value.origin, e.value.at, e.at = headed, at, at
		return e.value
	}
	sub := &node{kind: kindTable, origin: headed, at: at}
	t.add(name, at, sub)
	return sub
}

// item returns the table that the header [[… name]] starts.
func (b *builder) item(t *node, name string, at policy.Pos) *node {
	sub := &node{kind: kindTable, origin: headed, at: at}
	if e := t.find(name); e != nil && e.value.kind == kindArray && e.value.origin == headed {
		e.value.items = append(e.value.items, sub)
		return sub
	}
	t.add(name, at, &node{kind: kindArray, origin: headed, at: at, items: []*node{sub}})
	return sub
}

// keyValue puts "a.b = value" into t.
func (b *builder) keyValue(t *node, n *unstable.Node) {
	for it := n.Key(); it.Next(); {
		key := it.Node()
		offset := int(key.Raw.Offset)
		if !it.IsLast() {
			t = b.descend(t, string(key.Data), b.pos(offset), dotted)
			continue
		}
		end := offset + int(key.Raw.Length)
		for end < len(b.data) && strings.IndexByte(" \t=", b.data[end]) >= 0 {
			end++
		}
		t.add(string(key.Data), b.pos(offset), b.value(n.Value(), end))
	}
}

// value returns the node of v. The parser gives a list no place of its own:
// offset stands in for it.
func (b *builder) value(v *unstable.Node, offset int) *node {
	if v.Kind != unstable.Array {
		offset = int(v.Raw.Offset)
	}
	n := &node{at: b.pos(offset)}
	switch v.Kind {
	case unstable.Array:
		n.kind = kindArray
		for it := v.Children(); it.Next(); {
			n.items = append(n.items, b.value(it.Node(), offset))
		}
		return n
	case unstable.InlineTable:
		n.kind, n.origin = kindTable, inline
		for it := v.Children(); it.Next(); {
			b.keyValue(n, it.Node())
		}
		return n
	case unstable.String:
		n.kind = kindString
	case unstable.Integer:
		n.kind = kindInteger
	case unstable.Float:
		n.kind = kindFloat
	case unstable.Bool:
		n.kind = kindBool
	case unstable.DateTime:
		n.kind = kindDateTime
	case unstable.LocalTime:
		n.kind = kindLocalTime
	default:
		n.kind = kindLocal
	}
	n.text = string(v.Data)
	return n
}
