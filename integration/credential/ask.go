package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"grantfs/integration/socket"
)

// KeysSocketPath is where "grantfs authorized-keys" asks the daemon.
const KeysSocketPath = "/run/grantfs/keys.sock"

// nobody is whom sshd runs "grantfs authorized-keys" as (AuthorizedKeysCommandUser).
const nobody = 65534

const (
	// keysPatience is how long a question and its answer may take.
	keysPatience = 2 * time.Second
	maxQuestion  = 16 << 10 // an RSA key of 65,536 bits
)

// ListenKeys makes the socket of "grantfs authorized-keys" at path, for root and
// nobody.
func ListenKeys(path string) (net.Listener, error) {
	l, err := socket.ListenPackets(path, 0o600)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(path, nobody, -1); err != nil {
		return nil, errors.Join(fmt.Errorf("give %s to nobody: %w", path, err), l.Close())
	}
	return l, nil
}

// AskKeys asks the daemon at path what sshd asks: the lines of an account's keys
// that have this one, each ended by a newline. It is an error if there is no
// answer in time.
func AskKeys(path, account, typ, key string) (string, error) {
	conn, err := net.DialTimeout("unixpacket", path, keysPatience)
	if err != nil {
		return "", fmt.Errorf("ask for the keys of %q: %w", account, err)
	}
	defer conn.Close()
	answer := make([]byte, 1+MaxKeys)
	err = conn.SetDeadline(time.Now().Add(keysPatience))
	if err == nil {
		_, err = conn.Write([]byte(account + "\x00" + typ + "\x00" + key))
	}
	n := 0
	if err == nil {
		n, err = conn.Read(answer)
	}
	if err != nil {
		return "", fmt.Errorf("ask for the keys of %q: %w", account, err)
	}
	// The first byte tells an answer without keys from none.
	return string(answer[min(n, 1):n]), nil
}

// ServeKeys answers what AskKeys asks on l until ctx ends, as socket.Serve does.
// keys returns the text of the keys by which an account may log in now.
func ServeKeys(ctx context.Context, l net.Listener, log *slog.Logger, keys func(account string) ([]byte, error)) error {
	err := socket.Serve(ctx, l, log, func(conn net.Conn) {
		if err := answerKeys(conn, keys); err != nil {
			log.Error("answer sshd about a key", "error", err)
		}
	})
	if err != nil {
		return fmt.Errorf("serve keys: %w", err)
	}
	return nil
}

func answerKeys(conn net.Conn, keys func(string) ([]byte, error)) error {
	if err := conn.SetDeadline(time.Now().Add(keysPatience)); err != nil {
		return fmt.Errorf("set a time limit: %w", err)
	}
	packet := make([]byte, maxQuestion)
	n, err := conn.Read(packet)
	if err != nil {
		return fmt.Errorf("read a question: %w", err)
	}
	fields := strings.Split(string(packet[:n]), "\x00")
	if len(fields) != 3 {
		return fmt.Errorf("a question of %d fields", len(fields))
	}
	text, err := keys(fields[0])
	if err != nil {
		return err
	}
	lines, err := Matching(text, fields[1], fields[2])
	if err != nil {
		return fmt.Errorf("the keys of %q: %w", fields[0], err)
	}
	var answer strings.Builder
	answer.WriteByte('+')
	for _, line := range lines {
		answer.WriteString(line + "\n")
	}
	if _, err := conn.Write([]byte(answer.String())); err != nil {
		return fmt.Errorf("answer a question: %w", err)
	}
	return nil
}
