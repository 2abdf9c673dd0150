package systemd

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is the other end of a Manager.
func manager(t *testing.T) (Manager, *net.UnixConn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	m, err := Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, conn
}

// hear returns the next message, and the descriptor that came with it, or -1.
func hear(t *testing.T, conn *net.UnixConn) (string, int) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, rights := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	n, rn, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		t.Fatal(err)
	}
	if rn == 0 {
		return string(text[:n]), -1
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:rn])
	if err != nil {
		t.Fatal(err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatal(fds, err)
	}
	return string(text[:n]), fds[0]
}

func TestNotify(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "3000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	m, conn := manager(t)
	if m.Watchdog() != 1500*time.Millisecond {
		t.Errorf("Watchdog = %v", m.Watchdog())
	}
	if os.Getenv("NOTIFY_SOCKET") != "" || os.Getenv("WATCHDOG_USEC") != "" {
		t.Error("children would take themselves for the service")
	}
	if err := m.Notify(Ready, Status("all\nis well")); err != nil {
		t.Fatal(err)
	}
	if text, _ := hear(t, conn); text != "READY=1\nSTATUS=all is well" {
		t.Errorf("the manager hears %q", text)
	}
	if err := m.Notify(Reloading()); err != nil {
		t.Fatal(err)
	}
	text, _ := hear(t, conn)
	usec, ok := strings.CutPrefix(text, "RELOADING=1\nMONOTONIC_USEC=")
	if n, err := strconv.Atoi(usec); !ok || err != nil || n <= 0 {
		t.Errorf("the manager hears %q", text)
	}
}

// TestNobody: without a service manager everything is in order.
func TestNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m, err := Connect()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{m.Notify(Ready), m.Keep("a", 0), m.Forget("a"), m.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	if fds, err := Stored(); len(fds) != 0 || err != nil {
		t.Errorf("Stored = %v, %v", fds, err)
	}
}

func TestStore(t *testing.T) {
	m, conn := manager(t)
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("kept"); err != nil {
		t.Fatal(err)
	}
	if err := m.Keep("one", int(f.Fd())); err != nil {
		t.Fatal(err)
	}
	text, fd := hear(t, conn)
	if text != "FDSTORE=1\nFDPOLL=0\nFDNAME=one" {
		t.Errorf("the manager hears %q", text)
	}
	if err := m.Forget("one"); err != nil {
		t.Fatal(err)
	}
	if text, _ := hear(t, conn); text != "FDSTOREREMOVE=1\nFDNAME=one" {
		t.Errorf("the manager hears %q", text)
	}

	// The next start, in a process of its own.
	kept := os.NewFile(uintptr(fd), "kept")
	defer kept.Close()
	again := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=one exec "$0" -test.run=^TestHelperStored$`, os.Args[0])
	again.Env = append(os.Environ(), "SYSTEMD_TEST_HELPER=1")
	again.ExtraFiles = []*os.File{kept}
	if out, err := again.CombinedOutput(); err != nil || !strings.Contains(string(out), "one: kept\n") {
		t.Errorf("the next start: %v\n%s", err, out)
	}
}

// TestHelperStored is not a test: TestStore runs it as the next start.
func TestHelperStored(t *testing.T) {
	if os.Getenv("SYSTEMD_TEST_HELPER") == "" {
		return
	}
	fds, err := Stored()
	if err != nil {
		t.Fatal(err)
	}
	for name, fd := range fds {
		b := make([]byte, 10)
		n, err := syscall.Pread(fd, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString(name + ": " + string(b[:n]) + "\n")
	}
	if more, err := Stored(); len(more) != 0 || err != nil {
		t.Errorf("the environment still tells of %v, %v", more, err)
	}
}
