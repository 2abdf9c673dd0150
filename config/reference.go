package config

import (
	_ "embed"
	"strings"
)

// Example is example.toml, the reference of every key.
//
//go:embed example.toml
var Example string

// Key is one key of the configuration, for the manual.
type Key struct {
	Table    string // as messages call it: "mount", "accounts and groups", "the top level"
	Name     string
	Type     string // what its value must be, as check says it: `a size such as "10GiB"`
	Required bool
}

// Reference returns every key, by table. The keys that accounts and groups share
// are there once.
func Reference() []Key {
	var list []Key
	for _, t := range allTables() {
		list = append(list, t.reference()...)
	}
	return list
}

func (t *table[T]) reference() []Key {
	var list []Key
	for _, k := range t.keys {
		if k.table == "" {
			list = append(list, Key{t.name, k.name, k.kind(), k.required})
		}
	}
	return list
}

// kind returns what k must be. The readers alone know that, and what they say of a
// value that nobody can mean is what they say to people.
func (k *key[T]) kind() string {
	// A decimal number is no value of any key.
	wrong := node{kind: kindFloat, text: "0.5"}
	want, _ := strings.CutPrefix(k.complaint(&wrong), k.name+" must be ")
	want = strings.TrimSuffix(want, ", not "+kindFloat.String())
	odd := &node{kind: kindString, text: "\n"}
	switch want {
	case kindArray.String():
		return want + k.particular(": ", &node{kind: kindArray, items: []*node{odd}})
	case kindString.String():
		if words := k.particular("", odd); words != "" {
			return words
		}
	}
	if k.complaint(&node{kind: kindString, text: unlimited}) == "" && want != kindString.String() {
		want += ` or "` + unlimited + `"`
	}
	return want
}

// particular returns after before what k says of a string that nobody can mean, ""
// if it takes any.
func (k *key[T]) particular(before string, odd *node) string {
	said := k.complaint(odd)
	for _, form := range []struct{ start, text string }{
		{"it is one of ", "one of "},
		{"it can only be ", ""},
		{"it must begin with /", "an absolute path"},
		{" is not an address or ", "an address or "},
		{" is not a crypt(3) hash", "a crypt(3) hash"},
		{" must be ", ""},
		{"unknown permission", "permissions"},
		{"unknown time zone", "a time zone"},
	} {
		if _, rest, ok := strings.Cut(said, form.start); ok {
			switch form.text {
			case "one of ", "", "an address or ":
				rest, _, _ = strings.Cut(rest, ", not ")
			default:
				rest = ""
			}
			return before + form.text + rest
		}
	}
	return ""
}

// complaint returns the first problem that k has with a value, "" for none.
func (k *key[T]) complaint(n *node) string {
	d := newDecoder(nil)
	var to T
	k.read(d, n, &to)
	if len(d.problems) == 0 {
		return ""
	}
	return d.problems[0].Text
}
