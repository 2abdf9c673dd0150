package login

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// packet is a question with some of its fields replaced, by position.
func packet(replace map[int]string) []byte {
	fields := []string{magic, "account", "SSH", "grantfs-sshd", "o1.foo", "192.0.2.1", "proved ", "4711", "password\npublickey k\n"}
	for i, f := range replace {
		fields[i] = f
	}
	return []byte(strings.Join(fields, "\x00"))
}

func TestParseRequest(t *testing.T) {
	want := request{
		phase: phaseAccount, protocol: "SSH", service: "grantfs-sshd", user: "o1.foo", rhost: "192.0.2.1",
		note: note{proved: true}, socket: 4711, methods: "password\npublickey k\n",
	}
	got, err := parseRequest(packet(nil))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(request{}, note{})); err != nil || diff != "" {
		t.Errorf("parseRequest: %v, -want +got:\n%s", err, diff)
	}
	for name, bad := range map[string][]byte{
		"empty":            {},
		"another version":  packet(map[int]string{0: "grantfs-pam-0"}),
		"unknown phase":    packet(map[int]string{1: "password"}),
		"a zero byte more": packet(map[int]string{4: "o1.foo\x00"}),
		"a field less":     []byte(magic + "\x00auth"),
		"a long name":      packet(map[int]string{4: strings.Repeat("a", maxField+1)}),
		"no inode":         packet(map[int]string{7: ""}),
		"a negative inode": packet(map[int]string{7: "-1"}),
		"too long":         packet(map[int]string{8: strings.Repeat("a", maxPacket)}),
	} {
		if r, err := parseRequest(bad); err == nil {
			t.Errorf("%s: parseRequest = %+v, want an error", name, r)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(packet(nil))
	f.Add(packet(map[int]string{1: "session", 8: ""}))
	f.Add([]byte("grantfs-pam-2\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRequest(text)
		if err != nil {
			return
		}
		for _, field := range []string{r.protocol, r.service, r.user, r.rhost, r.note.code} {
			if len(field) > maxField || strings.Contains(field, "\x00") {
				t.Errorf("field %q", field)
			}
		}
		for _, m := range sshMethods(r.methods) {
			if strings.ContainsAny(m, "\n /") {
				t.Errorf("method %q of %q", m, r.methods)
			}
		}
	})
}

func TestNote(t *testing.T) {
	for _, n := range []note{{}, {accepted: true}, {code: "123456"}, {accepted: true, code: "123456"}, {proved: true}, {accepted: true, proved: true, coded: true}, {accepted: true, keyed: true, proved: true, coded: true}, {keyed: true}} {
		if got := parseNote(n.String()); got != n {
			t.Errorf("%+v: as %q it is %+v", n, n, got)
		}
	}
}

func TestSSHMethods(t *testing.T) {
	for info, want := range map[string][]string{
		"":                              {""},
		"password\n":                    {"password"},
		"publickey ssh-ed25519 AAAA=\n": {"publickey"},
		"publickey ssh-ed25519 AAAA=\nkeyboard-interactive/pam\n": {"publickey", "keyboard-interactive"},
		"\n": {""},
	} {
		if diff := cmp.Diff(want, sshMethods(info)); diff != "" {
			t.Errorf("%q: -want +got:\n%s", info, diff)
		}
	}
}
