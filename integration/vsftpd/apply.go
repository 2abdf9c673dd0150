package vsftpd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const program = "/usr/sbin/vsftpd"

// patience is how long vsftpd may take to greet.
const patience = 20 * time.Second

// Check has the host's vsftpd judge a configuration: it has no way to do only
// that, so it is started for one connection, which never gets further than the
// greeting. That it greets means that it knows each option and has read its
// certificate and key. Nothing of the host is changed, and no port is taken that
// vsftpd listens at.
func Check(ctx context.Context, text []byte) error {
	dir, err := os.MkdirTemp("", "grantfs-vsftpd-")
	if err != nil {
		return fmt.Errorf("check vsftpd: %w", err)
	}
	defer os.RemoveAll(dir)
	config, empty := filepath.Join(dir, "vsftpd.conf"), filepath.Join(dir, "empty")
	if err := errors.Join(os.WriteFile(config, text, 0o600), os.Mkdir(empty, 0o755)); err != nil {
		return fmt.Errorf("check vsftpd: %w", err)
	}
	client, server, err := connection()
	if err != nil {
		return fmt.Errorf("check vsftpd: %w", err)
	}
	defer client.Close()
	cmd := exec.CommandContext(ctx, program, config, "-olisten=NO", "-olisten_ipv6=NO", "-osecure_chroot_dir="+empty)
	cmd.Stdin, cmd.Stdout = server, server
	if err := errors.Join(cmd.Start(), server.Close()); err != nil {
		return fmt.Errorf("check vsftpd: %w", err)
	}
	err = client.SetDeadline(time.Now().Add(patience))
	greeting, readErr := bufio.NewReader(client).ReadString('\n')
	_ = client.Close()
	_ = cmd.Wait() // its status says how the client left, no more
	switch {
	case err != nil:
		return fmt.Errorf("check vsftpd: %w", err)
	case strings.HasPrefix(greeting, "220 "):
		return nil
	case greeting == "":
		return fmt.Errorf("vsftpd does not accept its configuration: %w", readErr)
	}
	return fmt.Errorf("vsftpd does not accept its configuration: %s", strings.TrimSpace(greeting))
}

// connection returns both ends of a TCP connection: vsftpd wants to know its
// peer's address.
func connection() (client net.Conn, server *os.File, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	conn, err := l.Accept()
	if err == nil {
		defer conn.Close()
		server, err = conn.(*net.TCPConn).File()
	}
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return client, server, nil
}
