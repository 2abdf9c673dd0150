package kernel

import (
	"encoding/binary"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is the kernel's end of a connection: one request or reply a packet.
type wire struct {
	t  *testing.T
	fd int
}

// connect returns a Conn whose kernel is the test.
func connect(t *testing.T) (*Conn, wire) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fds[0])
		unix.Close(fds[1])
	})
	return &Conn{fd: fds[0]}, wire{t, fds[1]}
}

func (w wire) send(op Opcode, unique uint64, body []byte) {
	w.t.Helper()
	in := make([]byte, 40+len(body))
	binary.NativeEndian.PutUint32(in, uint32(len(in)))
	binary.NativeEndian.PutUint32(in[4:], uint32(op))
	binary.NativeEndian.PutUint64(in[8:], unique)
	copy(in[40:], body)
	if _, err := unix.Write(w.fd, in); err != nil {
		w.t.Fatal(err)
	}
}

func (w wire) receive() (unique uint64, errno syscall.Errno, body []byte) {
	w.t.Helper()
	buf := make([]byte, 1<<16)
	n, err := unix.Read(w.fd, buf)
	if err != nil || n < OutHeaderSize {
		w.t.Fatalf("a reply of %d bytes, %v", n, err)
	}
	if size := binary.NativeEndian.Uint32(buf); int(size) != n {
		w.t.Fatalf("a reply of %d bytes says %d", n, size)
	}
	return binary.NativeEndian.Uint64(buf[8:]), syscall.Errno(-int32(binary.NativeEndian.Uint32(buf[4:]))), buf[OutHeaderSize:n]
}

// handler answers GETATTR at once, READ when it is let go, FSYNC slowly.
type handler struct{ letGo chan struct{} }

func (h handler) Plan(r *Request) Plan {
	return Plan{Slow: Opcode(r.Header().Opcode) == OpFsync}
}

func (h handler) Handle(r *Request) (int, syscall.Errno) {
	switch Opcode(r.Header().Opcode) {
	case OpRead, OpFsync:
		<-h.letGo
		return copy(r.Out, "late"), 0
	case OpUnlink:
		return 10, syscall.EACCES
	}
	return copy(r.Out, "now"), 0
}

// TestHungHandlers lets more requests hang than there are readers: others are
// still answered, and the spare readers leave afterwards.
func TestHungHandlers(t *testing.T) {
	c, w := connect(t)
	h := handler{letGo: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- c.Serve(h) }()

	const hung = 20
	for i := range uint64(hung) {
		op := OpRead
		if i%4 == 0 {
			op = OpFsync
		}
		w.send(op, 100+i, nil)
	}
	w.send(OpForget, 1, nil) // wants no reply
	w.send(OpGetattr, 2, nil)
	if unique, errno, body := w.receive(); unique != 2 || errno != 0 || string(body) != "now" {
		t.Errorf("reply to %d: %v %q", unique, errno, body)
	}
	w.send(OpUnlink, 3, nil)
	if unique, errno, body := w.receive(); unique != 3 || errno != syscall.EACCES || len(body) != 0 {
		t.Errorf("reply to %d: %v %q", unique, errno, body)
	}
	close(h.letGo)
	seen := map[uint64]bool{}
	for range hung {
		unique, errno, body := w.receive()
		if errno != 0 || string(body) != "late" || seen[unique] {
			t.Errorf("reply to %d: %v %q, seen %v", unique, errno, body, seen[unique])
		}
		seen[unique] = true
	}
	// The end of the connection, as the kernel's ENODEV: an error here, for a
	// socket ends otherwise.
	unix.Shutdown(w.fd, unix.SHUT_RDWR)
	if err := <-done; err == nil {
		t.Error("Serve returned no error at the end of a socket")
	}
}

func TestInit(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		major, minor         uint32
		flags, flags2        uint32
		ok, passthrough, inc bool
	}{
		{"Linux 6.18", 7, 45, 1<<30 | 1<<14 | 1<<13, 1<<5 | 1<<7, true, true, true},
		{"Linux 6.12", 7, 41, 1<<30 | 1<<14 | 1<<13, 1<<5 | 1<<7, true, true, false},
		{"Linux 6.1", 7, 37, 1<<30 | 1<<14 | 1<<13, 0, true, false, false},
		{"no INIT_EXT", 7, 31, 1<<14 | 1<<13, 1 << 5, true, false, false},
		{"too old", 7, 12, 0, 0, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, w := connect(t)
			done := make(chan error, 1)
			go func() { done <- c.Start() }()
			body := make([]byte, 64)
			for i, v := range []uint32{tt.major, tt.minor, 1 << 17, tt.flags, tt.flags2} {
				binary.NativeEndian.PutUint32(body[4*i:], v)
			}
			w.send(OpInit, 1, body)
			_, errno, reply := w.receive()
			err := <-done
			if (err == nil) != tt.ok || (errno == 0) != tt.ok {
				t.Fatalf("Start() = %v, reply %v", err, errno)
			}
			if !tt.ok {
				return
			}
			f := c.Features()
			if f.Passthrough != tt.passthrough || f.IncEpoch != tt.inc {
				t.Errorf("features %+v", f)
			}
			if major, minor := binary.NativeEndian.Uint32(reply), binary.NativeEndian.Uint32(reply[4:]); major != 7 || minor > tt.minor {
				t.Errorf("the reply speaks %d.%d to %d.%d", major, minor, tt.major, tt.minor)
			}
			if granted := binary.NativeEndian.Uint32(reply[12:]); granted&^tt.flags != 0 {
				t.Errorf("granted %#x of %#x", granted, tt.flags)
			}
		})
	}
}

// TestNotifyClosed: what comes after Close is not written into whatever file has
// the number now.
func TestNotifyClosed(t *testing.T) {
	c, w := connect(t)
	c.features.IncEpoch = true
	if told, err := c.IncEpoch(); err != nil || !told {
		t.Errorf("IncEpoch = %v, %v", told, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(w.fd, c.fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	for name, notify := range map[string]func() (bool, error){
		"IncEpoch":       c.IncEpoch,
		"DropAttributes": func() (bool, error) { return c.DropAttributes(2) },
	} {
		if told, err := notify(); err != nil || told {
			t.Errorf("%s after Close = %v, %v, want nothing done", name, told, err)
		}
	}
}

func TestUnescape(t *testing.T) {
	if got, want := unescape(`/srv/a\040b\134c`), `/srv/a b\c`; got != want {
		t.Errorf("unescape = %q, want %q", got, want)
	}
}
