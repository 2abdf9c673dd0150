package host

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
)

// The PAM services of the two servers; sshd's is the name it is started by.
const (
	pamServiceSSH = "grantfs-sshd"
	pamServiceFTP = "grantfs-vsftpd"
)

// render writes what `grantfs render` prints for one server, with its PAM
// service, and returns the path of the server's configuration.
func (h *Host) render(server string) (string, error) {
	conf, err := h.grantfs("render", server, "--config", ConfigPath)
	if err != nil {
		return "", err
	}
	path := filepath.Join(keys, server+".conf")
	if err := write(path, conf, 0o644); err != nil {
		return "", err
	}
	return path, nil
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
