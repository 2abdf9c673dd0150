package policy

import (
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A pattern matches the name that is the same text, in any case of its letters
// and in any normal form of either.
func TestPatternsMatchThemselves(t *testing.T) {
	marks := []rune{'x', 'ι', 'Ι', '\u0345', '\u0301', '\u0308', '\u0327', '\u1161', '\u11a8'}
	failed := 0
	for first := rune(' '); first < 0x2000; first++ {
		// Latin, Greek and Cyrillic are where cases and marks meet.
		if !unicode.In(first, unicode.Latin, unicode.Greek, unicode.Cyrillic) {
			continue
		}
		for _, mark := range marks {
			text := string([]rune{first, mark, '.'})
			other := norm.NFD.String(string([]rune{otherCase(first), otherCase(mark), '.'}))
			for _, pattern := range []string{text, norm.NFC.String(text), norm.NFD.String(text), "*" + text + "?x"} {
				g, err := compileGlob(pattern, true)
				if err != nil {
					t.Fatalf("%+q: %v", pattern, err)
				}
				for _, name := range []string{text, norm.NFC.String(text), norm.NFD.String(text), other, norm.NFC.String(other)} {
					if pattern[0] == '*' {
						name += "-X"
					}
					if !g.match(foldName(name)) {
						t.Errorf("%+q does not match %+q", pattern, name)
						failed++
					}
				}
			}
			if failed > 20 {
				t.Fatal("and more")
			}
		}
	}
}

// otherCase returns another case of a letter; marks have none.
func otherCase(r rune) rune {
	if other := unicode.SimpleFold(r); r != combiningIota && other != combiningIota {
		return other
	}
	return r
}

func TestPatternsAreCaseless(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"ΚΑΙ*", "και.exe", true},
		{"και*", "ΚΑΙ.exe", true},
		{"straße.*", "STRAẞE.txt", true},
		{"σίσυφος", "ΣΊΣΥΦΟΣ", true},
		{"*.ÉXE", "x.e\u0301xe", true},
		{"*.exe", "x.éxe", false},
		{"\u1e97*", "T\u0308x", true}, // there is no composed capital
		{"K", "\u212a", true},         // the Kelvin sign
		{"[é-ë]", "Ê", true},
		{"?", "e\u0301", true}, // composed first: one character
		{"caf\xc3\xa9", "caf\xe9", false},
		{"CAF?", "caf\xe9", true},
	} {
		g, err := compileGlob(tt.pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.match(foldName(tt.name)); got != tt.want {
			t.Errorf("%+q matches %+q = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}
