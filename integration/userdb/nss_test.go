package userdb

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// host runs a command as root, in a mount namespace of its own where the only
// user database service is the one in dir, and returns its output and exit status.
func host(t *testing.T, dir string, command ...string) (string, int) {
	t.Helper()
	const script = `set -e
mount -t tmpfs none /run/systemd
mkdir /run/systemd/userdb
mount --bind "$0" /run/systemd/userdb
exec "$@"`
	cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, dir}, command...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatalf("%v: %v", command, err)
	}
	if stderr.Len() > 0 {
		t.Logf("%v: %s", command, stderr.String())
	}
	return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
}

// TestNSS asks the C library, through nss-systemd, as sshd and vsftpd do. It
// needs root, libnss-systemd and an nsswitch.conf that names it.
func TestNSS(t *testing.T) {
	nobody := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	_, path := serve(t, sample)
	dir := filepath.Dir(path)
	tests := []struct {
		name    string
		command []string
		want    string
		exit    int
	}{
		{"by name", []string{"getent", "passwd", "o1.foo"}, "o1.foo:x:1900000016:1900000000:o1.foo:/:/usr/sbin/nologin", 0},
		{"by uid", []string{"getent", "passwd", "1900000016"}, "o1.foo:x:1900000016:1900000000:o1.foo:/:/usr/sbin/nologin", 0},
		{"unknown", []string{"getent", "passwd", "o1.bar"}, "", 2},
		{"shadow, root", []string{"getent", "shadow", "o1.foo"}, "o1.foo:" + hash + ":::::::", 0},
		{"shadow, locked", []string{"getent", "shadow", "o1.gone"}, "o1.gone:!*::::::1:", 0},
		{"shadow, no credential", []string{"getent", "shadow", "o1.new"}, "o1.new:!*:::::::", 0},
		{"shadow, nobody", append(nobody, "getent", "shadow", "o1.foo"), "", 2},
		{"passwd, nobody", append(nobody, "getent", "passwd", "o1.foo"), "o1.foo:x:1900000016:1900000000:o1.foo:/:/usr/sbin/nologin", 0},
		{"primary group", []string{"getent", "group", "grantfs"}, "grantfs:x:1900000000:", 0},
		{"primary group by gid", []string{"getent", "group", "1900000000"}, "grantfs:x:1900000000:", 0},
		{"group with members", []string{"getent", "group", "grantfs-2fa"}, "grantfs-2fa:x:1900000001:o1.foo,o1.new", 0},
		{"no group", []string{"getent", "group", "grantfs-none"}, "", 2},
		{"groups of a user", []string{"getent", "initgroups", "o1.foo"}, "o1.foo                1900000001 1900000002", 0},
		{"id", []string{"id", "o1.foo"}, "uid=1900000016(o1.foo) gid=1900000000(grantfs) groups=1900000000(grantfs),1900000001(grantfs-2fa),1900000002(grantfs-nopassword)", 0},
		{"the host's own", []string{"id", "-u", "root"}, "0", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, exit := host(t, dir, tt.command...)
			if got != tt.want || exit != tt.exit {
				t.Errorf("%v = %q, exit %d, want %q, exit %d", tt.command, got, exit, tt.want, tt.exit)
			}
		})
	}
	t.Run("list", func(t *testing.T) {
		got, exit := host(t, dir, "getent", "passwd")
		if n := strings.Count(got, "/usr/sbin/nologin"); exit != 0 || !strings.Contains(got, "\no1.gone:") || n < 3 {
			t.Errorf("getent passwd = %q, exit %d, want every account in it", got, exit)
		}
	})
}

// TestNSSWithManyAccounts checks that the bound of lists stays invisible to a login.
func TestNSSWithManyAccounts(t *testing.T) {
	many := fixed{groups: []Group{{"grantfs", 1900000000}, {"grantfs-2fa", 1900000001}}}
	for i := range MaxListed + 1 {
		u := User{Name: fmt.Sprintf("o1.c%d", i), UID: uint32(1900000016 + i), GID: 1900000000}
		many.users = append(many.users, u)
		many.members = append(many.members, Membership{u.Name, "grantfs-2fa"})
	}
	_, path := serve(t, many)
	dir := filepath.Dir(path)
	tests := []struct {
		command []string
		want    string
	}{
		{[]string{"id", "o1.c1000"}, "uid=1900001016(o1.c1000) gid=1900000000(grantfs) groups=1900000000(grantfs),1900000001(grantfs-2fa)"},
		{[]string{"getent", "group", "grantfs-2fa"}, "grantfs-2fa:x:1900000001:"},
	}
	for _, tt := range tests {
		if got, exit := host(t, dir, tt.command...); got != tt.want || exit != 0 {
			t.Errorf("%v = %q, exit %d, want %q", tt.command, got, exit, tt.want)
		}
	}
	got, exit := host(t, dir, "getent", "passwd")
	if exit != 0 || !strings.Contains(got, "root:x:0:0") || strings.Contains(got, "o1.c") {
		t.Errorf("getent passwd = %q, exit %d, want the host's own users only", got, exit)
	}
}
