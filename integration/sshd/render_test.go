package sshd

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"grantfs/integration/account"
)

// standalone returns options for an sshd of its own, with a fresh host key.
func standalone(t *testing.T, dir string) Options {
	t.Helper()
	key := filepath.Join(dir, "host key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return Options{Point: "/srv/views", Standalone: &Standalone{
		Listen: netip.MustParseAddrPort("127.0.0.1:2522"), HostKeys: []string{key},
	}}
}

// write renders o to a file and returns its path.
func write(t *testing.T, path string, o Options) string {
	t.Helper()
	text, err := Render(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sshd runs sshd in a mount namespace of its own where the users root and
// member, of group grantfs, exist, and returns what it printed.
func sshd(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	files := map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n" +
			"o1.foo:x:1900:1900::/:\no1.two:x:1901:1900::/:\no1.key:x:1902:1900::/:\no1.both:x:1903:1900::/:\no1.nokey:x:1904:1900::/:\n" +
			"o1.nokbd:x:1905:1900::/:\no1.ftp:x:1906:1900::/:\n",
		"group": "root:x:0:\ngrantfs:x:1900:\ngrantfs-2fa:x:1901:o1.two,o1.both\ngrantfs-nopassword:x:1902:o1.key,o1.both\n" +
			"grantfs-nopublickey:x:1903:o1.nokey\ngrantfs-nokeyboard:x:1904:o1.nokbd\ngrantfs-nossh:x:1905:o1.ftp\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// sshd insists on its empty directory even to test a configuration.
	const script = `set -e
mount --bind "$0/passwd" /etc/passwd
mount --bind "$0/group" /etc/group
mount -t tmpfs none /run
mkdir -m 755 /run/sshd
exec /usr/sbin/sshd "$@"`
	out, err := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, dir}, args...)...).CombinedOutput()
	return string(out), err
}

// stock writes what Debian's sshd_config says, with the drop-in included as
// there, and returns its path.
func stock(t *testing.T, dir string, o Options) string {
	t.Helper()
	key := standalone(t, dir).Standalone.HostKeys[0]
	if err := os.Mkdir(filepath.Join(dir, "sshd_config.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "sshd_config.d", filepath.Base(DropInPath)), o)
	// The next drop-in is for everybody: it must not end up in our Match block.
	next := filepath.Join(dir, "sshd_config.d", "60-next.conf")
	if err := os.WriteFile(next, []byte("Port 2299\nMaxAuthTries 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sshd_config")
	text := "Include " + dir + "/sshd_config.d/*.conf\nHostKey \"" + key + "\"\n" +
		"KbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\n" +
		"AcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSSHDAccepts lets sshd itself judge both forms.
func TestSSHDAccepts(t *testing.T) {
	forms := map[string]func(dir string) []string{
		"standalone": func(dir string) []string {
			return []string{write(t, filepath.Join(dir, "config"), standalone(t, dir))}
		},
		"left to the command line": func(dir string) []string {
			key := standalone(t, dir).Standalone.HostKeys[0]
			path := write(t, filepath.Join(dir, "config"), Options{Point: "/srv/views", Standalone: &Standalone{}})
			return []string{path, "-h", key, "-o", "ListenAddress=127.0.0.1", "-p", "2522"}
		},
		"drop-in":   func(dir string) []string { return []string{stock(t, dir, Options{Point: "/srv/views"})} },
		"odd point": func(dir string) []string { return []string{stock(t, dir, Options{Point: "/srv/100% my #views"})} },
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if out, err := sshd(t, dir, append([]string{"-t", "-f"}, form(dir)...)...); err != nil || out != "" {
				t.Errorf("sshd -t: %v\n%s", err, out)
			}
		})
	}
}

// TestEffective asks sshd what holds for a member and for somebody else.
func TestEffective(t *testing.T) {
	dropIn := t.TempDir()
	own := t.TempDir()
	odd := t.TempDir()
	config := map[string]string{
		dropIn: stock(t, dropIn, Options{Point: "/srv/views"}),
		own:    write(t, filepath.Join(own, "config"), standalone(t, own)),
		odd:    stock(t, odd, Options{Point: "/srv/100% my #views"}),
	}
	confined := []string{
		"chrootdirectory /srv/views/%u", "forcecommand internal-sftp -u 0027", "authorizedkeysfile none",
		"allowtcpforwarding no", "allowagentforwarding no", "allowstreamlocalforwarding no", "x11forwarding no",
		"permittty no", "permittunnel no", "permituserrc no", "disableforwarding yes", "exposeauthinfo no",
		"usepam yes", "usedns no", "authorizedkeyscommand /usr/sbin/grantfs authorized-keys %u %t %k", "authorizedkeyscommanduser nobody",
	}
	tests := []struct {
		name, dir, user string
		want            []string
	}{
		{"drop-in, member", dropIn, "o1.foo", append(confined, "passwordauthentication yes", "maxauthtries 4", "port 2299")},
		{"every method", dropIn, "o1.foo", []string{
			"authenticationmethods any", "passwordauthentication yes", "kbdinteractiveauthentication yes", "pubkeyauthentication yes", "maxsessions 10",
		}},
		{"2FA", dropIn, "o1.two", append(confined, "passwordauthentication no", "kbdinteractiveauthentication yes",
			"authenticationmethods publickey,keyboard-interactive keyboard-interactive")},
		{"2FA, no password", dropIn, "o1.both", append(confined, "passwordauthentication no", "kbdinteractiveauthentication yes",
			"authenticationmethods publickey,keyboard-interactive")},
		{"no password", dropIn, "o1.key", append(confined, "passwordauthentication no", "kbdinteractiveauthentication no", "pubkeyauthentication yes")},
		{"no key", dropIn, "o1.nokey", append(confined, "passwordauthentication yes", "kbdinteractiveauthentication yes", "pubkeyauthentication no")},
		{"no dialog", dropIn, "o1.nokbd", append(confined, "passwordauthentication yes", "kbdinteractiveauthentication no", "pubkeyauthentication yes")},
		{"no SSH", dropIn, "o1.ftp", append(confined, "maxsessions 0")},
		{"drop-in, other", dropIn, "root", []string{
			"chrootdirectory none", "forcecommand none", "x11forwarding yes", "permittty yes", "allowtcpforwarding yes",
			"kbdinteractiveauthentication no", "maxauthtries 4", "port 2299", "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2",
		}},
		{"standalone, member", own, "o1.foo", append(confined, "allowgroups grantfs", "permitrootlogin no", "subsystem sftp internal-sftp")},
		{"odd point", odd, "o1.foo", []string{"chrootdirectory /srv/100%% my #views/%u"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := sshd(t, tt.dir, "-T", "-f", config[tt.dir], "-C", "user="+tt.user+",host=localhost,addr=127.0.0.1")
			if err != nil {
				t.Fatalf("sshd -T: %v\n%s", err, out)
			}
			lines := strings.Split(out, "\n")
			for _, want := range tt.want {
				if slices.Contains(lines, want) {
					continue
				}
				key, _, _ := strings.Cut(want, " ")
				i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, key+" ") })
				if i < 0 {
					t.Errorf("sshd -T says nothing of %s, want %q", key, want)
				} else {
					t.Errorf("sshd -T says %q, want %q", lines[i], want)
				}
			}
		})
	}
}

// TestGroups checks that every group that is matched is one whose members the
// daemon serves.
func TestGroups(t *testing.T) {
	text, err := Render(Options{Point: "/srv/views"})
	if err != nil {
		t.Fatal(err)
	}
	var matched []string
	for _, m := range regexp.MustCompile(`Group (\S+)`).FindAllStringSubmatch(string(text), -1) {
		matched = append(matched, m[1])
	}
	slices.Sort(matched)
	matched = slices.Compact(matched)
	served := account.ServedGroups()
	slices.Sort(served)
	if !slices.Equal(matched, served) {
		t.Errorf("groups matched = %v, want %v", matched, served)
	}
}

func TestRenderRefuses(t *testing.T) {
	good := Standalone{Listen: netip.MustParseAddrPort("[::1]:22"), HostKeys: []string{"/k"}}
	with := func(change func(*Standalone)) *Standalone {
		s := good
		change(&s)
		return &s
	}
	tests := []struct {
		name string
		o    Options
	}{
		{"no point", Options{}},
		{"relative point", Options{Point: "srv"}},
		{"point is the root", Options{Point: "/"}},
		{"unclean point", Options{Point: "/srv/../etc"}},
		{"line break", Options{Point: "/srv\nPermitRootLogin yes"}},
		{"quote", Options{Point: `/srv/"x`}},
		{"no port", Options{Point: "/srv", Standalone: with(func(s *Standalone) { s.Listen = netip.MustParseAddrPort("1.2.3.4:0") })}},
		{"relative host key", Options{Point: "/srv", Standalone: with(func(s *Standalone) { s.HostKeys = []string{"k"} })}},
		{"relative pid file", Options{Point: "/srv", Standalone: with(func(s *Standalone) { s.PIDFile = "p" })}},
	}
	for _, tt := range tests {
		if text, err := Render(tt.o); err == nil {
			t.Errorf("%s: Render = %s, want an error", tt.name, text)
		}
	}
	for _, s := range []*Standalone{nil, {}, &good} {
		if _, err := Render(Options{Point: "/srv", Standalone: s}); err != nil {
			t.Errorf("Render with %+v = %v", s, err)
		}
	}
}
