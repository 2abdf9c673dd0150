package host

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Where the configuration that grantfs renders goes, as on a real host.
const (
	sshdDropIn = "/etc/ssh/sshd_config.d/50-grantfs.conf"
	vsftpdConf = "/etc/vsftpd-grantfs.conf"
	program    = "/usr/sbin/grantfs" // what sshd runs
)

// pamServiceSSH is the PAM service of sshd: Debian 12's takes the name it is
// started by.
const pamServiceSSH = "grantfs-sshd"

// pamFile is the line before each file in what `grantfs render pam` prints.
var pamFile = regexp.MustCompile(`(?m)^# (/etc/pam\.d/\S+)\n`)

// render installs what `grantfs render` prints for sshd, vsftpd and PAM.
func (h *Host) render() error {
	for what, path := range map[string]string{"sshd": sshdDropIn, "vsftpd": vsftpdConf} {
		text, err := h.grantfs("render", what, "--config", ConfigPath)
		if err != nil {
			return err
		}
		if err := write(path, text, 0o644); err != nil {
			return err
		}
	}
	if err := h.install(); err != nil {
		return err
	}
	if err := installModule(filepath.Join(filepath.Dir(h.Binary), ModuleName)); err != nil {
		return err
	}
	text, err := h.grantfs("render", "pam", "--config", ConfigPath)
	if err != nil {
		return err
	}
	heads := pamFile.FindAllStringSubmatchIndex(text, -1)
	for i, head := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		if err := write(text[head[2]:head[3]], text[head[1]:end], 0o644); err != nil {
			return err
		}
	}
	if !strings.Contains(text, "/etc/pam.d/"+pamServiceSSH+"\n") {
		return fmt.Errorf("grantfs render pam: no service %s in it:\n%s", pamServiceSSH, text)
	}
	return nil
}

// install puts the grantfs program where the package has it: sshd runs nothing that
// lies in a directory that others can write.
func (h *Host) install() error {
	if _, err := os.Stat(program); err == nil {
		return nil // the other server wanted it too
	}
	text, err := os.ReadFile(h.Binary)
	if err != nil {
		return fmt.Errorf("install grantfs: %w", err)
	}
	return write(program, string(text), 0o755)
}

// grantfs runs the grantfs program and returns what it prints.
func (h *Host) grantfs(args ...string) (string, error) {
	cmd := exec.Command(h.Binary, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("grantfs %s: %w: %s", args[0], err, stderr.String())
	}
	return string(out), nil
}
