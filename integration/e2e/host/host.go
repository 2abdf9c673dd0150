package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// The passwords of the logins that can be used. They are no secret: the host is
// a toy on 127.0.0.1.
const (
	MainPassword   = "main-secret"   // o1.ftp and o2.ftp
	ClientPassword = "client-secret" // o1.foo, o1.bar and o2.foo
)

// Places of the copy.
const (
	ConfigPath = "/etc/grantfs/grantfs.toml"
	Views      = "/srv/views"
	Media      = "/srv/media"
	keys       = "/run/e2e" // host key, certificate, client set-up
)

// patience is how long anything may take before the host is called broken. It
// is never waited for: it only ends what hangs.
const patience = 30 * time.Second

// Host is a throwaway host with an Aegir tree, its users and a configuration.
// Its daemons are started one by one; Close ends those that still run.
type Host struct {
	Binary         string // the grantfs program
	SSHPort        int
	FTPPort        int
	MetricsPort    int
	PrometheusPort int
	Manager        *Manager // nil before ServeManaged

	tee     io.Writer
	daemons []*Daemon // in the order they were started
}

// Options say how New makes a host.
type Options struct {
	Binary string    // path of the grantfs program
	Tee    io.Writer // gets what the daemons say; nil for nobody
}

// New lays out a host in the throwaway copy that this process runs in.
func New(o Options) (*Host, error) {
	if !Inside() {
		return nil, errors.New("lay out a host: not in a throwaway copy of the machine")
	}
	if err := requirements(); err != nil {
		return nil, err
	}
	h := &Host{Binary: o.Binary, tee: o.Tee}
	ports, err := FreePorts(4)
	if err != nil {
		return nil, err
	}
	h.SSHPort, h.FTPPort, h.MetricsPort, h.PrometheusPort = ports[0], ports[1], ports[2], ports[3]
	if err := addUsers(boaUsers, boaGroups); err != nil {
		return nil, err
	}
	for _, step := range []func() error{h.layTree, h.configure, h.clients} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// FreePorts returns n ports that nothing listens on now.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all at once, so that no port is given twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// ready is the line that a mounted grantfs says.
var ready = regexp.MustCompile(`^ready: `)

// Serve starts `grantfs serve` and waits until it is ready.
func (h *Host) Serve() (*Daemon, error) {
	d, err := h.Start("grantfs", exec.Command(h.Binary, "serve", "--config", ConfigPath))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := d.Expect(ctx, ready); err != nil {
		return nil, err
	}
	return d, nil
}

// Start starts a program under a name; Close stops it if nothing did before.
func (h *Host) Start(name string, cmd *exec.Cmd) (*Daemon, error) {
	d, err := Start(name, h.tee, cmd)
	if err != nil {
		return nil, err
	}
	h.daemons = append(h.daemons, d)
	return d, nil
}

// Daemon returns the daemon that was started last under name, or nil.
func (h *Host) Daemon(name string) *Daemon {
	for i := len(h.daemons) - 1; i >= 0; i-- {
		if h.daemons[i].Name == name {
			return h.daemons[i]
		}
	}
	return nil
}

// Close stops the daemons, the last started first.
func (h *Host) Close() error {
	var errs []error
	for i := len(h.daemons) - 1; i >= 0; i-- {
		d := h.daemons[i]
		if !d.Running() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if _, err := d.Stop(ctx); err != nil {
			errs = append(errs, err)
		}
		cancel()
	}
	h.daemons = nil
	if h.Manager != nil {
		errs = append(errs, h.Manager.close())
		h.Manager = nil
	}
	return errors.Join(errs...)
}

// write writes a file of the copy, and the directories above it.
func write(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
