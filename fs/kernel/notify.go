package kernel

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// Notifications of linux/fuse.h. They must never be sent while a request that
// holds the same inode's lock is being handled: send them from a goroutine of
// their own.
const (
	notifyInvalInode = 2
	notifyInvalEntry = 3
	notifyIncEpoch   = 8
)

// IncEpoch makes the kernel ask again for every name it has cached; O(1). It
// reports false where the kernel is older than 6.16.
func (c *Conn) IncEpoch() (bool, error) {
	if !c.features.IncEpoch {
		return false, nil
	}
	return c.notify(notifyIncEpoch, nil)
}

// InvalInode drops the kernel's cached attributes of a node.
func (c *Conn) InvalInode(node uint64) (bool, error) {
	body := make([]byte, 24)
	binary.NativeEndian.PutUint64(body, node)
	binary.NativeEndian.PutUint64(body[8:], ^uint64(0)) // offset -1: attributes only
	return c.notify(notifyInvalInode, body)
}

// InvalEntry drops the kernel's cached name in a directory.
func (c *Conn) InvalEntry(parent uint64, name string) (bool, error) {
	body := make([]byte, 16+len(name)+1)
	binary.NativeEndian.PutUint64(body, parent)
	binary.NativeEndian.PutUint32(body[8:], uint32(len(name)))
	copy(body[16:], name)
	return c.notify(notifyInvalEntry, body)
}

// notify reports false if the kernel knows no such node or notification.
func (c *Conn) notify(code int32, body []byte) (bool, error) {
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
