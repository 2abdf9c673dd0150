package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Manager is the service manager as it sees one service. The zero Manager is none.
// Safe for concurrent use.
type Manager struct {
	conn  *net.UnixConn // connected to nobody: a manager may be replaced
	at    *net.UnixAddr
	watch time.Duration
}

// Connect finds the service manager of this process in its environment, and takes
// it out of there: children are not the service.
func Connect() (Manager, error) {
	path, watch, watched := os.Getenv("NOTIFY_SOCKET"), os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if err := os.Unsetenv(name); err != nil {
			return Manager{}, fmt.Errorf("tidy the environment: %w", err)
		}
	}
	if path == "" {
		return Manager{}, nil
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram"})
	if err != nil {
		return Manager{}, fmt.Errorf("make a socket for the service manager: %w", err)
	}
	m := Manager{conn: conn, at: &net.UnixAddr{Name: path, Net: "unixgram"}}
	if usec, err := strconv.ParseUint(watch, 10, 63); err == nil && (watched == "" || watched == strconv.Itoa(os.Getpid())) {
		m.watch = time.Duration(usec) * time.Microsecond
	}
	return m, nil
}

// Watchdog returns how often the manager wants to hear Alive, with a margin; 0 for
// never.
func (m Manager) Watchdog() time.Duration { return m.watch / 2 }

// The states of a service that Notify tells.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Status is a state that is one line for the admin.
func Status(text string) string { return "STATUS=" + strings.ReplaceAll(text, "\n", " ") }

// Reloading is the state until Ready is told again.
func Reloading() string {
	var now syscall.Timespec
	const monotonic = 1 // CLOCK_MONOTONIC
	_, _, _ = syscall.Syscall(syscall.SYS_CLOCK_GETTIME, monotonic, uintptr(unsafe.Pointer(&now)), 0)
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// Notify tells the manager the states of this service.
func (m Manager) Notify(states ...string) error { return m.send(states, nil) }

func (m Manager) send(states []string, rights []byte) error {
	if m.conn == nil {
		return nil
	}
	if _, _, err := m.conn.WriteMsgUnix([]byte(strings.Join(states, "\n")), rights, m.at); err != nil {
		return fmt.Errorf("tell the service manager %q: %w", states, err)
	}
	return nil
}

// Close ends the conversation.
func (m Manager) Close() error {
	if m.conn == nil {
		return nil
	}
	if err := m.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("leave the service manager: %w", err)
	}
	return nil
}
