package e2e

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"grantfs/integration/e2e/host"
)

//go:embed tour.sh
var tourScript string

// raise lays out a host and starts everything in it.
func raise(binary string, tee io.Writer) (*host.Host, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	h, err := host.New(host.Options{Binary: binary, Tee: tee})
	if err != nil {
		return nil, err
	}
	for _, start := range []func() (*host.Daemon, error){h.Serve, h.StartSSH, h.StartFTP} {
		if _, err := start(); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

// tour raises a host, runs the tour in it and returns the tour's exit status.
func tour(binary string) (int, error) {
	h, err := raise(binary, nil)
	if err != nil {
		return 1, err
	}
	cmd := exec.Command("bash", "-c", tourScript, "tour")
	cmd.Env = environ(h)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return 1, errors.Join(fmt.Errorf("run the tour: %w", err), h.Close())
	}
	status := cmd.ProcessState.ExitCode()
	if status != 0 {
		fmt.Fprintf(os.Stderr, "\nWhat grantfs said:\n%s\n", h.Daemon("grantfs").Said())
	}
	if err := h.Close(); err != nil {
		return 1, err
	}
	return status, unmounted()
}

// stay raises a host, says how to use it and waits for Ctrl-C.
func stay(binary string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	h, err := raise(binary, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Printf(`
A throwaway Aegir host with grantfs, sshd and vsftpd is up, on 127.0.0.1 only.

  SFTP     sftp -P %[1]d o1.foo@127.0.0.1
  FTPS     lftp -e 'set ssl:verify-certificate no; set ftp:ssl-force true; set ssl:priority NORMAL:-VERS-TLS1.3' -u o1.foo 127.0.0.1:%[2]d
           (explicit TLS; clear text is refused)
  metrics  curl http://127.0.0.1:%[3]d/metrics

  clients        o1.foo, o1.bar, o2.foo    password %[4]s
  main accounts  o1.ftp, o2.ftp            password %[5]s

The host's files are its own. To be its admin, as root in another terminal:

  nsenter -t %[6]s -m -p -i -u %[7]s view o1.foo    or who, explain, plan, accounts
  nsenter -t %[6]s -m -p -i -u editor %[8]s
  nsenter -t %[6]s -m -p -i -u sh -c 'kill -HUP $(pidof grantfs)'    reloads it

Ctrl-C ends it, and nothing of it is left behind.
`, h.SSHPort, h.FTPPort, h.MetricsPort, host.ClientPassword, host.MainPassword, host.OutsidePid(), h.Binary, host.ConfigPath)
	<-signals
	err = errors.Join(h.Close(), unmounted())
	if err == nil {
		fmt.Println("\nThe host is gone; nothing of it is left.")
	}
	return err
}

// environ is the environment of what runs in h: the grantfs program is in its
// PATH.
func environ(h *host.Host) []string {
	path := "PATH=" + filepath.Dir(h.Binary) + ":/usr/local/sbin:/usr/sbin:/sbin:" + os.Getenv("PATH")
	return append(append(os.Environ(), h.Environ()...), path)
}

// unmounted fails if the view is still mounted.
func unmounted() error {
	if err := exec.Command("mountpoint", "-q", host.Views).Run(); err == nil {
		return fmt.Errorf("%s is still mounted", host.Views)
	}
	return nil
}
