package config

import "grantfs/policy"

// kind is the type of a TOML value.
type kind uint8

const (
	kindString kind = iota
	kindInteger
	kindFloat
	kindBool
	kindDateTime  // with an offset
	kindLocalTime // a time of day
	kindLocal     // a date, or a date and time without an offset
	kindArray
	kindTable
)

var kindNames = [...]string{
	kindString:    "a string",
	kindInteger:   "a whole number",
	kindFloat:     "a decimal number",
	kindBool:      "true or false",
	kindDateTime:  "a date-time",
	kindLocalTime: "a time of day",
	kindLocal:     "a date without an offset",
	kindArray:     "a list",
	kindTable:     "a table",
}

// String returns the name of k as messages have it, with its article.
func (k kind) String() string { return kindNames[k] }

// origin says how a table was written, because TOML lets some be extended and
// others not.
type origin uint8

const (
	implicit origin = iota // only as a parent in a [header]
	headed                 // by its own [header]
	dotted                 // as a parent in a dotted key
	inline                 // { … }
)

// node is one value of a file.
type node struct {
	kind    kind
	origin  origin // of a table
	at      policy.Pos
	text    string // a string's value, or the token of any other scalar
	items   []*node
	entries []entry        // in the order written; a key may be there twice
	index   map[string]int // key to its last entry, for large tables only
}

// entry is one key of a table.
type entry struct {
	key   string
	at    policy.Pos
	value *node
	first *policy.Pos // the place of the first entry of this key, if this is another
}

// start returns the place of the first entry of e's key.
func (e *entry) start() policy.Pos {
	if e.first != nil {
		return *e.first
	}
	return e.at
}

// indexFrom is the size from which a table has an index: below it, looking
// through the entries is faster and smaller.
const indexFrom = 16

// find returns the last entry of key.
func (n *node) find(key string) *entry {
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return &n.entries[i]
		}
		return nil
	}
	for i := len(n.entries) - 1; i >= 0; i-- {
		if n.entries[i].key == key {
			return &n.entries[i]
		}
	}
	return nil
}

// add appends an entry, whether or not the key is there already.
func (n *node) add(key string, at policy.Pos, value *node) {
	e := entry{key: key, at: at, value: value}
	if old := n.find(key); old != nil {
		first := old.start()
		e.first = &first
	}
	n.entries = append(n.entries, e)
	switch {
	case n.index != nil:
		n.index[key] = len(n.entries) - 1
	case len(n.entries) == indexFrom:
		n.index = make(map[string]int, 2*indexFrom)
		for i, e := range n.entries {
			n.index[e.key] = i
		}
	}
}
