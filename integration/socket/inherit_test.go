package socket

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestInherit: a socket goes on in another process with its path, and is refused to
// everybody while nobody serves it.
func TestInherit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := ListenPackets(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f, err := first.(*listener).File()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(f.Fd()))
	if err := errors.Join(err, f.Close(), first.(*listener).UnixListener.Close()); err != nil { // as by a kill
		t.Fatal(err)
	}
	l, err := Inherit(fd)
	if err != nil {
		t.Fatal(err)
	}
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("unixpacket", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	stop := Refuse(l, slog.New(slog.DiscardHandler))
	for range 3 {
		if n, err := dial().Read(make([]byte, 1)); n != 0 || err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("while it is refused: %d bytes, %v", n, err)
		}
	}
	stop()
	client := dial()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 1 {
		t.Errorf("afterwards: %d bytes, %v", n, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close the path is there: %v", err)
	}
}
