package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// isASCII reports whether s holds ASCII only.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldName returns name as patterns see it: composed (NFC) and case folded. An
// ASCII name is returned as it is, for a glob folds ASCII while it matches; so is
// one that is not UTF-8, which is compared by bytes (product.md §6).
func foldName(name string) string {
	if isASCII(name) || !utf8.ValidString(name) {
		return name
	}
	return foldText(name)
}

// foldText folds the letters without their marks and composes what comes of it:
// some composed letters have no other case, or one that is not composed.
func foldText(text string) string {
	return norm.NFC.String(strings.Map(foldRune, norm.NFD.String(text)))
}

// combiningIota is a mark that folds to the letter iota.
const combiningIota = '\u0345'

// foldRune returns one and the same rune for every case of r.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	switch {
	case 'A' <= least && least <= 'Z':
		least += 'a' - 'A'
	case least == combiningIota && r != combiningIota:
		least = 'ι' // a letter must not become a mark of the one before it
	}
	return least
}

// equal compares part of a name with ASCII text; with fold the text is lower
// case and the case of the part does not matter.
func equal(part, text string, fold bool) bool {
	if !fold {
		return part == text
	}
	for i := range len(part) {
		b := part[i]
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		if b != text[i] {
			return false
		}
	}
	return true
}
