package metrics

import (
	"net"
	"testing"
	"time"
)

// TestCrowd: who comes when all room is taken is hung up on, and there is room again
// when somebody leaves.
func TestCrowd(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newCrowd(inner, 2)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	dial()
	first := <-accepted
	dial()
	second := <-accepted
	late := dial()
	if err := late.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := late.Read(make([]byte, 1)); err == nil {
		t.Errorf("one too many reads %d bytes", n)
	} else if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error("one too many is kept waiting")
	}
	for range 2 { // the second changes nothing
		_ = first.Close()
	}
	dial()
	third := <-accepted
	late = dial()
	if err := late.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Error("one that left twice made room for two")
	}
	second.Close()
	third.Close()
	if err := inner.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := <-accepted; ok {
		t.Error("one more was accepted")
	}
}
