package login

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// process is one process for sure: its pid may be another's one day, its pidfd
// never is.
type process struct {
	pid  int
	file *os.File // a pidfd in the poller; nil for one that has ended
}

// openProcess returns the process that has pid now.
func openProcess(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	return &process{pid: pid, file: os.NewFile(uintptr(fd), "pidfd")}, nil
}

// reopenProcess returns the process that had pid and began at that time, as one
// that has ended if it is not there.
func reopenProcess(pid int, began uint64) *process {
	p, err := openProcess(pid)
	if err != nil {
		return &process{pid: pid}
	}
	if at, err := p.began(); err != nil || at != began {
		p.close()
		return &process{pid: pid}
	}
	return p
}

// began returns when the process began, in ticks since the machine did (proc(5)).
func (p *process) began() (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("ask when process %d began: %w", p.pid, err)
	}
	if !p.alive() { // this may be of another one
		return 0, fmt.Errorf("ask when process %d began: it has ended", p.pid)
	}
	const field = 22 - 3 // the first one behind the name is the third
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) <= field {
		return 0, fmt.Errorf("ask when process %d began: %d fields", p.pid, len(fields))
	}
	return strconv.ParseUint(string(fields[field]), 10, 64)
}

func (p *process) close() { _ = p.file.Close() }

// alive reports whether the process has not ended. A closed one counts as ended.
func (p *process) alive() bool {
	ended := true
	raw, err := p.file.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { ended = exited(fd) })
	}
	return err == nil && !ended
}

// wait returns when the process has ended (true) or was closed.
func (p *process) wait() bool {
	if p.file == nil {
		return true
	}
	raw, err := p.file.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Read(exited) == nil
}

// exited reports whether the process behind a pidfd has ended (pidfd_open(2)).
func exited(fd uintptr) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(p, 0)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n > 0
		}
	}
}

// kill ends the process at once. One that has ended already is no error.
func (p *process) kill() error {
	if p.file == nil {
		return nil
	}
	raw, err := p.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("end process %d: %w", p.pid, err)
	}
	var killed error
	err = raw.Control(func(fd uintptr) { killed = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0) })
	if errors.Is(killed, unix.ESRCH) {
		killed = nil
	}
	if err := errors.Join(err, killed); err != nil {
		return fmt.Errorf("end process %d: %w", p.pid, err)
	}
	return nil
}

// kin is what /proc says of the family of a process or thread, and whose it is.
type kin struct {
	tgid, parent int
	uid          uint32 // the real one
	woken        int    // how often it waited for something and went on
}

// readKin reads /proc/PID/status.
func readKin(pid int) (kin, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return kin{}, fmt.Errorf("read who the parent of process %d is: %w", pid, err)
	}
	tgid, err1 := statusNumber(text, "\nTgid:\t")
	parent, err2 := statusNumber(text, "\nPPid:\t")
	uid, err3 := statusNumber(text, "\nUid:\t")
	woken, err4 := statusNumber(text, "\nvoluntary_ctxt_switches:\t")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return kin{}, fmt.Errorf("read who the parent of process %d is: %w", pid, err)
	}
	return kin{tgid, parent, uint32(uid), woken}, nil
}

func statusNumber(status []byte, key string) (int, error) {
	_, rest, _ := bytes.Cut(status, []byte(key))
	value := rest[:max(0, bytes.IndexAny(rest, "\t\n"))]
	return strconv.Atoi(string(value))
}

// helper reports whether pid is the process in which sshd runs PAM for
// keyboard-interactive, and whose child it is: the monitor's. It is known by the
// title that sshd gives it.
func helper(pid int) (monitor int, ok bool) {
	title, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil || !strings.HasSuffix(strings.TrimRight(string(title), "\x00"), " [pam]") {
		return 0, false
	}
	k, err := readKin(pid)
	return k.parent, err == nil
}

// processes returns the pids that /proc lists.
func processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// socketLink is what /proc shows for a descriptor of the socket with that inode.
func socketLink(inode uint64) string { return "socket:[" + strconv.FormatUint(inode, 10) + "]" }

// holds reports whether a process has one of the sockets open that are named as by
// socketLink.
func holds(pid int, sockets map[string]bool) bool {
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false // it has ended
	}
	for _, fd := range fds {
		if target, err := os.Readlink(dir + "/" + fd.Name()); err == nil && sockets[target] {
			return true
		}
	}
	return false
}
