package policy

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// globMeta are the characters that make a component a glob.
const globMeta = `*?[\`

// isGlob reports whether s has a meta character.
func isGlob(s string) bool { return strings.ContainsAny(s, globMeta) }

// glob is a compiled shell pattern for one name, with the syntax of path.Match.
// A folding glob ignores case and Unicode normalisation (product.md §6).
type glob struct {
	text  string
	fold  bool
	runes []globToken // for names that are valid UTF-8
	bytes []globToken // for the others; the same slice where the pattern is ASCII

	// What every match begins and ends with, as far as it is ASCII: most names
	// are settled by it. whole: the pattern is no more than head, a star, tail.
	head, tail string
	whole      bool
}

type globKind uint8

const (
	globLiteral globKind = iota
	globAny
	globStar
	globClass
)

type globToken struct {
	kind    globKind
	negated bool
	r       rune
	ranges  [][2]rune
}

// compileGlob returns the compiled form of text, which must be UTF-8 as all of a
// configuration is.
func compileGlob(text string, fold bool) (*glob, error) {
	if _, err := path.Match(text, ""); err != nil {
		return nil, err
	}
	if !utf8.ValidString(text) {
		return nil, path.ErrBadPattern
	}
	g := &glob{text: text, fold: fold}
	raw := text
	if fold {
		text = norm.NFC.String(text)
	}
	g.runes = tokenize(text, fold)
	if fold && !isASCII(text) {
		g.runes = recompose(g.runes)
	}
	g.bytes = g.runes
	if !isASCII(raw) {
		g.bytes = byteTokens(tokenize(raw, false), fold)
	}
	g.head, g.tail = affixes(g.runes)
	g.whole = len(g.runes) == len(g.head)+1+len(g.tail) && g.runes[len(g.head)].kind == globStar
	return g, nil
}

// affixes returns the ASCII text before the first and after the last token that
// is anything else.
func affixes(list []globToken) (head, tail string) {
	plain := func(t globToken) bool { return t.kind == globLiteral && t.r < utf8.RuneSelf }
	i, j := 0, len(list)
	for i < len(list) && plain(list[i]) {
		head += string(list[i].r)
		i++
	}
	for j > i && plain(list[j-1]) {
		j--
		tail = string(list[j].r) + tail
	}
	return head, tail
}

// tokenize splits a pattern that path.Match has accepted.
func tokenize(text string, fold bool) []globToken {
	var list []globToken
	next := func() rune {
		r, n := utf8.DecodeRuneInString(text)
		text = text[n:]
		return r
	}
	escaped := func() rune {
		r := next()
		if r == '\\' {
			r = next()
		}
		return r
	}
	for text != "" {
		switch r := next(); r {
		case '*':
			if n := len(list); n == 0 || list[n-1].kind != globStar {
				list = append(list, globToken{kind: globStar})
			}
		case '?':
			list = append(list, globToken{kind: globAny})
		case '[':
			t := globToken{kind: globClass}
			if strings.HasPrefix(text, "^") {
				t.negated = true
				next()
			}
			for first := true; first || !strings.HasPrefix(text, "]"); first = false {
				if text == "" {
					break
				}
				lo := escaped()
				hi := lo
				if strings.HasPrefix(text, "-") {
					next()
					hi = escaped()
				}
				t.ranges = append(t.ranges, [2]rune{lo, hi})
			}
			if text != "" {
				next() // the closing bracket
			}
			list = append(list, t)
		default:
			if r == '\\' {
				r = next()
			}
			if fold {
				r = foldRune(r)
			}
			list = append(list, globToken{kind: globLiteral, r: r})
		}
	}
	return list
}

// recompose folds each stretch of literals as foldName does a name: a pattern and
// a name that are the same text must be the same after folding.
func recompose(list []globToken) []globToken {
	var out []globToken
	var run []rune
	flush := func() {
		for _, r := range foldText(string(run)) {
			out = append(out, globToken{kind: globLiteral, r: r})
		}
		run = run[:0]
	}
	for _, t := range list {
		if t.kind == globLiteral {
			run = append(run, t.r)
			continue
		}
		flush()
		out = append(out, t)
	}
	flush()
	return out
}

// byteTokens returns list for matching byte by byte, where only ASCII has case.
func byteTokens(list []globToken, fold bool) []globToken {
	var out []globToken
	for _, t := range list {
		if t.kind != globLiteral || t.r < utf8.RuneSelf {
			if fold && t.kind == globLiteral {
				t.r = foldRune(t.r)
			}
			out = append(out, t)
			continue
		}
		for _, b := range []byte(string(t.r)) {
			out = append(out, globToken{kind: globLiteral, r: rune(b)})
		}
	}
	return out
}

// match reports whether the whole of name matches. For a folding glob name must
// come from foldName unless it is ASCII.
func (g *glob) match(name string) bool {
	if len(name) < len(g.head)+len(g.tail) || !equal(name[:len(g.head)], g.head, g.fold) || !equal(name[len(name)-len(g.tail):], g.tail, g.fold) {
		return false
	}
	if g.whole {
		return true
	}
	list, raw := g.runes, false
	if !isASCII(name) && !utf8.ValidString(name) {
		list, raw = g.bytes, true
	}
	i, at := 0, 0
	star, starAt := -1, 0 // where to go on when what follows the last star fails
	for at < len(name) {
		if i < len(list) && list[i].kind == globStar {
			star, starAt = i, at
			i++
			continue
		}
		r, n := decode(name[at:], raw, g.fold)
		if i < len(list) && list[i].accepts(r, g.fold) {
			i++
			at += n
			continue
		}
		if star < 0 {
			return false
		}
		_, n = decode(name[starAt:], raw, g.fold)
		starAt += n
		i, at = star+1, starAt
	}
	for i < len(list) && list[i].kind == globStar {
		i++
	}
	return i == len(list)
}

func decode(s string, raw, fold bool) (rune, int) {
	b := s[0]
	switch {
	case b < utf8.RuneSelf && fold && 'A' <= b && b <= 'Z':
		return rune(b) + 'a' - 'A', 1
	case b < utf8.RuneSelf || raw:
		return rune(b), 1
	}
	return utf8.DecodeRuneInString(s)
}

func (t *globToken) accepts(r rune, fold bool) bool {
	switch t.kind {
	case globLiteral:
		return t.r == r
	case globAny:
		return true
	case globClass:
		return t.inClass(r, fold) != t.negated
	}
	return false
}

// inClass reports whether r, or with fold any other case of it, is listed.
func (t *globToken) inClass(r rune, fold bool) bool {
	for other := r; ; {
		for _, span := range t.ranges {
			if span[0] <= other && other <= span[1] {
				return true
			}
		}
		if !fold {
			return false
		}
		if other = unicode.SimpleFold(other); other == r {
			return false
		}
	}
}

// literals counts the characters of a glob component that stand for themselves:
// of two globs at one level the one with more of them decides (product.md §5).
func literals(component string) int {
	if !isGlob(component) {
		return utf8.RuneCountInString(component)
	}
	n := 0
	for _, t := range tokenize(component, false) {
		if t.kind == globLiteral {
			n++
		}
	}
	return n
}

// meet reports whether some name could match both a and b. Two classes are
// taken to meet. It takes time proportional to len(a)*len(b).
func meet(a, b []globToken) bool {
	// row[j] says whether a[i:] and b[j:] meet, for the i below the current one.
	row := make([]bool, len(b)+1)
	for i := len(a); i >= 0; i-- {
		diagonal := false // row[j+1] as it was
		for j := len(b); j >= 0; j-- {
			below := row[j]
			switch {
			case i == len(a) && j == len(b):
				row[j] = true
			case i < len(a) && a[i].kind == globStar: // matches nothing, or what b has next
				row[j] = below || (j < len(b) && row[j+1])
			case j < len(b) && b[j].kind == globStar:
				row[j] = row[j+1] || (i < len(a) && below)
			case i == len(a) || j == len(b):
				row[j] = false
			default:
				row[j] = diagonal && a[i].meets(&b[j])
			}
			diagonal = below
		}
	}
	return row[0]
}

func (t *globToken) meets(u *globToken) bool {
	switch {
	case t.kind == globLiteral:
		return u.accepts(t.r, false)
	case u.kind == globLiteral:
		return t.accepts(u.r, false)
	}
	return true
}
