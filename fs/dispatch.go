package fs

import (
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"

	"grantfs/fs/kernel"
	"grantfs/policy"
)

// row is what is done with one kind of request.
type row struct {
	op   policy.Op
	size uintptr // of the request's structure, header included
	slow bool    // may wait for a disk: gets a goroutine of its own
	run  func(*Server, *call) syscall.Errno
}

var header = unsafe.Sizeof(fuse.InHeader{})

// table is the only way from an opcode to code. What has no row is EOPNOTSUPP;
// refused rows are there so that they are named in metrics and tests.
var table = [kernel.OpcodeCount]row{
	kernel.OpLookup:        {op: policy.OpLookup, size: header, run: (*Server).lookup},
	kernel.OpForget:        {op: policy.OpForget, size: unsafe.Sizeof(fuse.ForgetIn{}), run: (*Server).forget},
	kernel.OpBatchForget:   {op: policy.OpForget, size: header + 8, run: (*Server).batchForget},
	kernel.OpGetattr:       {op: policy.OpGetattr, size: unsafe.Sizeof(fuse.GetAttrIn{}), run: (*Server).getattr},
	kernel.OpStatx:         {op: policy.OpGetattr, size: unsafe.Sizeof(fuse.StatxIn{}), run: (*Server).statx},
	kernel.OpSetattr:       {op: policy.OpChmod, size: unsafe.Sizeof(fuse.SetAttrIn{}), run: (*Server).setattr},
	kernel.OpAccess:        {op: policy.OpAccess, size: unsafe.Sizeof(fuse.AccessIn{}), run: (*Server).access},
	kernel.OpReadlink:      {op: policy.OpReadlink, size: header, run: (*Server).readlink},
	kernel.OpSymlink:       {op: policy.OpSymlink, size: header, run: (*Server).symlink},
	kernel.OpMkdir:         {op: policy.OpMkdir, size: unsafe.Sizeof(fuse.MkdirIn{}), run: (*Server).mkdir},
	kernel.OpUnlink:        {op: policy.OpUnlink, size: header, run: (*Server).unlink},
	kernel.OpRmdir:         {op: policy.OpRmdir, size: header, run: (*Server).rmdir},
	kernel.OpRename:        {op: policy.OpRename, size: header + 8, run: (*Server).rename1},
	kernel.OpRename2:       {op: policy.OpRename, size: unsafe.Sizeof(fuse.RenameIn{}), run: (*Server).rename2},
	kernel.OpCreate:        {op: policy.OpCreate, size: unsafe.Sizeof(fuse.CreateIn{}), run: (*Server).create},
	kernel.OpOpen:          {op: policy.OpOpenRead, size: unsafe.Sizeof(fuse.OpenIn{}), run: (*Server).open},
	kernel.OpRead:          {op: policy.OpRead, size: unsafe.Sizeof(fuse.ReadIn{}), run: (*Server).read},
	kernel.OpWrite:         {op: policy.OpWrite, size: unsafe.Sizeof(fuse.WriteIn{}), run: (*Server).write},
	kernel.OpFlush:         {op: policy.OpFlush, size: unsafe.Sizeof(fuse.FlushIn{}), run: (*Server).flush},
	kernel.OpRelease:       {op: policy.OpRelease, size: unsafe.Sizeof(fuse.ReleaseIn{}), run: (*Server).release},
	kernel.OpFsync:         {op: policy.OpFsync, size: unsafe.Sizeof(fuse.FsyncIn{}), slow: true, run: (*Server).fsync},
	kernel.OpFallocate:     {op: policy.OpFallocate, size: unsafe.Sizeof(fuse.FallocateIn{}), slow: true, run: (*Server).fallocate},
	kernel.OpLseek:         {op: policy.OpLseek, size: unsafe.Sizeof(fuse.LseekIn{}), run: (*Server).lseek},
	kernel.OpCopyFileRange: {op: policy.OpCopy, size: unsafe.Sizeof(fuse.CopyFileRangeIn{}), slow: true, run: (*Server).copyFileRange},
	kernel.OpCopyRange64:   {op: policy.OpCopy, size: unsafe.Sizeof(fuse.CopyFileRangeIn{}), slow: true, run: (*Server).copyFileRange64},
	kernel.OpSetxattr:      {op: policy.OpSetxattr, size: header + 8, run: (*Server).setxattr}, // without FUSE_SETXATTR_EXT
	kernel.OpGetxattr:      {op: policy.OpGetxattr, size: unsafe.Sizeof(fuse.GetXAttrIn{}), run: (*Server).getxattr},
	kernel.OpListxattr:     {op: policy.OpListxattr, size: unsafe.Sizeof(fuse.GetXAttrIn{}), run: (*Server).listxattr},
	kernel.OpRemovexattr:   {op: policy.OpSetxattr, size: header, run: (*Server).removexattr},
	kernel.OpOpendir:       {op: policy.OpReaddir, size: unsafe.Sizeof(fuse.OpenIn{}), run: (*Server).opendir},
	kernel.OpReaddir:       {op: policy.OpReaddir, size: unsafe.Sizeof(fuse.ReadIn{}), run: (*Server).readdir},
	kernel.OpReaddirplus:   {op: policy.OpReaddir, size: unsafe.Sizeof(fuse.ReadIn{}), run: (*Server).readdirplus},
	kernel.OpReleasedir:    {op: policy.OpRelease, size: unsafe.Sizeof(fuse.ReleaseIn{}), run: (*Server).release},
	kernel.OpFsyncdir:      {op: policy.OpFsync, size: unsafe.Sizeof(fuse.FsyncIn{}), slow: true, run: (*Server).fsyncdir},
	kernel.OpStatfs:        {op: policy.OpStatfs, size: header, run: (*Server).statfs},
	kernel.OpPoll:          {op: policy.OpPoll, size: header, run: poll},
	kernel.OpInterrupt:     {op: policy.OpNone, size: header, run: quiet},
	kernel.OpNotifyReply:   {op: policy.OpNone, size: header, run: quiet},
	kernel.OpDestroy:       {op: policy.OpNone, size: header, run: quiet},

	// Refused by design (product.md §5). sftp-server falls back from link(2) to
	// rename(2) on EOPNOTSUPP, and only then.
	kernel.OpLink:          {op: policy.OpLink, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpMknod:         {op: policy.OpMknod, size: unsafe.Sizeof(fuse.MknodIn{}), run: (*Server).mknod},
	kernel.OpTmpfile:       {op: policy.OpTmpfile, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpIoctl:         {op: policy.OpIoctl, size: header, run: refused(syscall.ENOTTY)},
	kernel.OpGetlk:         {op: policy.OpLock, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpSetlk:         {op: policy.OpLock, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpSetlkw:        {op: policy.OpLock, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpBmap:          {op: policy.OpIoctl, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpSetupmapping:  {op: policy.OpIoctl, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpRemovemapping: {op: policy.OpIoctl, size: header, run: refused(syscall.EOPNOTSUPP)},
	kernel.OpSyncfs:        {op: policy.OpFsync, size: header, run: unsupported},
}

// refused answers what is refused for everybody.
func refused(errno syscall.Errno) func(*Server, *call) syscall.Errno {
	return func(_ *Server, c *call) syscall.Errno {
		c.refuse(policy.ReasonNever, policy.ClassUnsupported)
		return errno
	}
}

// unsupported says that there is no such thing here; the kernel then does it
// another way, copies for instance by reads and writes.
func unsupported(*Server, *call) syscall.Errno { return syscall.EOPNOTSUPP }

// quiet is for requests that want no reply.
func quiet(*Server, *call) syscall.Errno { return 0 }

// poll answers the one request by which the kernel asks whether poll(2) is
// served at all: with ENOSYS, which no caller sees, it takes every file for
// ready from then on, as files are (poll(2)).
func poll(*Server, *call) syscall.Errno { return syscall.ENOSYS }

// mknod refuses devices, FIFOs and sockets; the kernel also sends it for a
// regular file where it could send CREATE, which the funnel of create handles.
func (s *Server) mknod(c *call) syscall.Errno {
	in := arg[fuse.MknodIn](c)
	if in.Mode&syscall.S_IFMT == syscall.S_IFREG {
		return s.mknodFile(c, in.Mode)
	}
	return c.refuse(policy.ReasonNever, policy.ClassNotOwner)
}
