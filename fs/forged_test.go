package fs_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs/kernel"
	"grantfs/policy"
)

// entrySize is how long the reply to a LOOKUP is.
const entrySize = int(unsafe.Sizeof(fuse.EntryOut{}))

// shape is what a request of a kind looks like behind its header, and how long
// its reply is: that of a read is as long as was asked for at most.
type shape struct {
	op    kernel.Opcode
	fixed uintptr // bytes before the names or the payload, with the header
	names int
	reply int // -1: any up to the size that was asked for
}

var shapes = []shape{
	{kernel.OpLookup, headerSize, 1, entrySize},
	{kernel.OpForget, unsafe.Sizeof(fuse.ForgetIn{}), 0, 0},
	{kernel.OpGetattr, unsafe.Sizeof(fuse.GetAttrIn{}), 0, int(unsafe.Sizeof(fuse.AttrOut{}))},
	{kernel.OpSetattr, unsafe.Sizeof(fuse.SetAttrIn{}), 0, int(unsafe.Sizeof(fuse.AttrOut{}))},
	{kernel.OpReadlink, headerSize, 0, -1},
	{kernel.OpSymlink, headerSize, 2, entrySize},
	{kernel.OpMknod, unsafe.Sizeof(fuse.MknodIn{}), 1, entrySize},
	{kernel.OpMkdir, unsafe.Sizeof(fuse.MkdirIn{}), 1, entrySize},
	{kernel.OpUnlink, headerSize, 1, 0},
	{kernel.OpRmdir, headerSize, 1, 0},
	{kernel.OpRename, headerSize + 8, 2, 0},
	{kernel.OpRename2, unsafe.Sizeof(fuse.RenameIn{}), 2, 0},
	{kernel.OpLink, headerSize + 8, 1, entrySize},
	{kernel.OpOpen, unsafe.Sizeof(fuse.OpenIn{}), 0, int(unsafe.Sizeof(fuse.OpenOut{}))},
	{kernel.OpRead, unsafe.Sizeof(fuse.ReadIn{}), 0, -1},
	{kernel.OpWrite, unsafe.Sizeof(fuse.WriteIn{}), 2, int(unsafe.Sizeof(fuse.WriteOut{}))},
	{kernel.OpStatfs, headerSize, 0, int(unsafe.Sizeof(fuse.StatfsOut{}))},
	{kernel.OpRelease, unsafe.Sizeof(fuse.ReleaseIn{}), 0, 0},
	{kernel.OpFsync, unsafe.Sizeof(fuse.FsyncIn{}), 0, 0},
	{kernel.OpFlush, unsafe.Sizeof(fuse.FlushIn{}), 0, 0},
	{kernel.OpOpendir, unsafe.Sizeof(fuse.OpenIn{}), 0, int(unsafe.Sizeof(fuse.OpenOut{}))},
	{kernel.OpReaddir, unsafe.Sizeof(fuse.ReadIn{}), 0, -1},
	{kernel.OpReaddirplus, unsafe.Sizeof(fuse.ReadIn{}), 0, -1},
	{kernel.OpReleasedir, unsafe.Sizeof(fuse.ReleaseIn{}), 0, 0},
	{kernel.OpFsyncdir, unsafe.Sizeof(fuse.FsyncIn{}), 0, 0},
	{kernel.OpAccess, unsafe.Sizeof(fuse.AccessIn{}), 0, 0},
	{kernel.OpCreate, unsafe.Sizeof(fuse.CreateIn{}), 1, entrySize + int(unsafe.Sizeof(fuse.OpenOut{}))},
	{kernel.OpBatchForget, headerSize + 8, 2, 0},
	{kernel.OpFallocate, unsafe.Sizeof(fuse.FallocateIn{}), 0, 0},
	{kernel.OpLseek, unsafe.Sizeof(fuse.LseekIn{}), 0, int(unsafe.Sizeof(fuse.LseekOut{}))},
	{kernel.OpStatx, unsafe.Sizeof(fuse.StatxIn{}), 0, int(unsafe.Sizeof(fuse.StatxOut{}))},
	{kernel.OpCopyFileRange, unsafe.Sizeof(fuse.CopyFileRangeIn{}), 0, int(unsafe.Sizeof(fuse.WriteOut{}))},
	{kernel.OpCopyRange64, unsafe.Sizeof(fuse.CopyFileRangeIn{}), 0, int(unsafe.Sizeof(fuse.CopyFileRangeOut{}))},
	{kernel.OpSetxattr, headerSize + 8, 2, 0},
	{kernel.OpGetxattr, headerSize + 8, 1, -1},
	{kernel.OpListxattr, headerSize + 8, 0, -1},
	{kernel.OpRemovexattr, headerSize, 1, 0},
	{kernel.OpInterrupt, headerSize + 8, 0, 0},
}

const headerSize = unsafe.Sizeof(fuse.InHeader{})

// numbers are what the fields of a request are filled with, beside node ids and
// handles.
var numbers = []uint64{
	0, 1, 2, 3, 8, 4095, 4096, 1 << 17, 1 << 20, 1<<20 + 1, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1,
	unix.O_RDWR, unix.O_WRONLY | unix.O_TRUNC, unix.O_RDWR | unix.O_APPEND, unix.O_RDWR<<32 | 0o644, 0o755, unix.S_IFREG | 0o644,
	fuse.FATTR_SIZE, fuse.FATTR_MODE, fuse.FATTR_MTIME | fuse.FATTR_ATIME_NOW, fuse.FATTR_UID, unix.SEEK_HOLE, unix.SEEK_DATA,
}

var forgedNames = []string{"f\x00", "d\x00", "g\x00", "alice\x00", "l\x00", "m\x00", "user.x\x00", "..\x00", ".\x00", "a/b\x00", "\x00", "unterminated", "\xff\xfe\x00", string(make([]byte, 300))}

// onHandles are the kinds whose first field is a handle.
var onHandles = []kernel.Opcode{
	kernel.OpRead, kernel.OpWrite, kernel.OpRelease, kernel.OpReleasedir, kernel.OpReaddir, kernel.OpReaddirplus,
	kernel.OpFsync, kernel.OpFsyncdir, kernel.OpFallocate, kernel.OpLseek, kernel.OpFlush,
}

// forger sends requests that no kernel would, and keeps count of what the
// replies gave it.
type forger struct {
	t       *testing.T
	m       *mounted
	out     []byte
	input   []byte // that decides
	lookups map[uint64]uint64
	nodes   []uint64
	handles []uint64
	owner   map[uint64]uint64 // handle to node
	isDir   map[uint64]bool   // of a handle
}

// next returns the next deciding byte, zeroes at the end.
func (f *forger) next() int {
	if len(f.input) == 0 {
		return 0
	}
	b := f.input[0]
	f.input = f.input[1:]
	return int(b)
}

func (f *forger) number() uint64 {
	b := f.next()
	switch {
	case b < 80 && len(f.handles) > 0:
		return f.handles[b%len(f.handles)]
	case b < 120:
		return f.nodes[b%len(f.nodes)]
	}
	return numbers[b%len(numbers)]
}

// forge builds one request of the shape.
func (f *forger) forge(s shape) *kernel.Request {
	node := f.nodes[f.next()%len(f.nodes)]
	body := make([]byte, int(s.fixed-headerSize))
	for at := 0; at+8 <= len(body); at += 8 {
		binary.NativeEndian.PutUint64(body[at:], f.number())
	}
	switch b := f.next(); {
	case b < 8:
		node = numbers[b]
	case s.op == kernel.OpForget && f.lookups[node] == 0, s.op == kernel.OpBatchForget:
		// What the kernel itself knows must not be forgotten in its place.
		node = 1 << 40
		clear(body)
	case len(f.handles) > 0 && b < 200 && slices.Contains(onHandles, s.op):
		// A handle with the node it belongs to: else nothing would get far.
		h := f.handles[b%len(f.handles)]
		node = f.owner[h]
		binary.NativeEndian.PutUint64(body, h)
	}
	if s.op == kernel.OpFallocate {
		// Space that is really there would be taken.
		for _, at := range []int{8, 16} {
			if n := binary.NativeEndian.Uint64(body[at:]); n < 1<<62 {
				binary.NativeEndian.PutUint64(body[at:], n%(1<<20))
			}
		}
	}
	for range s.names {
		body = append(body, forgedNames[f.next()%len(forgedNames)]...)
	}
	switch b := f.next(); {
	case b < 16:
		body = body[:min(len(body), b*4)]
	case b < 24:
		body = append(body, make([]byte, b*100)...)
	}
	r := request(s.op, node, body, f.out)
	switch b := f.next(); b {
	case 1:
		r.Header().Uid = bobUID
	case 2:
		r.Header().Uid = 0
	case 3:
		r.Header().Length = 1 << 31
	}
	return r
}

// send hands a request to the server and looks at the reply.
func (f *forger) send(s shape, r *kernel.Request) {
	f.t.Helper()
	h := *r.Header()
	n, errno := f.m.Handle(r)
	body := r.In[headerSize:]
	if f.m.Panics() != 0 {
		f.t.Fatalf("opcode %d of node %d, body %q: panic", s.op, h.NodeId, body)
	}
	if errno > 4095 || errno == syscall.ENOSYS && s.op != kernel.OpGetxattr {
		f.t.Fatalf("opcode %d: errno %d", s.op, errno)
	}
	if errno != 0 || s.op.Silent() {
		f.forgotten(s.op, h.NodeId, body)
		return
	}
	if s.reply >= 0 && n != s.reply {
		f.t.Fatalf("opcode %d, body %q: a reply of %d bytes, want %d", s.op, body, n, s.reply)
	}
	if size := len(r.Out); s.reply < 0 {
		switch s.op {
		case kernel.OpReadlink:
		case kernel.OpGetxattr, kernel.OpListxattr:
			if asked := int(binary.NativeEndian.Uint32(body)); asked > 0 {
				size = min(size, asked)
			} else {
				size = int(unsafe.Sizeof(fuse.GetXAttrOut{})) // how long it is
			}
		default:
			size = min(size, int(binary.NativeEndian.Uint32(body[16:])))
		}
		if n > size {
			f.t.Fatalf("opcode %d, body %q: a reply of %d bytes, where %d were asked for", s.op, body, n, size)
		}
	}
	f.learn(s.op, h.NodeId, body, r.Out[:n])
}

// forgotten keeps count of what was given back.
func (f *forger) forgotten(op kernel.Opcode, node uint64, body []byte) {
	if op == kernel.OpForget && len(body) >= 8 {
		f.lookups[node] -= min(f.lookups[node], binary.NativeEndian.Uint64(body))
	}
}

// learn takes node ids and handles off a reply.
func (f *forger) learn(op kernel.Opcode, node uint64, body, out []byte) {
	switch op {
	case kernel.OpLookup, kernel.OpSymlink, kernel.OpMknod, kernel.OpMkdir, kernel.OpCreate:
		id := f.entry(out)
		if op == kernel.OpCreate {
			f.handle(binary.NativeEndian.Uint64(out[entrySize:]), id, false)
		}
	case kernel.OpOpen, kernel.OpOpendir:
		f.handle(binary.NativeEndian.Uint64(out), node, op == kernel.OpOpendir)
	case kernel.OpReaddirplus:
		f.dirents(out, true)
	case kernel.OpReaddir:
		f.dirents(out, false)
	case kernel.OpRelease, kernel.OpReleasedir:
		h := binary.NativeEndian.Uint64(body)
		f.handles = slices.DeleteFunc(f.handles, func(open uint64) bool { return open == h })
	}
}

func (f *forger) entry(out []byte) uint64 {
	id := binary.NativeEndian.Uint64(out)
	if id == 0 {
		return 0
	}
	if f.lookups[id] == 0 {
		f.nodes = append(f.nodes, id)
	}
	f.lookups[id]++
	return id
}

func (f *forger) handle(h, node uint64, isDir bool) {
	f.handles = append(f.handles, h)
	f.owner[h], f.isDir[h] = node, isDir
}

// dirents walks the entries of a listing, which must fill it exactly.
func (f *forger) dirents(out []byte, plus bool) {
	f.t.Helper()
	for len(out) > 0 {
		head := 0
		if plus {
			head = entrySize
		}
		const fixed = 24 // ino, offset, length of the name, type
		if len(out) < head+fixed {
			f.t.Fatalf("a listing ends in %d bytes", len(out))
		}
		size := int(binary.NativeEndian.Uint32(out[head+16:]))
		whole := (head + fixed + size + 7) &^ 7
		if size == 0 || size > 255 || whole > len(out) {
			f.t.Fatalf("an entry has a name of %d bytes, %d are left", size, len(out))
		}
		if plus {
			f.entry(out)
		}
		out = out[whole:]
	}
}

// finish gives everything back.
func (f *forger) finish() {
	for _, h := range f.handles {
		op := kernel.OpRelease
		if f.isDir[h] {
			op = kernel.OpReleasedir
		}
		body := make([]byte, unsafe.Sizeof(fuse.ReleaseIn{})-headerSize)
		binary.NativeEndian.PutUint64(body, h)
		f.m.Handle(request(op, f.owner[h], body, f.out))
	}
	for id, count := range f.lookups {
		body := binary.NativeEndian.AppendUint64(nil, count)
		f.m.Handle(request(kernel.OpForget, id, body, f.out))
	}
}

// forgeAll sends the requests that input encodes: every reply must be well
// formed, and in the end the server must hold what it held before.
func forgeAll(t *testing.T, m *mounted, input, out []byte) {
	t.Helper()
	waitFor(t, func() bool { return m.OpenHandles() == 0 }) // of the mounting
	nodes := m.Nodes()
	f := &forger{
		t: t, m: m, out: out, input: input, nodes: []uint64{1},
		lookups: map[uint64]uint64{}, owner: map[uint64]uint64{}, isDir: map[uint64]bool{},
	}
	f.send(shapes[0], request(kernel.OpLookup, 1, []byte("alice\x00"), out))
	for range 200 {
		if len(f.input) == 0 {
			break
		}
		s := shapes[f.next()%len(shapes)]
		f.send(s, f.forge(s))
	}
	f.finish()
	if n := m.OpenHandles(); n != 0 {
		t.Errorf("%d handles are left", n)
	}
	if n := m.Nodes(); n > nodes {
		t.Errorf("%d nodes are left, there were %d", n, nodes)
	}
}

// forgedMount is a home with a folder in it.
func forgedMount(t testing.TB) *mounted {
	in, ids := home(tree(t, "f", "d/", "d/g"), func(a *policy.Account) {
		a.VirtualFolders = []policy.Mounting{{Folder: set("x"), Path: set("/m")}, {Folder: set("x"), Path: set("/d/a/m"), ReadOnly: set(true)}}
	})
	in.Folders = []policy.Folder{{Name: "x", Source: set(tree(t, "f", "d/")), UserXattrs: set(true)}}
	return mount(t, in, ids)
}

// TestForgedRequests sends sequences of requests that no kernel sends.
func TestForgedRequests(t *testing.T) {
	m := forgedMount(t)
	out := make([]byte, kernel.MaxTransfer)
	for seed := range uint64(400) {
		forgeAll(t, m, forgedInput(seed), out)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func forgedInput(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 10))
	input := make([]byte, 2000)
	for i := range input {
		input[i] = byte(r.Uint32())
	}
	return input
}

// FuzzRequests is TestForgedRequests on what the fuzzer thinks of.
func FuzzRequests(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(forgedInput(seed)[:300])
	}
	m := forgedMount(f)
	out := make([]byte, kernel.MaxTransfer)
	f.Fuzz(func(t *testing.T, input []byte) { forgeAll(t, m, input, out) })
}
