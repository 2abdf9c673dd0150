package kernel

import (
	"fmt"
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// MaxTransfer is the largest payload of a READ or WRITE in bytes.
const MaxTransfer = 1 << 20

const (
	protocolMajor = 7
	protocolMinor = 40 // FUSE_PASSTHROUGH; newer minors add nothing that is used here
	minMinor      = 23 // RENAME2 and 64-byte INIT replies (Linux 3.15)
	// maxBackground is how many requests that nobody waits for the kernel sends at
	// a time: those of AIO and io_uring, and every RELEASE. All that it can count:
	// an account whose own don't end must not keep others' files from being closed.
	// The lanes bound each account's.
	maxBackground = 1<<16 - 1
	pageSize      = 4096
)

// wanted are the features asked for, where the kernel has them. Left out on
// purpose: writeback cache, splice, POSIX ACLs, locks (kernel-local locks
// survive the daemon), default_permissions-like ID mapping.
const wanted uint64 = fuse.CAP_ASYNC_READ | fuse.CAP_BIG_WRITES | fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_ASYNC_DIO |
	fuse.CAP_READDIRPLUS | fuse.CAP_READDIRPLUS_AUTO | fuse.CAP_PARALLEL_DIROPS | fuse.CAP_HANDLE_KILLPRIV_V2 |
	fuse.CAP_MAX_PAGES | capInitExt | fuse.CAP_PASSTHROUGH | fuse.CAP_HAS_RESEND

const capInitExt uint64 = 1 << 30

// Features are what the kernel granted.
type Features struct {
	Minor       uint32
	Flags       uint64
	Passthrough bool
	Resend      bool
	IncEpoch    bool
}

// init reads the first request, which is INIT, and answers it.
func (c *Conn) init() error {
	buf := make([]byte, MaxTransfer+inputRoom)
	for {
		n, err := c.read(buf)
		if err != nil {
			return fmt.Errorf("read INIT: %w", err)
		}
		if n < int(unsafe.Sizeof(fuse.InHeader{}))+16 {
			return fmt.Errorf("read INIT: %d bytes", n)
		}
		in := (*fuse.InitIn)(unsafe.Pointer(&buf[0]))
		if Opcode(in.Opcode) != OpInit {
			return fmt.Errorf("first request is opcode %d, not INIT", in.Opcode)
		}
		out := make([]byte, OutHeaderSize+int(unsafe.Sizeof(fuse.InitOut{})))
		reply := (*fuse.InitOut)(unsafe.Pointer(&out[OutHeaderSize]))
		reply.Major = protocolMajor
		if in.Major > protocolMajor {
			// The kernel sends INIT again with our major.
			reply.Minor = protocolMinor
			if err := c.write(out, in.Unique, 0); err != nil {
				return err
			}
			continue
		}
		if in.Major < protocolMajor || in.Minor < minMinor {
			if err := c.write(out[:OutHeaderSize], in.Unique, syscall.EPROTO); err != nil {
				return err
			}
			return fmt.Errorf("the kernel's FUSE protocol %d.%d is too old, %d.%d is needed", in.Major, in.Minor, protocolMajor, minMinor)
		}
		c.negotiate(in, reply)
		return c.write(out, in.Unique, 0)
	}
}

func (c *Conn) negotiate(in *fuse.InitIn, reply *fuse.InitOut) {
	offered := uint64(in.Flags)
	if offered&capInitExt != 0 {
		offered |= uint64(in.Flags2) << 32
	}
	flags := offered & wanted
	reply.Minor = min(in.Minor, protocolMinor)
	reply.MaxReadAhead = in.MaxReadAhead
	reply.Flags = uint32(flags)
	reply.Flags2 = uint32(flags >> 32)
	reply.MaxBackground = maxBackground
	reply.CongestionThreshold = maxBackground
	reply.MaxWrite = MaxTransfer
	reply.TimeGran = 1
	reply.MaxPages = MaxTransfer / pageSize
	if flags&fuse.CAP_PASSTHROUGH != 0 {
		// Backings must not be stacked file systems themselves.
		reply.MaxStackDepth = 1
	}
	c.features = Features{
		Minor:       in.Minor,
		Flags:       flags,
		Passthrough: flags&fuse.CAP_PASSTHROUGH != 0,
		Resend:      flags&fuse.CAP_HAS_RESEND != 0,
		IncEpoch:    in.Minor >= 44,
	}
}
