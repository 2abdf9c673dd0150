package config

import (
	"slices"

	"grantfs/policy"
)

// A table says which keys one kind of TOML table has. The tables in keys_*.go
// are the only list of keys there is: reading, messages and the test of
// example.toml go by them.
type table[T any] struct {
	name string // as messages and hints call it: "accounts", "virtual_folders"
	keys []key[T]

	// check, if set, judges what was read as a whole.
	check func(d *decoder, label string, n *node, to *T)
}

// key is one key of a table that is read into a T.
type key[T any] struct {
	name     string
	table    string // the table that documents it, where that is another one
	required bool
	scope    scope
	read     func(d *decoder, n *node, to *T)
}

// scope says where a key is written once.
type scope uint8

const (
	inTable  scope = iota // in each table
	inAll                 // in all files together
	inHeader              // its own header is; what is below it may be spread
)

// again reports whether e repeats what was written before. Within one file that
// is reported already.
func (d *decoder) again(s scope, e entry) bool {
	switch {
	case s == inHeader:
		if e.first == nil && e.value.kind == kindTable && e.value.origin != implicit && e.value.origin != dotted {
			d.once(e.key, label(e.key), e.value.at)
		}
		return false
	case e.first != nil:
		return true
	case s == inAll && e.value.kind == kindTable:
		return !d.once(e.key, label(e.key), e.value.at)
	case s == inAll:
		return !d.once(e.key, e.key, e.at)
	}
	return false
}

// keyTable is what is known of a table whatever it is read into.
type keyTable interface {
	tableName() string
	keyNames() []string
	reference() []Key
}

func (t *table[T]) tableName() string { return t.name }

func (t *table[T]) keyNames() []string {
	names := make([]string, len(t.keys))
	for i, k := range t.keys {
		names[i] = k.name
	}
	return names
}

// decode reads the table n into to. Messages call it label; an empty label is
// the file itself.
func (t *table[T]) decode(d *decoder, label string, n *node, to *T) {
	for _, e := range n.entries {
		k := t.find(e.key)
		if k == nil {
			if e.first == nil {
				d.unknownKey(t, label, e)
			}
			continue
		}
		if d.trace != nil {
			name := k.table
			if name == "" {
				name = t.name
			}
			d.trace(name, k.name)
		}
		if d.again(k.scope, e) {
			var unused T
			k.read(d, e.value, &unused)
			continue
		}
		k.read(d, e.value, to)
	}
	if d.partial {
		return
	}
	for i := range t.keys {
		if k := &t.keys[i]; k.required && n.find(k.name) == nil {
			d.errorf(n.at, "%s has no %s", label, k.name)
		}
	}
	if t.check != nil {
		t.check(d, label, n, to)
	}
}

func (t *table[T]) find(name string) *key[T] {
	for i := range t.keys {
		if t.keys[i].name == name {
			return &t.keys[i]
		}
	}
	return nil
}

// unknownKey reports a key that t does not have, and what may have been meant.
func (d *decoder) unknownKey(t keyTable, label string, e entry) {
	in := ""
	if label != "" {
		in = " in " + label
	}
	if meant := habits[e.key]; slices.Contains(t.keyNames(), meant) {
		d.errorf(e.at, "unknown key %s%s, did you mean %s?", quote(e.key), in, quote(meant))
		return
	}
	for _, other := range d.tables {
		for _, name := range other.keyNames() {
			if name == e.key && len(e.key) > 0 {
				d.errorf(e.at, "unknown key %s%s; it belongs to %s", quote(e.key), in, other.tableName())
				return
			}
		}
	}
	d.errorf(e.at, "unknown key %s%s%s", quote(e.key), in, d.didYouMean(e.key, t.keyNames()))
}

// lift returns the keys of t for a type that holds a part of t's type. They stay
// documented in t.
func lift[T, P any](t *table[P], part func(*T) *P) []key[T] {
	keys := make([]key[T], len(t.keys))
	for i, k := range t.keys {
		keys[i] = key[T]{
			name: k.name, table: t.name, required: k.required,
			read: func(d *decoder, n *node, to *T) { k.read(d, n, part(to)) },
		}
	}
	return keys
}

// A reader turns the value of a key into a V. It reports what is wrong with it;
// ok is false then, and where the value says "not set".
type reader[V any] func(d *decoder, key string, n *node) (v V, ok bool)

// one is a key with one value.
func one[T, V any](name string, field func(*T) *policy.Setting[V], read reader[V]) key[T] {
	return key[T]{name: name, read: func(d *decoder, n *node, to *T) {
		if v, ok := read(d, name, n); ok {
			*field(to) = policy.Setting[V]{Value: v, At: n.at, Set: true}
		}
	}}
}

// many is a key with a list of values.
func many[T, V any](name string, field func(*T) *[]policy.Setting[V], read reader[V]) key[T] {
	return key[T]{name: name, read: func(d *decoder, n *node, to *T) {
		*field(to) = list(d, name, n, read)
	}}
}

// tables is a key with a list of tables; place says where the element keeps its own.
func tables[T, E any](name string, field func(*T) *[]E, place func(*E) *policy.Pos, t *table[E]) key[T] {
	return key[T]{name: name, read: func(d *decoder, n *node, to *T) {
		if n.kind != kindArray {
			d.wrongKind(name, n, "a list of tables")
			return
		}
		for _, item := range n.items {
			if item.kind != kindTable {
				d.wrongKind("an element of "+name, item, "a table")
				continue
			}
			var e E
			*place(&e) = item.at
			before := d.errors
			t.decode(d, name, item, &e)
			// An entry with an error would only cause more of them elsewhere.
			if d.errors == before {
				*field(to) = append(*field(to), e)
			}
		}
	}}
}

// list reads the elements of a list, which are strings in every list there is.
func list[V any](d *decoder, name string, n *node, read reader[V]) []policy.Setting[V] {
	if n.kind != kindArray {
		d.wrongKind(name, n, "a list")
		return nil
	}
	values := make([]policy.Setting[V], 0, len(n.items))
	for _, item := range n.items {
		if item.kind != kindString {
			d.wrongKind("an element of "+name, item, kindString.String())
		} else if v, ok := read(d, name, item); ok {
			values = append(values, policy.Setting[V]{Value: v, At: item.at, Set: true})
		}
	}
	return values
}

// required returns k as a key that must be there.
func required[T any](k key[T]) key[T] {
	k.required = true
	return k
}
