package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Manager is what a service manager is to grantfs (sd_notify(3)): it hears how the
// service is, keeps descriptors for its next start, and passes them on. Safe for
// concurrent use.
type Manager struct {
	conn *net.UnixConn
	path string
	done chan struct{} // closed when nothing is heard any more

	mu    sync.Mutex // guards what follows
	kept  map[string]*os.File
	heard []string
	next  int           // the first message that no Expect has passed yet
	news  chan struct{} // closed and replaced at each message
}

func newManager() (*Manager, error) {
	m := &Manager{path: filepath.Join(keys, "notify"), done: make(chan struct{}), kept: map[string]*os.File{}, news: make(chan struct{})}
	var err error
	if m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"}); err != nil {
		return nil, fmt.Errorf("listen as service manager: %w", err)
	}
	go m.listen()
	return m, nil
}

func (m *Manager) listen() {
	defer close(m.done)
	text, rights := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	for {
		n, rn, _, _, err := m.conn.ReadMsgUnix(text, rights)
		if err != nil {
			return
		}
		m.hear(string(text[:n]), rights[:rn])
	}
}

func (m *Manager) hear(text string, rights []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, name, _ := strings.Cut(text, "FDNAME=")
	if old := m.kept[name]; old != nil && (len(rights) > 0 || strings.HasPrefix(text, "FDSTOREREMOVE=1")) {
		old.Close()
		delete(m.kept, name)
	}
	if messages, err := syscall.ParseSocketControlMessage(rights); err == nil && len(messages) == 1 {
		if fds, err := syscall.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			m.kept[name] = os.NewFile(uintptr(fds[0]), name)
		}
	}
	m.heard = append(m.heard, text)
	close(m.news)
	m.news = make(chan struct{})
}

// Kept returns the names of what is kept, in order.
func (m *Manager) Kept() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.kept))
}

// Expect waits for a message that re matches, after the one that the Expect before it
// was satisfied with.
func (m *Manager) Expect(ctx context.Context, re *regexp.Regexp) error {
	for {
		m.mu.Lock()
		news := m.news
		for m.next < len(m.heard) {
			m.next++
			if re.MatchString(m.heard[m.next-1]) {
				m.mu.Unlock()
				return nil
			}
		}
		m.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("the service manager did not hear %q: %w", re, ctx.Err())
		}
	}
}

// start starts a program as the service, with what is kept.
func (m *Manager) start(h *Host, name string, program string, args ...string) (*Daemon, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// The program must know that it is meant: by its pid, which is the shell's.
	cmd := exec.Command("sh", append([]string{"-c", `export LISTEN_PID=$$; exec "$0" "$@"`, program}, args...)...)
	names := slices.Sorted(maps.Keys(m.kept))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=2000000",
		fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	for _, name := range names {
		cmd.ExtraFiles = append(cmd.ExtraFiles, m.kept[name])
	}
	return h.Start(name, cmd)
}

// close lets everything go that is kept.
func (m *Manager) close() error {
	err := m.conn.Close()
	<-m.done
	for _, f := range m.kept {
		err = errors.Join(err, f.Close())
	}
	return err
}

// ServeManaged starts `grantfs serve` as the service of the host's service manager,
// with what that has kept of it, and waits until it is ready.
func (h *Host) ServeManaged() (*Daemon, error) {
	if h.Manager == nil {
		var err error
		if h.Manager, err = newManager(); err != nil {
			return nil, err
		}
	}
	d, err := h.Manager.start(h, "grantfs", h.Binary, "serve", "--config", ConfigPath)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Manager.Expect(ctx, readyState); err != nil {
		return nil, fmt.Errorf("%w:\n%s", err, d.Said())
	}
	return d, nil
}

var readyState = regexp.MustCompile(`(?m)^READY=1$`)
