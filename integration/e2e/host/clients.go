package host

import (
	"fmt"
	"os"
)

// The set-up of the clients: what a user would have in their own home, so that
// the commands that the tour shows are short and the same as at home.
const (
	sshConfig = `Host demo
    HostName 127.0.0.1
    Port %d
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    PreferredAuthentications password
    LogLevel ERROR
`
	// lftp otherwise retries a refusal for ever. With TLS 1.3 an upload may end
	// in "426 Failure reading network stream": the client closes the connection
	// with the server's session tickets unread, which resets it, and vsftpd 3.0.3
	// takes that for a failure.
	lftpRC = `set ssl:verify-certificate no
set ssl:priority NORMAL:-VERS-TLS1.3
set ftp:ssl-force true
set ftp:ssl-protect-data true
set net:max-retries 1
set net:timeout 20
set xfer:clobber yes
set cmd:fail-exit no
`
	curlRC = "silent\nshow-error\ninsecure\nmax-time = 30\ntls-max = 1.2\n"
	// ssh asks this program for passwords; its argument is the prompt.
	askpass = `#!/bin/sh
case $1 in
o?.ftp@*) echo ` + MainPassword + ` ;;
*) echo ` + ClientPassword + ` ;;
esac
`
)

const home = "/root"

func (h *Host) clients() error {
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
	}{
		{home + "/.ssh/config", fmt.Sprintf(sshConfig, h.SSHPort), 0o600},
		{home + "/.lftprc", lftpRC, 0o600},
		{home + "/.curlrc", curlRC, 0o600},
		{keys + "/askpass", askpass, 0o755},
	} {
		if err := write(f.path, f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// Environ returns the variables that programs run in the host need, for the
// clients to find their set-up and the scripts to find the servers.
func (h *Host) Environ() []string {
	return []string{
		"HOME=" + home,
		"SSH_ASKPASS=" + keys + "/askpass",
		"SSH_ASKPASS_REQUIRE=force",
		fmt.Sprintf("SSH_PORT=%d", h.SSHPort),
		fmt.Sprintf("FTP=127.0.0.1:%d", h.FTPPort),
		fmt.Sprintf("METRICS=127.0.0.1:%d", h.MetricsPort),
		fmt.Sprintf("PROMETHEUS=127.0.0.1:%d", h.PrometheusPort),
		"CONFIG=" + ConfigPath,
		"VIEWS=" + Views,
		"MAIN_PASSWORD=" + MainPassword,
		"CLIENT_PASSWORD=" + ClientPassword,
	}
}
