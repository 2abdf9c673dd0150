package kernel

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// Codes of linux/fuse.h. Notifications must never be sent while a request that
// holds the same inode's lock is being handled: send them from a goroutine of
// their own.
const (
	notifyInvalInode = 2 // FUSE_NOTIFY_INVAL_INODE
	notifyResend     = 7 // FUSE_NOTIFY_RESEND
	notifyIncEpoch   = 8 // FUSE_NOTIFY_INC_EPOCH
)

// DropAttributes makes the kernel ask again for the attributes of a node. It
// reports false if the kernel has forgotten it.
func (c *Conn) DropAttributes(node uint64) (bool, error) {
	var body [24]byte // struct fuse_notify_inval_inode_out
	binary.NativeEndian.PutUint64(body[:], node)
	binary.NativeEndian.PutUint64(body[8:], ^uint64(0)) // offset -1: no data
	return c.notify(notifyInvalInode, body[:])
}

// IncEpoch makes the kernel ask again for every name it has cached; O(1). It
// reports false where the kernel is older than 6.16.
func (c *Conn) IncEpoch() (bool, error) {
	if !c.features.IncEpoch {
		return false, nil
	}
	return c.notify(notifyIncEpoch, nil)
}

// notify reports false if the kernel knows no such node or notification, or
// after Close: the descriptor's number may be another file's by then.
func (c *Conn) notify(code int32, body []byte) (bool, error) {
	c.notifying.RLock()
	defer c.notifying.RUnlock()
	if c.closed {
		return false, nil
	}
	out := make([]byte, OutHeaderSize+len(body))
	binary.NativeEndian.PutUint32(out, uint32(len(out)))
	binary.NativeEndian.PutUint32(out[4:], uint32(code))
	copy(out[OutHeaderSize:], body)
	for {
		_, err := syscall.Write(c.fd, out)
		switch err {
		case nil:
			return true, nil
		case syscall.EINTR:
		case syscall.ENOENT, syscall.EINVAL, syscall.ENOTDIR:
			return false, nil
		default:
			return false, fmt.Errorf("notify the kernel (%d): %w", code, err)
		}
	}
}
