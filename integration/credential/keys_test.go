package credential

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// encode returns the base64 of a blob with these fields.
func encode(fields ...string) string {
	var b []byte
	for _, f := range fields {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	return base64.StdEncoding.EncodeToString(b)
}

var (
	ed      = "ssh-ed25519 " + encode("ssh-ed25519", strings.Repeat("k", 32))
	rsaGood = "ssh-rsa " + encode("ssh-rsa", "\x01\x00\x01", "\x00\x80"+strings.Repeat("n", 255))
)

func TestParseKeys(t *testing.T) {
	tests := []struct {
		name, text string
		line       int // that is bad; 0 for none
		keys       int
	}{
		{"nothing", "", 0, 0},
		{"comments and blank lines", "# a\n\n \t\r\n#b", 0, 0},
		{"one", ed, 0, 1},
		{"with a comment", ed + " me@there, \"quoted\" ü\r\n", 0, 1},
		{"two", "  " + ed + "\n\n" + rsaGood + "\n", 0, 2},
		{"options", `restrict,from="192.0.2.0/24,!192.0.2.7,*.example.org",expiry-time="20270101" ` + ed, 0, 1},
		{"no-options, any case", "No-PTY,no-port-forwarding " + ed, 0, 1},
		{"space in an option", `from="a b" ` + ed, 1, 0},
		{"a command", `command="/bin/sh" ` + ed, 1, 0},
		{"a command behind a good one", `restrict,command="x" ` + ed, 1, 0},
		{"environment", `environment="LD_PRELOAD=/x" ` + ed, 1, 0},
		{"a certificate authority", "cert-authority " + ed, 1, 0},
		{"principals", `principals="root" ` + ed, 1, 0},
		{"permitopen", `permitopen="a:1" ` + ed, 1, 0},
		{"a value where none is", `restrict="x" ` + ed, 1, 0},
		{"no value where one is", "from " + ed, 1, 0},
		{"an open quote", `from="a ` + ed, 1, 0},
		{"an escaped quote", `from="a\"b" ` + ed, 1, 0},
		{"no comma", `from="a"restrict ` + ed, 1, 0},
		{"a last comma", "restrict, " + ed, 1, 0},
		{"junk", ed + "\nhello world\n", 2, 0},
		{"no blob", "ssh-ed25519", 1, 0},
		{"bad base64", "ssh-ed25519 !!!", 1, 0},
		{"another type inside", "ssh-ed25519 " + encode("ssh-rsa", "k"), 1, 0},
		{"cut short", ed[:len(ed)-8], 1, 0},
		{"more behind", "ssh-ed25519 " + encode("ssh-ed25519", "k", "more"), 1, 0},
		{"a huge length", "ssh-ed25519 " + base64.StdEncoding.EncodeToString([]byte{0xff, 0xff, 0xff, 0xff}), 1, 0},
		{"weak RSA", "ssh-rsa " + encode("ssh-rsa", "\x01\x00\x01", "\x00\x7f"+strings.Repeat("n", 255)), 1, 0},
		{"DSA", "ssh-dss " + encode("ssh-dss", "p", "q", "g", "y"), 1, 0},
		{"a NUL", ed + " a\x00b", 1, 0},
		{"an escape", ed + " a\x1b[31m", 1, 0},
		{"no UTF-8", ed + " \xff", 1, 0},
		{"a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\n", 1, 0},
		{"the largest", ed + " " + strings.Repeat("c", MaxKeys-len(ed)-1), 0, 1},
	}
	for _, tt := range tests {
		keys, err := ParseKeys([]byte(tt.text))
		var bad *LineError
		line := 0
		if errors.As(err, &bad) {
			line = bad.Line
		}
		if line != tt.line || (err != nil) != (tt.line != 0) || len(keys) != tt.keys {
			t.Errorf("%s: %d keys, %v, want %d keys and line %d to be bad", tt.name, len(keys), err, tt.keys, tt.line)
		}
	}
	if _, err := ParseKeys(make([]byte, MaxKeys+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a text that is too long: %v", err)
	}
}

// TestRealKeys reads what ssh-keygen makes of each type that this machine can.
func TestRealKeys(t *testing.T) {
	dir := t.TempDir()
	for _, args := range []string{"-t ed25519", "-t ecdsa -b 256", "-t ecdsa -b 384", "-t ecdsa -b 521", "-t rsa -b 2048"} {
		file := filepath.Join(dir, strings.ReplaceAll(args, " ", ""))
		if out, err := exec.Command("ssh-keygen", append(strings.Fields(args), "-q", "-N", "", "-f", file)...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %s: %v\n%s", args, err, out)
		}
		text, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		keys, err := ParseKeys(text)
		if err != nil || len(keys) != 1 || keys[0].Line != strings.TrimSpace(string(text)) {
			t.Errorf("%s: %v, %v", args, keys, err)
			continue
		}
		fields := strings.Fields(string(text))
		lines, err := Matching(append([]byte(ed+"\nrestrict "), text...), fields[0], fields[1])
		if err != nil || len(lines) != 1 || lines[0] != "restrict "+keys[0].Line {
			t.Errorf("%s: Matching = %q, %v", args, lines, err)
		}
		if lines, _ := Matching(text, "ssh-dss", fields[1]); lines != nil {
			t.Errorf("%s: Matching of another type = %q", args, lines)
		}
	}
}

func TestAddAndRemove(t *testing.T) {
	text, err := AddKeys([]byte("# mine\n"+ed+" one"), []byte(ed+" again\n"+rsaGood+" two\n"+rsaGood+" three"))
	if want := "# mine\n" + ed + " one\n" + rsaGood + " two\n"; err != nil || string(text) != want {
		t.Fatalf("AddKeys = %q, %v, want %q", text, err, want)
	}
	if _, err := AddKeys(text, []byte("junk")); err == nil {
		t.Error("AddKeys took junk")
	}
	rest, n, err := RemoveKeys(text, []byte(ed))
	if want := "# mine\n" + rsaGood + " two\n"; err != nil || n != 1 || string(rest) != want {
		t.Errorf("RemoveKeys = %q, %d, %v, want %q", rest, n, err, want)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`restrict,from="a" ` + ed + " c\n"))
	f.Add([]byte(rsaGood))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParseKeys(text)
		if err != nil {
			return
		}
		for _, k := range keys {
			if strings.ContainsAny(k.Line, "\n\x00") || strings.Contains(strings.ToLower(strings.SplitN(k.Line, " ssh-", 2)[0]), "command=") && !strings.HasPrefix(k.Line, k.Type) {
				t.Errorf("the line %q was taken", k.Line)
			}
		}
	})
}
