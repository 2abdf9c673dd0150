package credential

import (
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"strconv"
	"strings"
)

// Rounds of SHA-512 crypt. A random password needs no more than the least that
// the scheme has; one that a person thought of is to cost who guesses it as much as
// its owner can wait, 50 ms or so at each login.
const (
	roundsRandom = 1_000
	roundsChosen = 60_000
	// A hash that says nothing has so many, and none costs more than the most: it is
	// checked while somebody waits.
	roundsDefault = 5_000
	roundsMost    = 1_000_000
)

// alphabet64 is that of crypt(3).
const alphabet64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// hash returns the crypt(3) hash of a password, "$6$", with a new salt.
func hash(password string, rounds int) string {
	salt := make([]byte, 16)
	rand.Read(salt) // it never fails
	for i, b := range salt {
		salt[i] = alphabet64[b&63]
	}
	return sha512Crypt([]byte(password), salt, rounds)
}

// Matches reports whether password has the crypt(3) hash, which must be of the
// scheme "$6$". How long it takes says nothing of how much is right.
func Matches(hash, password string) bool {
	fields := strings.Split(hash, "$") // "", "6", maybe "rounds=N", salt, sum
	if len(fields) < 4 || fields[1] != "6" {
		return false
	}
	rounds := roundsDefault
	if n, ok := strings.CutPrefix(fields[2], "rounds="); ok {
		var err error
		if rounds, err = strconv.Atoi(n); err != nil || len(fields) < 5 {
			return false
		}
		rounds = min(max(rounds, roundsRandom), roundsMost)
	}
	salt := fields[len(fields)-2]
	sum := sha512Crypt([]byte(password), []byte(salt[:min(len(salt), 16)]), rounds)
	return subtle.ConstantTimeCompare([]byte(sum[strings.LastIndexByte(sum, '$')+1:]), []byte(fields[len(fields)-1])) == 1
}

// sha512Crypt is "Unix crypt using SHA-256 and SHA-512" by U. Drepper, version 0.6.
func sha512Crypt(password, salt []byte, rounds int) string {
	b := sha512.New()
	b.Write(password)
	b.Write(salt)
	b.Write(password)
	alternate := b.Sum(nil)

	a := sha512.New()
	a.Write(password)
	a.Write(salt)
	a.Write(stretched(alternate, len(password)))
	for n := len(password); n > 0; n >>= 1 {
		if n&1 != 0 {
			a.Write(alternate)
		} else {
			a.Write(password)
		}
	}
	sum := a.Sum(nil)

	d := sha512.New()
	for range password {
		d.Write(password)
	}
	p := stretched(d.Sum(nil), len(password))
	d.Reset()
	for range 16 + int(sum[0]) {
		d.Write(salt)
	}
	s := stretched(d.Sum(nil), len(salt))

	for i := range rounds {
		d.Reset()
		if i&1 != 0 {
			d.Write(p)
		} else {
			d.Write(sum)
		}
		if i%3 != 0 {
			d.Write(s)
		}
		if i%7 != 0 {
			d.Write(p)
		}
		if i&1 != 0 {
			d.Write(sum)
		} else {
			d.Write(p)
		}
		sum = d.Sum(sum[:0])
	}
	return fmt.Sprintf("$6$rounds=%d$%s$%s", rounds, salt, encode64(sum))
}

// stretched repeats sum until it is n bytes long.
func stretched(sum []byte, n int) []byte {
	out := make([]byte, 0, n+len(sum))
	for len(out) < n {
		out = append(out, sum...)
	}
	return out[:n]
}

// encode64 writes a sum of SHA-512 in the order and alphabet of the scheme.
func encode64(sum []byte) string {
	var out strings.Builder
	write := func(v uint, n int) {
		for range n {
			out.WriteByte(alphabet64[v&63])
			v >>= 6
		}
	}
	a, b, c := 0, 21, 42
	for range 21 {
		write(uint(sum[a])<<16|uint(sum[b])<<8|uint(sum[c]), 4)
		a, b, c = b+1, c+1, a+1
	}
	write(uint(sum[63]), 2)
	return out.String()
}
