package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// placeholder finds what looks like one, so that a misspelt one is an error.
var placeholder = regexp.MustCompile(`%[a-z_]+%`)

// expand returns text with the placeholders of product.md §3 replaced by what
// they mean for a. One that expands to nothing, or to something that is not one
// plain component of a path, is an error: it would change the meaning of a path.
func expand(text string, a *Account) (string, error) {
	if !strings.Contains(text, "%") {
		return text, nil
	}
	var err error
	out := placeholder.ReplaceAllStringFunc(text, func(word string) string {
		var value string
		switch word {
		case "%username%":
			value = a.Name
		case "%client%":
			value = a.Client
		case "%instance%":
			value = a.Instance
		default:
			err = fmt.Errorf("%q has an unknown placeholder %s", text, word)
			return word
		}
		switch {
		case value == "":
			err = fmt.Errorf("%s in %q expands to nothing", word, text)
		case !plainName(value) || strings.ContainsAny(value, globMeta):
			err = fmt.Errorf("%s in %q expands to %q, which is not a plain name", word, text, value)
		}
		return value
	})
	return out, err
}

// expandPath expands and cleans an absolute path: first expanded, then cleaned,
// then compared (product.md §4, decision 3).
func expandPath(text string, a *Account) (string, error) {
	p, err := expand(text, a)
	if err != nil {
		return "", err
	}
	return cleanPath(p)
}

// sample is an account whose placeholders all expand: with it the form of a
// path can be judged before anybody inherits it.
var sample = Account{Name: "x", Client: "x", Instance: "x"}
