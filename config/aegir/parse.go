package aegir

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// Bounds of an alias file. Real ones have a few kilobytes and two levels.
const (
	MaxAliasSize  = 256 << 10 // bytes
	maxAliasDepth = 16        // arrays within arrays
)

// ParseAlias reads the text of a drush alias file: `<?php` and one or more
// statements `$aliases['NAME'] = array(...);`, in the order written. Values are
// strings, integers, booleans, NULL and nested arrays; comments are allowed.
// Anything else, also a name or a key that is given twice, is a *SyntaxError:
// a file is understood wholly or not at all (product.md §11). It keeps no
// reference to data and is safe for concurrent use.
func ParseAlias(data []byte) ([]Alias, error) {
	p := parser{scanner: scanner{data: data, line: 1}}
	if len(data) > MaxAliasSize {
		return nil, p.fail("larger than %d bytes", MaxAliasSize)
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		for p.off < i {
			p.next()
		}
		return nil, p.fail("a NUL byte")
	}
	return p.file()
}

type parser struct {
	scanner
	depth int
}

func (p *parser) file() ([]Alias, error) {
	const tag = "<?php"
	if len(p.data) < len(tag) || !strings.EqualFold(string(p.data[:len(tag)]), tag) {
		return nil, p.fail(`expected "<?php" at the beginning, found %s`, p.found())
	}
	for range len(tag) {
		p.next()
	}
	if p.off < len(p.data) && !isSpace(p.peek()) {
		return nil, p.fail(`expected a blank after "<?php", found %s`, p.found())
	}
	var list []Alias
	seen := map[string]bool{}
	for {
		if err := p.skip(); err != nil {
			return nil, err
		}
		if p.off >= len(p.data) || p.hasPrefix("?>") {
			break
		}
		at := p.scanner
		a, err := p.statement()
		if err != nil {
			return nil, err
		}
		if seen[a.Name] {
			return nil, at.fail("alias %q is defined twice", a.Name)
		}
		seen[a.Name] = true
		list = append(list, a)
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, p.fail("no alias is defined")
	}
	return list, nil
}

// end accepts the closing tag that hand-made files have, but nothing to print.
func (p *parser) end() error {
	if !p.hasPrefix("?>") {
		return nil
	}
	p.next()
	p.next()
	for p.off < len(p.data) && isSpace(p.peek()) {
		p.next()
	}
	if p.off < len(p.data) {
		return p.fail(`text after "?>"`)
	}
	return nil
}

func (p *parser) statement() (Alias, error) {
	a := Alias{Line: p.line, Col: p.col()}
	const name = "$aliases"
	if !p.hasPrefix(name) {
		return a, p.fail("expected %q, found %s", name, p.found())
	}
	for range len(name) {
		p.next()
	}
	if err := p.expect('[', "after $aliases"); err != nil {
		return a, err
	}
	if err := p.skip(); err != nil {
		return a, err
	}
	if c := p.peek(); c != '\'' && c != '"' {
		return a, p.fail("expected the alias' name, found %s", p.found())
	}
	var err error
	if a.Name, err = p.str(); err != nil {
		return a, err
	}
	if err := p.expect(']', "after the alias' name"); err != nil {
		return a, err
	}
	if err := p.expect('=', "after $aliases[...]"); err != nil {
		return a, err
	}
	if err := p.skip(); err != nil {
		return a, err
	}
	at := p.scanner
	if a.Value, err = p.value(); err != nil {
		return a, err
	}
	if a.Value.Kind != KindArray {
		return a, at.fail("an alias must be an array, not %s", a.Value.Kind)
	}
	return a, p.expect(';', "after the array")
}

// value reads the literal at hand.
func (p *parser) value() (Value, error) {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		s, err := p.str()
		return Value{Kind: KindString, Str: s}, err
	case c == '-' || isDigit(c):
		n, err := p.integer()
		return Value{Kind: KindInt, Int: n}, err
	case c == '[':
		p.next()
		return p.array(']')
	}
	word := p.word()
	at := p.scanner
	for range len(word) {
		p.next()
	}
	switch strings.ToLower(word) {
	case "true":
		return Value{Kind: KindBool, Bool: true}, nil
	case "false":
		return Value{Kind: KindBool}, nil
	case "null":
		return Value{}, nil
	case "array":
		if err := p.expect('(', "after array"); err != nil {
			return Value{}, err
		}
		return p.array(')')
	}
	return Value{}, at.fail("expected a literal, found %s", at.found())
}

// integer reads a decimal integer. A leading zero would make it octal, a dot or
// an exponent a float: neither is understood.
func (p *parser) integer() (int64, error) {
	at := p.scanner
	start := p.off
	if p.peek() == '-' {
		p.next()
	}
	digits := p.off
	for isDigit(p.peek()) {
		p.next()
	}
	text := string(p.data[start:p.off])
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case p.off == digits, isWord(p.peek()), p.peek() == '.',
		p.data[digits] == '0' && p.off-digits > 1:
		return 0, at.fail("not a decimal integer")
	case err != nil:
		return 0, at.fail("integer %s is out of range", text)
	}
	return n, nil
}

// array reads the elements up to the closing bracket; the opening one is read.
func (p *parser) array(closing byte) (Value, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxAliasDepth {
		return Value{}, p.fail("arrays are nested more than %d deep", maxAliasDepth)
	}
	v := Value{Kind: KindArray}
	keys := arrayKeys{seen: map[string]bool{}}
	for {
		if err := p.skip(); err != nil {
			return v, err
		}
		if p.peek() == closing {
			p.next()
			return v, nil
		}
		e, err := p.element(&keys)
		if err != nil {
			return v, err
		}
		v.Entries = append(v.Entries, e)
		if err := p.skip(); err != nil {
			return v, err
		}
		switch p.peek() {
		case ',':
			p.next()
		case closing:
		default:
			return v, p.fail("expected ',' or %q in the array, found %s", closing, p.found())
		}
	}
}

// element reads `value` or `key => value`.
func (p *parser) element(keys *arrayKeys) (Entry, error) {
	at := p.scanner
	e := Entry{Line: p.line, Col: p.col()}
	v, err := p.value()
	if err != nil {
		return e, err
	}
	if err := p.skip(); err != nil {
		return e, err
	}
	if !p.hasPrefix("=>") {
		key, ok := keys.auto()
		if !ok {
			return e, at.fail("no key is left for this element")
		}
		e.Key, e.Value = key, v
		return e, nil
	}
	p.next()
	p.next()
	key, ok := keys.add(v)
	if !ok {
		if v.Kind != KindInt && v.Kind != KindString {
			return e, at.fail("a key must be a string or an integer, not %s", v.Kind)
		}
		return e, at.fail("key %q is given twice", key)
	}
	e.Key = key
	if err := p.skip(); err != nil {
		return e, err
	}
	e.Value, err = p.value()
	return e, err
}

// arrayKeys gives the elements of one array the keys that PHP would give them.
type arrayKeys struct {
	seen map[string]bool
	next int64 // the next automatic key
	full bool  // math.MaxInt64 is taken, and nothing comes after it
}

// auto returns the key of an element that was written without one.
func (k *arrayKeys) auto() (string, bool) {
	if k.full {
		return "", false
	}
	return k.add(Value{Kind: KindInt, Int: k.next})
}

// add takes the key v and returns its text; false if v is no key or is taken.
func (k *arrayKeys) add(v Value) (string, bool) {
	key := v.Str
	n, err := strconv.ParseInt(key, 10, 64)
	isInt := err == nil && strconv.FormatInt(n, 10) == key
	switch v.Kind {
	case KindInt:
		n, isInt, key = v.Int, true, strconv.FormatInt(v.Int, 10)
	case KindString:
	default:
		return "", false
	}
	if k.seen[key] {
		return key, false
	}
	k.seen[key] = true
	if isInt && n >= k.next {
		k.full = n == math.MaxInt64
		if !k.full {
			k.next = n + 1
		}
	}
	return key, true
}
