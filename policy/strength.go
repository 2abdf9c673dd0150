package policy

import (
	"math"
	"strings"
)

// Strength returns the entropy of a password in bits, as "password_strength" means
// it (product.md §10): its length times what one character of the kinds in it tells,
// where the third and further of a run of equal or consecutive characters tell
// nothing. It is the measure of SFTPGo, so that limits can be carried over.
func Strength(password string) float64 {
	const (
		replacers = "!@$&*"
		separate  = "_-., "
		lower     = "abcdefghijklmnopqrstuvwxyz"
		upper     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		digits    = "0123456789"
		special   = `"#%'()+/:;<=>?[\]^{|}~`
	)
	base := 0
	rest := password
	for _, kind := range []string{replacers, separate, lower, upper, digits, special} {
		if !strings.ContainsAny(password, kind) {
			continue
		}
		base += len(kind)
		rest = strings.Map(func(r rune) rune {
			if strings.ContainsRune(kind, r) {
				return -1
			}
			return r
		}, rest)
	}
	others := map[rune]bool{}
	for _, r := range rest {
		others[r] = true
	}
	base += len(others)
	if base == 0 {
		return 0
	}
	return float64(telling(password)) * math.Log2(float64(max(base, 2)))
}

// telling returns how many characters of a password are not foretold by the two
// before them.
func telling(password string) int {
	n := 0
	var last, before rune
	for i, r := range []rune(strings.ToLower(password)) {
		step := r - last
		foretold := i >= 2 && step == last-before && step >= -1 && step <= 1
		if !foretold {
			n++
		}
		before, last = last, r
	}
	return n
}
