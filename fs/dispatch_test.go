package fs_test

import (
	"encoding/binary"
	"math/rand/v2"
	"syscall"
	"testing"

	"grantfs/fs/kernel"
)

// request builds the bytes of a request of the account alice.
func request(op kernel.Opcode, node uint64, body, out []byte) *kernel.Request {
	in := make([]byte, 40+len(body))
	binary.NativeEndian.PutUint32(in, uint32(len(in)))
	binary.NativeEndian.PutUint32(in[4:], uint32(op))
	binary.NativeEndian.PutUint64(in[16:], node)
	binary.NativeEndian.PutUint32(in[24:], aliceUID)
	copy(in[40:], body)
	return &kernel.Request{In: in, Out: out}
}

// TestDispatch hands the dispatcher what no kernel sends: opcodes that are
// refused by design, unknown ones, and structures that are cut short.
func TestDispatch(t *testing.T) {
	in, ids := home(tree(t, "f"), nil)
	m := mount(t, in, ids)
	out := make([]byte, kernel.MaxTransfer)
	for _, tt := range []struct {
		op   kernel.Opcode
		want syscall.Errno
	}{
		{kernel.OpGetlk, ENOTSU},
		{kernel.OpSetlk, ENOTSU},
		{kernel.OpSetlkw, ENOTSU},
		{kernel.OpBmap, ENOTSU},
		{kernel.OpSetupmapping, ENOTSU},
		{kernel.OpRemovemapping, ENOTSU},
		{kernel.OpIoctl, ENOTTY},
		{kernel.OpInit, ENOTSU},
		{0, ENOTSU},
		{7, ENOTSU},
		{19, ENOTSU},
		{kernel.OpcodeCount, ENOTSU},
		{4096, ENOTSU},
	} {
		if _, got := m.Handle(request(tt.op, 1, make([]byte, 200), out)); got != tt.want {
			t.Errorf("opcode %d: %v, want %v", tt.op, got, tt.want)
		}
	}
	// Of any node and length, with a body of zeroes: an errno, never a panic.
	for op := kernel.Opcode(0); op <= kernel.OpcodeCount; op++ {
		for _, node := range []uint64{0, 1, 2, 1 << 40, ^uint64(0)} {
			for size := range 130 {
				m.Handle(request(op, node, make([]byte, size), out))
			}
		}
	}
}

// FuzzDispatch hands random requests to a mounted server.
func FuzzDispatch(f *testing.F) {
	f.Add(uint32(kernel.OpLookup), uint64(1), []byte("alice\x00"))
	f.Add(uint32(kernel.OpRename), uint64(2), []byte("\x02\x00\x00\x00\x00\x00\x00\x00f\x00g\x00"))
	f.Add(uint32(kernel.OpBatchForget), uint64(0), []byte("\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Add(uint32(kernel.OpReaddirplus), uint64(1), make([]byte, 40))
	f.Add(uint32(kernel.OpWrite), uint64(2), make([]byte, 60))
	in, ids := home(tree(f, "f", "d/"), nil)
	m := mount(f, in, ids)
	out := make([]byte, kernel.MaxTransfer)
	f.Fuzz(func(t *testing.T, op uint32, node uint64, body []byte) {
		if len(body) > 1<<16 {
			return
		}
		r := request(kernel.Opcode(op), node, body, out)
		n, errno := m.Handle(r)
		if n < 0 || n > len(r.Out) {
			t.Errorf("opcode %d: a reply of %d bytes", op, n)
		}
		// Both are the kernel's own questions: what it tells callers is its affair.
		if errno == syscall.ENOSYS && kernel.Opcode(op) != kernel.OpPoll && kernel.Opcode(op) != kernel.OpGetxattr {
			t.Errorf("opcode %d: ENOSYS", op)
		}
		if m.Panics() != 0 {
			t.Fatalf("opcode %d, node %d, body %q: panic", op, node, body)
		}
	})
}

// TestRandomRequests is a little of the fuzzing in every run.
func TestRandomRequests(t *testing.T) {
	in, ids := home(tree(t, "f", "d/"), nil)
	m := mount(t, in, ids)
	out := make([]byte, kernel.MaxTransfer)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		body := make([]byte, random.IntN(120))
		for i := range body {
			if random.IntN(3) == 0 {
				body[i] = byte(random.Uint32())
			}
		}
		m.Handle(request(kernel.Opcode(random.IntN(60)), random.Uint64N(6), body, out))
		if m.Panics() != 0 {
			t.Fatalf("panic at %q", body)
		}
	}
}
