package config

import (
	"path"
	"strings"
)

const (
	maxPath      = 4095 // PATH_MAX without its NUL, limits.h
	maxComponent = 255  // NAME_MAX, limits.h
	maxSocket    = 107  // sun_path without its NUL, unix(7)
)

// placeholders are what may stand between per cent signs in group values and
// folder sources (product.md §3).
var placeholders = []string{"%username%", "%client%", "%instance%"}

// absolute reads an absolute path. A trailing slash is dropped; components that
// are empty, "." or ".." are errors (product.md §3). The empty string means not
// set.
func absolute(d *decoder, key string, n *node) (string, bool) {
	p, ok := text(d, key, n)
	if !ok {
		return "", false
	}
	return d.cleanAbsolute(key, n, p)
}

// neverEmpty returns read for a key that the empty string can't unset.
func neverEmpty(read reader[string]) reader[string] {
	return func(d *decoder, key string, n *node) (string, bool) {
		if n.kind == kindString && n.text == "" {
			d.errorf(n.at, "%s is empty", key)
			return "", false
		}
		return read(d, key, n)
	}
}

func (d *decoder) cleanAbsolute(key string, n *node, p string) (string, bool) {
	if !strings.HasPrefix(p, "/") {
		d.errorf(n.at, "%s %s is relative; it must begin with /", key, quote(p))
		return "", false
	}
	if p == "/" {
		return p, true
	}
	p = strings.TrimSuffix(p, "/")
	if msg := pathProblem(p[1:]); msg != "" {
		d.errorf(n.at, "%s %s %s", key, quote(p), msg)
		return "", false
	}
	return p, true
}

// relative reads a path below a folder. The empty string means not set.
func relative(d *decoder, key string, n *node) (string, bool) {
	p, ok := text(d, key, n)
	if !ok {
		return "", false
	}
	if strings.HasPrefix(p, "/") {
		d.errorf(n.at, "%s %s must not begin with /", key, quote(p))
		return "", false
	}
	p = strings.TrimSuffix(p, "/")
	if msg := pathProblem(p); msg != "" {
		d.errorf(n.at, "%s %s %s", key, quote(p), msg)
		return "", false
	}
	return p, d.knownPlaceholders(key, n, p)
}

// expandable returns read for a value that may hold placeholders.
func expandable(read reader[string]) reader[string] {
	return func(d *decoder, key string, n *node) (string, bool) {
		p, ok := read(d, key, n)
		return p, ok && d.knownPlaceholders(key, n, p)
	}
}

// pathProblem says what is wrong with the components of a path, "" if nothing.
func pathProblem(p string) string {
	if len(p) > maxPath-1 {
		return "is longer than 4095 bytes"
	}
	for c := range strings.SplitSeq(p, "/") {
		switch {
		case c == "":
			return "has an empty component"
		case c == "." || c == "..":
			return `has the component "` + c + `"`
		case len(c) > maxComponent:
			return "has a component of more than 255 bytes"
		case strings.IndexFunc(c, isControl) >= 0:
			return "has a control character"
		}
	}
	return ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// knownPlaceholders reports a word between per cent signs that is no
// placeholder: it would silently stay as it is.
func (d *decoder) knownPlaceholders(key string, n *node, s string) bool {
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			return true
		}
		j := strings.IndexByte(s[i+1:], '%')
		if j < 0 {
			return true
		}
		word := s[i : i+j+2]
		inner := word[1 : len(word)-1]
		switch {
		case inner == "" || strings.Trim(inner, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "":
			s = s[i+j+1:] // the second per cent sign may begin one
		case !isPlaceholder(word):
			d.errorf(n.at, "%s: unknown placeholder %s%s", key, word, d.hintPlaceholder(word))
			return false
		default:
			s = s[i+j+2:]
		}
	}
}

func isPlaceholder(word string) bool {
	for _, p := range placeholders {
		if p == word {
			return true
		}
	}
	return false
}

func (d *decoder) hintPlaceholder(word string) string {
	if hint := d.didYouMean(word, placeholders); hint != "" {
		return hint
	}
	return " (there are " + strings.Join(placeholders, ", ") + ")"
}

// socket reads the path of a Unix socket.
func socket(d *decoder, key string, n *node) (string, bool) {
	p, ok := absolute(d, key, n)
	if ok && len(p) > maxSocket {
		d.errorf(n.at, "%s is longer than the 107 bytes a socket's path may have", key)
		return "", false
	}
	return p, ok
}

// namePattern reads a glob on a base name (product.md §6).
func namePattern(d *decoder, key string, n *node) (string, bool) {
	switch _, err := path.Match(n.text, ""); {
	case n.text == "":
		d.errorf(n.at, "%s holds an empty pattern", key)
	case strings.Contains(n.text, "/"):
		d.errorf(n.at, "%s: the pattern %s holds a /; patterns are compared with base names", key, quote(n.text))
	case err != nil:
		d.errorf(n.at, "%s: %s is not a pattern", key, quote(n.text))
	default:
		return n.text, true
	}
	return "", false
}

// hook reads what a hook calls: an absolute path or an http(s) address.
func hook(d *decoder, key string, n *node) (string, bool) {
	s, ok := text(d, key, n)
	if !ok {
		return "", false
	}
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(s, scheme); ok {
			if rest == "" || strings.ContainsAny(rest, " \t\r\n") {
				d.errorf(n.at, "%s: %s is not an address", key, quote(s))
				return "", false
			}
			return s, true
		}
	}
	if !strings.HasPrefix(s, "/") {
		d.errorf(n.at, "%s %s must be an absolute path, or an address beginning with http:// or https://", key, quote(s))
		return "", false
	}
	return d.cleanAbsolute(key, n, s)
}
