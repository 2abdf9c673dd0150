package host

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// programs are those that a host is made of, and the Debian packages that they
// come from.
var programs = []struct{ name, pkg string }{
	{"/usr/sbin/sshd", "openssh-server"},
	{"/usr/sbin/vsftpd", "vsftpd"},
	{"sftp", "openssh-client"},
	{"lftp", "lftp"},
	{"curl", "curl"},
	{"sshfs", "sshfs"},
	{"openssl", "openssl"},
	{"prometheus", "prometheus"},
	{"promtool", "prometheus"},
}

// requirements says everything that this machine lacks, in one error. A missing
// piece is never a reason to skip.
func requirements() error {
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil {
			missing = append(missing, p.name+" (package "+p.pkg+")")
		}
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		missing = append(missing, "/dev/fuse (kernel module fuse)")
	}
	if libs, err := os.ReadFile("/etc/nsswitch.conf"); err != nil || !strings.Contains(string(libs), "systemd") {
		missing = append(missing, "nss-systemd (package libnss-systemd)")
	}
	if missing != nil {
		return fmt.Errorf("this machine lacks: %s; `make deps` installs packages", strings.Join(missing, ", "))
	}
	return nil
}
