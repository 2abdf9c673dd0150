package container

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// password is that of the account alice.
const password = "a-real-secret"

// TestPackage takes the package through the life of an installation.
func TestPackage(t *testing.T) {
	if !inside() {
		lookAtSources(t)
		dir := t.TempDir()
		old, next := build(t, "0.1~1"), build(t, "0.1~2")
		lint(t, old)
		again(t, dir, old, next)
		return
	}
	m := boot(t, flag.Arg(0))
	for i, name := range []string{"old.deb", "new.deb"} {
		deb, err := os.ReadFile(flag.Arg(1 + i))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(m.root, "root", name), deb, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		do   func(*testing.T, *machine)
	}{
		{"install", install},
		{"units", units},
		{"quick start", quickStart},
		{"worker killed", killWorker},
		{"both killed", killBoth},
		{"upgrade", upgrade},
		{"bad configuration", badConfiguration},
		{"reboot", reboot},
		{"instance", instance},
		{"mount helper", mountHelper},
		{"remove", remove},
		{"purge", purge},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, m) }) {
			return // what follows stands on it
		}
	}
}

// lookAtSources looks at everything that is built or read: go test keeps results, and
// knows by what a test has looked at when they are out of date.
func lookAtSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../../..", func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if err == nil {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// build builds the package as `make deb` does and returns its path.
func build(t *testing.T, version string) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.Command("make", "--silent", "--directory=../../..", "deb", "BIN="+bin, "VERSION="+version, "DEBVERSION="+version)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make deb: %v\n%s", err, out)
	}
	debs, err := filepath.Glob(bin + "/*.deb")
	if err != nil || len(debs) != 1 {
		t.Fatalf("make deb made %q, %v", debs, err)
	}
	return debs[0]
}

// lint shows the package to Debian's own judge.
func lint(t *testing.T, deb string) {
	t.Helper()
	out, err := exec.Command("lintian", "--allow-root", "--fail-on=error", deb).CombinedOutput()
	if err != nil {
		t.Errorf("lintian: %v", err)
	}
	t.Logf("lintian says:\n%s", out)
}

// foreign lists what a package must not change: all of /etc and of the unit files
// but what is ours.
const foreign = `find /etc -type f ! -path '/etc/grantfs/*' ! -name 'group*' ! -name 'gshadow*' -print0 | sort -z | xargs -0 sha256sum`

// unchanged sees that the files of others are as they were before the installation.
func unchanged(t *testing.T, m *machine) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(m.foreign, "\n"), strings.Split(m.run(t, foreign), "\n")); diff != "" {
		t.Errorf("files of others have changed (-before +after):\n%s", diff)
	}
}

func install(t *testing.T, m *machine) {
	m.foreign = m.run(t, foreign)
	m.run(t, "apt-get install --yes /root/old.deb")
	unchanged(t, m)
	m.run(t, `
systemctl is-active grantfs
systemctl is-enabled grantfs
getent group grantfs
mountpoint /srv/views
nsenter --target 1 --mount mountpoint /srv/views
test "$(stat --format %a /var/lib/grantfs)" = 700
grantfs check
test "$(grantfs accounts --json)" = '[]'
test -e /lib/*/security/pam_grantfs.so
test -x /sbin/mount.fuse.grantfs`)
}

func units(t *testing.T, m *machine) {
	if out := m.run(t, "systemd-analyze verify --man=no grantfs.service grantfs@other.service ssh.service vsftpd.service"); out != "" {
		t.Errorf("systemd-analyze verify says:\n%s", out)
	}
	out := m.run(t, "systemd-analyze security --no-pager grantfs.service | tail -1; systemd-analyze security --threshold=54 grantfs.service >/dev/null")
	t.Log(out)
	// A server starts whatever becomes of grantfs, and never before it.
	m.run(t, `
systemctl show --property After ssh.service | grep -w grantfs.service
systemctl show --property Wants ssh.service | grep -w grantfs.service
! systemctl show --property Requires,BindsTo,PartOf,Requisite ssh.service | grep -w grantfs.service`)
}

// quickStart does what the README says, with a password and an answer for what
// asks for them.
func quickStart(t *testing.T, m *machine) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, install, found := strings.Cut(string(text), "\n## Install\n")
	blocks := strings.Split(install, "\n```\n") // each second one is commands
	if !found || len(blocks) < 6 {
		t.Fatal("the README has no quick start")
	}
	account := strings.ReplaceAll(blocks[3], "openssl passwd -6", `openssl passwd -6 "$SSHPASS"`)
	servers := strings.ReplaceAll(blocks[5], "grantfs apply", "grantfs apply --yes")
	m.run(t, account+"\necho hello >/srv/media/hello.txt\n"+servers)
	m.until(t, "getent passwd alice")
	login(t, m)
}

// clients are the command lines of the real ones; TLS 1.3 and vsftpd 3.0.3 do not
// agree about the end of an upload.
const (
	sftp = `curl --silent --show-error --insecure --user "alice:$SSHPASS" sftp://localhost`
	ftps = `curl --silent --show-error --insecure --tls-max 1.2 --ssl-reqd --user "alice:$SSHPASS" ftp://localhost`
)

// login sees that the account gets what it may have, and nothing else, by both
// protocols.
func login(t *testing.T, m *machine) {
	t.Helper()
	for _, client := range []string{sftp, ftps} {
		if out := m.run(t, client+"/media/hello.txt"); out != "hello" {
			t.Errorf("%s: media/hello.txt is %q", client, out)
		}
		m.run(t, "echo mine | "+client+"/mine.txt --upload-file -")
		if out := m.run(t, client+"/mine.txt; stat --format %U /srv/homes/alice/mine.txt"); out != "mine\nalice" {
			t.Errorf("%s: mine.txt is %q", client, out)
		}
		if out, ok := m.try("echo no | " + client + "/media/no.txt --upload-file -"); ok {
			t.Errorf("%s could write to media: %s", client, out)
		}
		m.run(t, "test ! -e /srv/media/no.txt")
	}
	m.run(t, `
printf 'pwd\nls -l\n' | sshpass -e sftp -o StrictHostKeyChecking=no -o BatchMode=no -b - alice@localhost 2>&1 | grep media
! sshpass -e ssh -o StrictHostKeyChecking=no alice@localhost id`)
}

// upload is a transfer under way.
type upload struct {
	cmd  *exec.Cmd
	data *os.File
	out  strings.Builder
	name string
}

// start begins an upload and returns when its first half is on the disk.
func start(t *testing.T, m *machine, client, name string) *upload {
	t.Helper()
	u := &upload{cmd: m.command(client + "/" + name + " --upload-file -"), name: name}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	u.data, u.cmd.Stdin = w, r
	u.cmd.Stdout, u.cmd.Stderr = &u.out, &u.out
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	t.Cleanup(func() { w.Close() })
	u.send(t)
	m.until(t, "test -s /srv/homes/alice/"+name)
	return u
}

// half is what is sent before and after what is done to the daemon.
var half = strings.Repeat("0123456789abcde\n", 1<<16)

func (u *upload) send(t *testing.T) {
	t.Helper()
	if _, err := u.data.WriteString(half); err != nil {
		t.Fatalf("upload %s: %v: %s", u.name, err, &u.out)
	}
}

// finish sends the other half, and sees that all has arrived.
func (u *upload) finish(t *testing.T, m *machine) {
	t.Helper()
	u.send(t)
	u.data.Close()
	if err := u.cmd.Wait(); err != nil {
		t.Errorf("upload %s: %v: %s", u.name, err, &u.out)
	}
	got, err := os.ReadFile(filepath.Join(m.srv, "homes/alice", u.name))
	if err != nil || string(got) != half+half {
		t.Errorf("upload %s: %d bytes have arrived, %v; want %d", u.name, len(got), err, 2*len(half))
	}
}

// during does something to the daemon while one upload of each protocol is under
// way, and sees that neither notices.
func during(t *testing.T, m *machine, name string, do func()) {
	t.Helper()
	one, other := start(t, m, sftp, name+".sftp"), start(t, m, ftps, name+".ftps")
	do()
	one.finish(t, m)
	other.finish(t, m)
	login(t, m)
}

const (
	keeper = `$(systemctl show --property MainPID --value grantfs)`
	worker = `$(pgrep --parent ` + keeper + `)`
)

func killWorker(t *testing.T, m *machine) {
	during(t, m, "worker", func() {
		before := m.run(t, "echo "+keeper+" "+worker)
		m.run(t, "kill -KILL "+worker)
		m.until(t, "test -n \""+worker+"\" && grantfs accounts")
		after := m.run(t, "echo "+keeper+" "+worker)
		if a, b := strings.Fields(before), strings.Fields(after); a[0] != b[0] || a[1] == b[1] {
			t.Errorf("keeper and worker were %s, are %s", before, after)
		}
	})
}

func killBoth(t *testing.T, m *machine) {
	during(t, m, "both", func() {
		before := m.run(t, "echo "+keeper)
		m.run(t, "kill -KILL "+keeper+" "+worker)
		m.until(t, "test "+keeper+" != "+before+" && test "+keeper+" != 0 && grantfs accounts")
	})
}

func upgrade(t *testing.T, m *machine) {
	during(t, m, "upgrade", func() {
		before := m.run(t, "echo "+keeper+" "+worker)
		m.run(t, "apt-get install --yes /root/new.deb")
		after := m.run(t, "grantfs version | grep -F 0.1~2 >/dev/null; cmp /proc/"+worker+"/exe /usr/sbin/grantfs; echo "+keeper+" "+worker)
		if a, b := strings.Fields(before), strings.Fields(after); a[0] != b[0] || a[1] == b[1] {
			t.Errorf("keeper and worker were %s, are %s", before, after)
		}
	})
}

func badConfiguration(t *testing.T, m *machine) {
	m.run(t, `
cp /etc/grantfs/grantfs.toml /root/good.toml
echo nonsense >>/etc/grantfs/grantfs.toml
systemctl reload grantfs`)
	m.until(t, "systemctl show --property StatusText grantfs | grep refused")
	m.run(t, "systemctl is-active grantfs")
	login(t, m)
	m.run(t, "cp /root/good.toml /etc/grantfs/grantfs.toml; systemctl reload grantfs")
	m.until(t, "! systemctl show --property StatusText grantfs | grep refused")
}

func reboot(t *testing.T, m *machine) {
	m.run(t, "systemctl enable ssh")
	uid := m.run(t, "id -u alice")
	m.reboot(t)
	m.run(t, "systemctl is-active grantfs ssh grantfs-vsftpd")
	if after := m.run(t, "id -u alice"); after != uid {
		t.Errorf("the uid of alice was %s, is %s", uid, after)
	}
	login(t, m)
}

func instance(t *testing.T, m *machine) {
	m.run(t, `
mkdir /etc/grantfs/other
cat >/etc/grantfs/other/grantfs.toml <<END
[mount]
point = "/srv/other"
state = "/var/lib/grantfs/other"
control = "/run/grantfs/other/control.sock"
uid_range = [1800000000, 1800999999]
[metrics]
listen = ""
[accounts.bob]
END
systemctl start grantfs@other
mountpoint /srv/other
getent passwd alice
getent passwd bob
grantfs accounts --config /etc/grantfs/other/grantfs.toml | grep bob
systemctl stop grantfs@other
no mountpoint /srv/other
no getent passwd bob
getent passwd alice
mountpoint /srv/views`)
	login(t, m)
}

func mountHelper(t *testing.T, m *machine) {
	m.run(t, `
echo '/etc/grantfs/other/grantfs.toml /srv/other fuse.grantfs noauto 0 0' >>/etc/fstab
systemctl daemon-reload
systemctl start srv-other.mount
mountpoint /srv/other
getent passwd bob
systemctl stop srv-other.mount
no mountpoint /srv/other
out=$(mount /srv/other 2>&1)
grantfs accounts --config /etc/grantfs/other/grantfs.toml | grep bob
umount /srv/other
no mount -t fuse.grantfs /etc/grantfs/other/grantfs.toml /srv/elsewhere
sed -i '/fuse.grantfs/d' /etc/fstab`)
	m.until(t, "! test -e /run/grantfs/other/control.sock")
}

func remove(t *testing.T, m *machine) {
	out := m.run(t, `
systemctl start grantfs@other
apt-get remove --yes grantfs
no mountpoint /srv/other
no mountpoint /srv/views
no pgrep -x grantfs
no getent passwd alice
test ! -e /usr/sbin/grantfs
test -e /etc/grantfs/grantfs.toml
test -d /var/lib/grantfs
systemctl restart ssh`)
	unchanged(t, m)
	if t.Failed() {
		t.Log(out)
	}
}

func purge(t *testing.T, m *machine) {
	m.run(t, `
apt-get purge --yes grantfs
test ! -e /var/lib/grantfs
rm -r /etc/grantfs
test -e /srv/media/hello.txt
test -e /srv/homes/alice/mine.txt
no dpkg-query --status grantfs`)
	if left := m.run(t, `find /etc /usr /var /run -name '*grantfs*' ! -path '/usr/local/*' ! -path '/run/host/*'`); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}
