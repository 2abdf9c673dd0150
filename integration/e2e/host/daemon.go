package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Daemon is a long-running program that the host started, and all that it has
// said. Safe for concurrent use.
type Daemon struct {
	Name string
	Pid  int

	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended and been waited for

	mu    sync.Mutex // guards what follows
	lines []string
	next  int           // the first line that no Expect has passed yet
	news  chan struct{} // closed and replaced at each line
}

// Start starts a program in a process group of its own, so that Ctrl-C reaches
// it only through its owner. Its output goes to tee too, unless nil. The caller
// must Stop it.
func Start(name string, tee io.Writer, cmd *exec.Cmd) (*Daemon, error) {
	d := &Daemon{Name: name, cmd: cmd, done: make(chan struct{}), news: make(chan struct{})}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r, w := io.Pipe()
	d.cmd.Stdout, d.cmd.Stderr = w, w
	// A child that the daemon leaves behind may keep its output open.
	d.cmd.WaitDelay = time.Second
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	d.Pid = d.cmd.Process.Pid
	go func() {
		_ = d.cmd.Wait() // the state is read from cmd.ProcessState
		w.Close()
	}()
	go d.read(r, tee)
	return d, nil
}

func (d *Daemon) read(r io.Reader, tee io.Writer) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if tee != nil {
			fmt.Fprintf(tee, "%s: %s\n", d.Name, in.Text())
		}
		d.mu.Lock()
		d.lines = append(d.lines, in.Text())
		close(d.news)
		d.news = make(chan struct{})
		d.mu.Unlock()
	}
	close(d.done)
}

// Expect waits until the daemon says a line that re matches, after the line
// that the Expect before it was satisfied with, and returns that line. It fails
// when the daemon ends or ctx does.
func (d *Daemon) Expect(ctx context.Context, re *regexp.Regexp) (string, error) {
	for {
		d.mu.Lock()
		for d.next < len(d.lines) {
			line := d.lines[d.next]
			d.next++
			if re.MatchString(line) {
				d.mu.Unlock()
				return line, nil
			}
		}
		news := d.news
		d.mu.Unlock()
		select {
		case <-news:
		case <-d.done:
			if d.unread() {
				continue
			}
			return "", fmt.Errorf("%s ended with status %d before it said %q:\n%s", d.Name, d.status(), re, d.Said())
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not say %q: %w:\n%s", d.Name, re, ctx.Err(), d.Said())
		}
	}
}

func (d *Daemon) unread() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next < len(d.lines)
}

// Said returns everything that the daemon has said.
func (d *Daemon) Said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, "\n")
}

// Running reports whether the daemon has not ended yet.
func (d *Daemon) Running() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

// Signal sends the daemon a signal. A daemon that has ended is no error.
func (d *Daemon) Signal(s syscall.Signal) {
	_ = d.cmd.Process.Signal(s) // os.ErrProcessDone: nothing to signal
}

// Wait waits until the daemon has ended and returns its exit status (128 + n if
// signal n killed it).
func (d *Daemon) Wait(ctx context.Context) (int, error) {
	select {
	case <-d.done:
		return d.status(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s (process %d) did not end: %w:\n%s", d.Name, d.Pid, ctx.Err(), d.Said())
	}
}

func (d *Daemon) status() int {
	state := d.cmd.ProcessState
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

// Stop asks the daemon to end (SIGTERM), waits, and kills it if ctx ends first.
// It returns the exit status.
func (d *Daemon) Stop(ctx context.Context) (int, error) {
	d.Signal(syscall.SIGTERM)
	status, err := d.Wait(ctx)
	if err == nil {
		return status, nil
	}
	d.Signal(syscall.SIGKILL)
	<-d.done
	return d.status(), err
}
