package fs_test

import (
	"encoding/binary"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"grantfs/fs"
	"grantfs/fs/kernel"
	"grantfs/policy"
)

// body returns what follows the header in a request that begins with the
// structure in.
func body[T any](in T, names ...string) []byte {
	all := unsafe.Slice((*byte)(unsafe.Pointer(&in)), unsafe.Sizeof(in))
	b := append([]byte(nil), all[unsafe.Sizeof(fuse.InHeader{}):]...)
	for _, n := range names {
		b = append(append(b, n...), 0)
	}
	return b
}

// objects are node ids and handles that requests are about.
type objects struct{ dir, file, link, fh, dirfh uint64 }

// opcodeCase is one request as the kernel sends it, where the account has lost
// every right since it opened what it is about, and its answers to the account
// and to another one.
type opcodeCase struct {
	node             func(o objects) uint64
	body             func(o objects) []byte
	refused, foreign syscall.Errno
}

func inDir(o objects) uint64  { return o.dir }
func onFile(o objects) uint64 { return o.file }
func nowhere(objects) uint64  { return 1 << 31 }
func nothing(objects) []byte  { return body(fuse.InHeader{}) }
func zeroes(objects) []byte   { return make([]byte, 64) }
func name(objects) []byte     { return body(fuse.InHeader{}, "f") }
func dirIO(o objects) []byte  { return body(fuse.ReadIn{Fh: o.dirfh, Size: 4096}) }
func copying(o objects) []byte {
	return body(fuse.CopyFileRangeIn{FhIn: o.fh, NodeIdOut: o.file, FhOut: o.fh, OffOut: 100, Len: 1})
}

var opcodeCases = map[kernel.Opcode]opcodeCase{
	kernel.OpLookup:      {inDir, name, ok, EACCES},
	kernel.OpForget:      {nowhere, zeroes, ok, ok},
	kernel.OpBatchForget: {nowhere, zeroes, ok, ok},
	kernel.OpGetattr:     {onFile, zeroes, ok, EACCES},
	kernel.OpStatx:       {onFile, zeroes, ok, EACCES},
	kernel.OpSetattr: {onFile, func(objects) []byte {
		return body(fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{Valid: fuse.FATTR_SIZE}})
	}, EACCES, EACCES},
	kernel.OpAccess:   {onFile, func(objects) []byte { return body(fuse.AccessIn{Mask: unix.W_OK}) }, EACCES, EACCES},
	kernel.OpReadlink: {func(o objects) uint64 { return o.link }, nothing, EACCES, EACCES},
	kernel.OpSymlink:  {inDir, func(objects) []byte { return body(fuse.InHeader{}, "new", "f") }, EACCES, EACCES},
	kernel.OpMkdir:    {inDir, func(objects) []byte { return body(fuse.MkdirIn{Mode: 0o755}, "new") }, EACCES, EACCES},
	kernel.OpUnlink:   {inDir, name, EACCES, EACCES},
	kernel.OpRmdir:    {inDir, func(objects) []byte { return body(fuse.InHeader{}, "d") }, EACCES, EACCES},
	kernel.OpRename: {inDir, func(o objects) []byte {
		return append(binary.NativeEndian.AppendUint64(nil, o.dir), "f\x00new\x00"...)
	}, EACCES, EACCES},
	kernel.OpRename2: {inDir, func(o objects) []byte {
		return body(fuse.RenameIn{Newdir: o.dir, Flags: unix.RENAME_EXCHANGE}, "f", "d")
	}, EACCES, EACCES},
	kernel.OpCreate: {inDir, func(objects) []byte { return body(fuse.CreateIn{Flags: unix.O_WRONLY, Mode: 0o644}, "new") }, EACCES, EACCES},
	kernel.OpOpen:   {onFile, func(objects) []byte { return body(fuse.OpenIn{Flags: unix.O_RDONLY}) }, EACCES, EACCES},
	kernel.OpRead:   {onFile, func(o objects) []byte { return body(fuse.ReadIn{Fh: o.fh, Size: 10}) }, EACCES, EACCES},
	kernel.OpWrite: {onFile, func(o objects) []byte {
		return append(body(fuse.WriteIn{Fh: o.fh, Size: 3}), "new"...)
	}, EACCES, EACCES},
	kernel.OpFlush:         {onFile, func(o objects) []byte { return body(fuse.FlushIn{Fh: o.fh}) }, ok, ok},
	kernel.OpRelease:       {nowhere, zeroes, ok, ok},
	kernel.OpFsync:         {onFile, func(o objects) []byte { return body(fuse.FsyncIn{Fh: o.fh}) }, ok, EACCES},
	kernel.OpFallocate:     {onFile, func(o objects) []byte { return body(fuse.FallocateIn{Fh: o.fh, Length: 99}) }, EACCES, EACCES},
	kernel.OpLseek:         {onFile, func(o objects) []byte { return body(fuse.LseekIn{Fh: o.fh, Whence: unix.SEEK_HOLE}) }, ok, EACCES},
	kernel.OpCopyFileRange: {onFile, copying, ENOTSU, EACCES},
	kernel.OpCopyRange64:   {onFile, copying, ENOTSU, EACCES},
	kernel.OpSetxattr: {onFile, func(objects) []byte {
		return append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, "user.x\x00v"...)
	}, ENOTSU, EACCES},
	kernel.OpGetxattr:      {onFile, func(objects) []byte { return body(fuse.GetXAttrIn{Size: 9}, "user.x") }, syscall.ENOSYS, EACCES}, // no folder has any: not a caller's answer
	kernel.OpListxattr:     {onFile, func(objects) []byte { return body(fuse.GetXAttrIn{Size: 9}) }, ENOTSU, EACCES},
	kernel.OpRemovexattr:   {onFile, func(objects) []byte { return body(fuse.InHeader{}, "user.x") }, ENOTSU, EACCES},
	kernel.OpOpendir:       {inDir, zeroes, EACCES, EACCES},
	kernel.OpReaddir:       {inDir, dirIO, EACCES, EACCES},
	kernel.OpReaddirplus:   {inDir, dirIO, EACCES, EACCES},
	kernel.OpReleasedir:    {nowhere, zeroes, ok, ok},
	kernel.OpFsyncdir:      {inDir, func(o objects) []byte { return body(fuse.FsyncIn{Fh: o.dirfh}) }, ok, EACCES},
	kernel.OpStatfs:        {onFile, nothing, ok, EACCES},
	kernel.OpPoll:          {onFile, zeroes, syscall.ENOSYS, syscall.ENOSYS}, // the kernel's own question
	kernel.OpInterrupt:     {nowhere, zeroes, ok, ok},
	kernel.OpNotifyReply:   {nowhere, zeroes, ok, ok},
	kernel.OpDestroy:       {nowhere, nothing, ok, ok},
	kernel.OpLink:          {inDir, func(o objects) []byte { return append(binary.NativeEndian.AppendUint64(nil, o.file), "new\x00"...) }, ENOTSU, ENOTSU},
	kernel.OpMknod:         {inDir, func(objects) []byte { return body(fuse.MknodIn{Mode: unix.S_IFIFO | 0o644}, "new") }, EPERM, EPERM},
	kernel.OpTmpfile:       {inDir, zeroes, ENOTSU, ENOTSU},
	kernel.OpIoctl:         {onFile, zeroes, ENOTTY, ENOTTY},
	kernel.OpGetlk:         {onFile, zeroes, ENOTSU, ENOTSU},
	kernel.OpSetlk:         {onFile, zeroes, ENOTSU, ENOTSU},
	kernel.OpSetlkw:        {onFile, zeroes, ENOTSU, ENOTSU},
	kernel.OpBmap:          {onFile, zeroes, ENOTSU, ENOTSU},
	kernel.OpSetupmapping:  {onFile, zeroes, ENOTSU, ENOTSU},
	kernel.OpRemovemapping: {onFile, zeroes, ENOTSU, ENOTSU},
	kernel.OpSyncfs:        {nowhere, zeroes, ENOTSU, ENOTSU},
}

// TestEveryOpcode hands the dispatcher a request of every kind that it has a row
// for, after the account has lost every right and as another account: nothing is
// done, and the answers are those of product.md §5.
func TestEveryOpcode(t *testing.T) {
	dir := tree(t, "no/", "no/d/", "no/f")
	if err := unix.Symlink("f", filepath.Join(dir, "no/l")); err != nil {
		t.Fatal(err)
	}
	in, ids := home(dir, nil)
	m := mount(t, in, ids)
	out := make([]byte, kernel.MaxTransfer)
	ask := func(uid uint32, op kernel.Opcode, node uint64, b []byte) syscall.Errno {
		r := request(op, node, b, out)
		binary.NativeEndian.PutUint32(r.In[24:], uid)
		_, errno := m.Handle(r)
		return errno
	}
	must := func(op kernel.Opcode, node uint64, b []byte, at int) uint64 {
		t.Helper()
		if errno := ask(aliceUID, op, node, b); errno != 0 {
			t.Fatalf("opcode %d: %v", op, errno)
		}
		return binary.NativeEndian.Uint64(out[at:])
	}
	lookup := func(node uint64, name string) uint64 {
		return must(kernel.OpLookup, node, body(fuse.InHeader{}, name), 0)
	}
	var o objects
	o.dir = lookup(lookup(1, "alice"), "no")
	o.file, o.link = lookup(o.dir, "f"), lookup(o.dir, "l")
	o.fh = must(kernel.OpOpen, o.file, body(fuse.OpenIn{Flags: unix.O_RDWR}), 0)
	o.dirfh = must(kernel.OpOpendir, o.dir, zeroes(o), 0)

	in.Accounts[0].Permissions = []policy.Permission{
		{Path: set("/no"), Verbs: []policy.Setting[string]{set("copy")}}, // makes names known
		{Path: set("/no/d"), Verbs: []policy.Setting[string]{set("copy")}},
	}
	if err := m.Swap(fs.Policy{Set: compile(t, in), IDs: ids}); err != nil {
		t.Fatal(err)
	}
	before := world(t, dir)
	for _, op := range fs.Rows() {
		c, there := opcodeCases[op]
		if !there {
			t.Errorf("opcode %d has a row and no case", op)
			continue
		}
		if got := ask(aliceUID, op, c.node(o), c.body(o)); got != c.refused {
			t.Errorf("opcode %d: %v, want %v", op, got, c.refused)
		}
		if got := ask(bobUID, op, c.node(o), c.body(o)); got != c.foreign {
			t.Errorf("opcode %d of another account: %v, want %v", op, got, c.foreign)
		}
		if diff := cmp.Diff(before, world(t, dir)); diff != "" {
			t.Errorf("opcode %d changed the backing: %s", op, diff)
			before = world(t, dir)
		}
	}
	if got := ask(aliceUID, kernel.OpRelease, o.file, body(fuse.ReleaseIn{Fh: o.fh})); got != ok {
		t.Errorf("release: %v", got)
	}
	if got := ask(aliceUID, kernel.OpReleasedir, o.dir, body(fuse.ReleaseIn{Fh: o.dirfh})); got != ok {
		t.Errorf("releasedir: %v", got)
	}
}
