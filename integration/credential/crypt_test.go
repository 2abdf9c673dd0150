package credential

import (
	"os/exec"
	"strings"
	"testing"
)

// TestSHA512Crypt compares with the vectors of the scheme.
func TestSHA512Crypt(t *testing.T) {
	for _, tt := range []struct {
		rounds               int
		salt, password, want string
	}{
		{10000, "saltstringsaltst", "Hello world!", "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
		{5000, "toolongsaltstrin", "This is just a test", "lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"},
		{77777, "short", "we have a short salt string but not a short password", "WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0"},
		{123456, "asaltof16chars..", "a short string", "BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1"},
	} {
		got := sha512Crypt([]byte(tt.password), []byte(tt.salt), tt.rounds)
		if !strings.HasSuffix(got, "$"+tt.salt+"$"+tt.want) {
			t.Errorf("sha512Crypt(%q, %q, %d) = %s, want …%s", tt.password, tt.salt, tt.rounds, got, tt.want)
		}
	}
}

// TestHash: the host's own crypt(3) agrees.
func TestHash(t *testing.T) {
	for _, password := range []string{"a", "pässword with spaces", strings.Repeat("long", 40)} {
		ours := hash(password, roundsRandom)
		script := `my $p = <STDIN>; print crypt($p, $ARGV[0])`
		cmd := exec.Command("perl", "-e", script, ours)
		cmd.Stdin = strings.NewReader(password)
		out, err := cmd.Output()
		if err != nil || string(out) != ours {
			t.Errorf("crypt(%q) = %s, %v, want %s", password, out, err, ours)
		}
	}
	first := hash("a", roundsRandom)
	if first == hash("a", roundsRandom) {
		t.Error("two hashes have the same salt")
	}
}

func TestMatches(t *testing.T) {
	// As `openssl passwd -6` prints it, without rounds.
	const plain = "$6$4Kxw1ZpQ1m3kz0oT$"
	out, err := exec.Command("openssl", "passwd", "-6", "-salt", "4Kxw1ZpQ1m3kz0oT", "right").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.TrimSpace(string(out))
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{theirs, "right", true},
		{theirs, "Right", false},
		{theirs, "", false},
		{hash("right", roundsRandom), "right", true},
		{plain, "right", false},
		{"", "", false},
		{"$6$rounds=x$a$b", "", false},
		{"$6$rounds=5000$a", "", false},
		{"$y$j9T$a$b", "right", false},
	} {
		if got := Matches(c.hash, c.password); got != c.want {
			t.Errorf("Matches(%q, %q) = %v, want %v", c.hash, c.password, got, c.want)
		}
	}
}
