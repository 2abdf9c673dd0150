package kernel

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDrain: what was read is answered, what was not is left for a successor.
func TestDrain(t *testing.T) {
	c, w := connect(t)
	h := handler{letGo: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- c.Serve(h) }()
	w.send(OpRead, 1, nil)
	w.send(OpGetattr, 2, nil)
	if unique, _, _ := w.receive(); unique != 2 {
		t.Fatalf("reply to %d, want 2", unique)
	}
	// The READ hangs.
	if err := c.Drain(10 * time.Millisecond); err == nil {
		t.Error("Drain with a request under way = nil")
	}
	w.send(OpGetattr, 3, nil)
	close(h.letGo)
	if unique, _, body := w.receive(); unique != 1 || string(body) != "late" {
		t.Errorf("reply to %d: %q, want that to the READ", unique, body)
	}
	if err := c.Drain(time.Minute); err != nil {
		t.Errorf("Drain = %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve = %v", err)
	}
	left := make([]byte, 1<<10)
	if n, _, err := unix.Recvfrom(c.fd, left, unix.MSG_DONTWAIT); err != nil || n != 40 {
		t.Errorf("%d bytes are left to read, %v, want the request that came last", n, err)
	}
}
