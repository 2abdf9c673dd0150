package kernel

import (
	"encoding/binary"
	"fmt"
	"syscall"
)

// The code of FUSE_NOTIFY_INC_EPOCH in linux/fuse.h. Notifications must never be sent while a request that
// holds the same inode's lock is being handled: send them from a goroutine of
// their own.
const notifyIncEpoch = 8

// IncEpoch makes the kernel ask again for every name it has cached; O(1). It
// reports false where the kernel is older than 6.16.
func (c *Conn) IncEpoch() (bool, error) {
	if !c.features.IncEpoch {
		return false, nil
	}
	return c.notify(notifyIncEpoch, nil)
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
