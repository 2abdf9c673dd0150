package kernel

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const (
	// OutHeaderSize is the size of a reply's header in bytes.
	OutHeaderSize = 16
	// inputRoom is what a request needs beside its payload: headers and names.
	inputRoom = 8 << 10
)

// Conn is one connection to the kernel. Serve runs it; Unmount ends it.
type Conn struct {
	fd       int
	point    string
	features Features
	lanes    lanes
	backings atomic.Int64
	kept     bool // by another process, which makes a successor of this one
	draining atomic.Bool
	loop     atomic.Pointer[loop]
	journal  *journal // nil for none
	observe  func(Step, Opcode)
	answered atomic.Int64 // when a request was for the first time, in Unix nanoseconds; 0 for not yet

	mu      sync.Mutex // guards what follows
	control int        // the connection's abort file, 0 for none (any more)

	notifying sync.RWMutex // guards what follows; read-locked over a notification
	closed    bool
}

// BackingIDs returns how many files are registered for passthrough.
func (c *Conn) BackingIDs() int { return int(c.backings.Load()) }

// Waiting returns how many requests wait for a slot of their account, or for
// what they are paced by.
func (c *Conn) Waiting() int { return int(c.lanes.waiting.Load()) }

// Refused returns how many requests were answered ENOMEM because too many of
// their account wait already.
func (c *Conn) Refused() uint64 { return c.lanes.refused.Load() }

// Features returns what the kernel granted; valid once Start has returned.
func (c *Conn) Features() Features { return c.features }

// Start answers the kernel's INIT. It must be called once, before Serve.
func (c *Conn) Start() error { return c.init() }

// Close releases /dev/fuse; a mount that is still there answers ENOTCONN from
// then on. Serve must have returned; who notifies the kernel need not know.
func (c *Conn) Close() error {
	c.notifying.Lock()
	defer c.notifying.Unlock()
	c.closed = true
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.control != 0 {
		unix.Close(c.control)
		c.control = 0
	}
	return unix.Close(c.fd)
}

// errDone says that the mount is gone.
var errDone = errors.New("connection closed by the kernel")

// errDrained says that a reader should leave.
var errDrained = errors.New("no more requests are wanted")

// read reads one request (fuse(4)).
func (c *Conn) read(buf []byte) (int, error) {
	for {
		n, err := syscall.Read(c.fd, buf)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			if c.draining.Load() {
				return 0, errDrained
			}
		case syscall.EAGAIN, syscall.ENOENT: // ENOENT: interrupted before it was read
		case syscall.ENODEV, syscall.ECONNABORTED:
			return 0, errDone
		default:
			return 0, fmt.Errorf("read /dev/fuse: %w", err)
		}
	}
}

// Answered returns when the first request was answered, the zero Time if none was.
func (c *Conn) Answered() time.Time {
	if n := c.answered.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// write sends out, whose first OutHeaderSize bytes it fills in.
func (c *Conn) write(out []byte, unique uint64, errno syscall.Errno) error {
	_, err := c.answer(out, unique, errno)
	return err
}

// answer is write; false if nobody waits for that any more, because the request was
// interrupted or answered.
func (c *Conn) answer(out []byte, unique uint64, errno syscall.Errno) (bool, error) {
	h := (*fuse.OutHeader)(unsafe.Pointer(&out[0]))
	h.Length, h.Status, h.Unique = uint32(len(out)), -int32(errno), unique
	for {
		_, err := syscall.Write(c.fd, out)
		switch err {
		case nil:
			if c.answered.Load() == 0 {
				c.answered.CompareAndSwap(0, time.Now().UnixNano())
			}
			return true, nil
		case syscall.EINTR:
		case syscall.ENOENT:
			return false, nil
		case syscall.ENODEV, syscall.ECONNABORTED:
			return false, errDone
		default:
			return false, fmt.Errorf("write /dev/fuse: %w", err)
		}
	}
}
