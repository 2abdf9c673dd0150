package host

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// sshdConfig is Debian's sshd_config without its comments; what grantfs renders
// is dropped in, as on a real host.
const sshdConfig = `Include /etc/ssh/sshd_config.d/50-grantfs.conf
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
`

// listening is what sshd says when it does.
var listening = regexp.MustCompile(`Server listening on `)

// StartSSH starts the machine's own sshd with the configuration that grantfs
// renders, and waits until it listens.
func (h *Host) StartSSH() (*Daemon, error) {
	if err := h.render(); err != nil {
		return nil, err
	}
	conf := filepath.Join(keys, "sshd_config")
	if err := write(conf, sshdConfig, 0o600); err != nil {
		return nil, err
	}
	key := filepath.Join(keys, "host_key")
	if err := run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // its privilege separation directory
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	name := "/usr/local/sbin/" + pamServiceSSH
	if err := os.Symlink("/usr/sbin/sshd", name); err != nil && !os.IsExist(err) {
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	d, err := h.Start("sshd", exec.Command(name, "-D", "-e", "-f", conf, "-h", key,
		"-o", "ListenAddress=127.0.0.1", "-p", strconv.Itoa(h.SSHPort), "-o", "PidFile=none"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := d.Expect(ctx, listening); err != nil {
		return nil, err
	}
	return d, nil
}

// StartFTP starts the machine's own vsftpd with the configuration that grantfs
// renders and a certificate made here, and waits for its greeting.
func (h *Host) StartFTP() (*Daemon, error) {
	if err := h.render(); err != nil {
		return nil, err
	}
	pem := filepath.Join(keys, "ftps.pem")
	if err := run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
		"-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout", pem+".key", "-out", pem); err != nil {
		return nil, err
	}
	if err := os.MkdirAll("/run/vsftpd/empty", 0o755); err != nil {
		return nil, fmt.Errorf("start vsftpd: %w", err)
	}
	d, err := h.Start("vsftpd", exec.Command("/usr/sbin/vsftpd", vsftpdConf,
		"-obackground=NO", "-olisten=YES", "-olisten_ipv6=NO", "-olisten_address=127.0.0.1",
		"-olisten_port="+strconv.Itoa(h.FTPPort), "-opasv_address=127.0.0.1",
		"-opasv_min_port=0", "-opasv_max_port=0",
		"-orsa_cert_file="+pem, "-orsa_private_key_file="+pem+".key"))
	if err != nil {
		return nil, err
	}
	if err := greeted(d, h.FTPPort); err != nil {
		return nil, err
	}
	return d, nil
}

// greeted waits until an FTP server greets on a port. vsftpd says nothing when
// it is ready, so that knocking is the only way to know.
func greeted(d *Daemon, port int) error {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) && d.Running() {
		c, err := net.DialTimeout("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
		if err != nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		_ = c.SetDeadline(deadline)
		line, err := bufio.NewReader(c).ReadString('\n')
		c.Close()
		if err == nil && line[:3] == "220" {
			return nil
		}
		return fmt.Errorf("start vsftpd: it greeted with %q: %v:\n%s", line, err, d.Said())
	}
	return fmt.Errorf("start vsftpd: it does not listen on port %d:\n%s", port, d.Said())
}

// run runs a program that is expected to succeed quietly.
func run(argv ...string) error {
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", argv[0], err, out)
	}
	return nil
}
