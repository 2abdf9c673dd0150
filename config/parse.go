package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"grantfs/policy"
)

// parsed is one file as a tree.
type parsed struct {
	root     *node
	problems []policy.Problem
	partial  bool // a syntax error ended the tree
}

// parse builds the tree of data from the expressions of the library's parser,
// because only they have positions. That parser knows the grammar but not which
// keys may be there twice or be added to: the builder sees to this. The library's
// decoder would too, but compares each new key with all before it, which takes a
// minute for 100,000 accounts; FuzzLoad holds the builder to what it refuses.
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
	err := b.parser.Error()
	if err != nil {
		at := policy.Pos{File: file}
		if pe, ok := errors.AsType[*unstable.ParserError](err); ok {
			// The highlight is a part of data: their capacities end at one byte.
			at = b.pos(cap(data) - cap(pe.Highlight))
		}
		b.errorf(at, "not TOML: %s", err)
	}
	return parsed{root: b.root, problems: b.problems, partial: err != nil}
}

// builder makes a tree from the expressions of a file. What TOML forbids is a
// problem, but still becomes an entry, so that what it holds is looked at.
type builder struct {
	file     string
	data     []byte
	lines    []int // offsets of the newlines
	parser   unstable.Parser
	root     *node
	table    *node // what key-values belong to
	problems []policy.Problem
}

func (b *builder) errorf(at policy.Pos, format string, args ...any) {
	b.problems = append(b.problems, policy.Problem{At: at, Text: fmt.Sprintf(format, args...)})
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
	t, start := b.root, -1
	var names []string
	for it := n.Key(); it.Next(); {
		key := it.Node()
		offset := int(key.Raw.Offset)
		if start < 0 {
			start = b.bracket(offset)
		}
		name := string(key.Data)
		names = append(names, name)
		if !it.IsLast() {
			t = b.descend(t, name, b.pos(offset), implicit)
			continue
		}
		if b.table = b.open(t, name, b.pos(start), list); b.table == nil {
			b.errorf(b.pos(start), "%s is written twice; it is already at %s", label(names...), t.find(name).start())
			b.table = &node{kind: kindTable, origin: headed, at: b.pos(start)}
			t.add(name, b.table.at, b.table)
		}
	}
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

// descend returns the table called name in t, on the way to what a header
// (made is implicit) or a dotted key names, and makes it where it is missing. In
// a list of tables a header means the last one.
func (b *builder) descend(t *node, name string, at policy.Pos, made origin) *node {
	e := t.find(name)
	switch {
	case e == nil:
	case e.value.kind == kindTable:
		// A header may add to every table that is not inline; a dotted key only
		// to what dotted keys made.
		if complete := e.value.origin == inline || made == dotted && e.value.origin != dotted; complete {
			b.errorf(at, "nothing can be added to %s here; it is complete at %s", label(name), e.at)
		}
		return e.value
	case e.value.kind == kindArray && e.value.origin == headed && made == implicit:
		return e.value.items[len(e.value.items)-1]
	default:
		b.errorf(at, "nothing can be added to %s; it is %s at %s", label(name), e.value.kind, e.at)
	}
	sub := &node{kind: kindTable, origin: made, at: at}
	t.add(name, at, sub)
	return sub
}

// open returns the table that the header [… name] or [[… name]] starts, nil if
// there is one already.
func (b *builder) open(t *node, name string, at policy.Pos, list bool) *node {
	sub := &node{kind: kindTable, origin: headed, at: at}
	e := t.find(name)
	switch {
	case e == nil && list:
		t.add(name, at, &node{kind: kindArray, origin: headed, at: at, items: []*node{sub}})
	case e == nil:
		t.add(name, at, sub)
	case list && e.value.kind == kindArray && e.value.origin == headed:
		e.value.items = append(e.value.items, sub)
	case !list && e.value.kind == kindTable && e.value.origin == implicit:
		sub = e.value
		sub.origin, sub.at, e.at = headed, at, at
	default:
		return nil
	}
	return sub
}

// keyValue puts "a.b = value" into t.
func (b *builder) keyValue(t *node, n *unstable.Node) {
	for it := n.Key(); it.Next(); {
		key := it.Node()
		offset, name := int(key.Raw.Offset), string(key.Data)
		if !it.IsLast() {
			t = b.descend(t, name, b.pos(offset), dotted)
			continue
		}
		end := offset + int(key.Raw.Length)
		for end < len(b.data) && strings.IndexByte(" \t=", b.data[end]) >= 0 {
			end++
		}
		at := b.pos(offset)
		if e := t.find(name); e != nil {
			b.errorf(at, "%s is written twice; it is already at %s", keyName(name), e.start())
		}
		t.add(name, at, b.value(n.Value(), end))
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
