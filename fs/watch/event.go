package watch

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

// event is one event as read from a fanotify group that reports directories.
type event struct {
	mask uint64
	pid  int32
	dir  backing.Handle // zero: none was told
}

const (
	metadataSize = 24    // of struct fanotify_event_metadata
	infoSize     = 4     // of struct fanotify_event_info_header
	handleSize   = 8 + 8 // of the file system's id and of struct file_handle before its bytes
)

// next decodes the event at the start of buf and returns its size, 0 if there is
// none.
func next(buf []byte) (ev event, size int) {
	if len(buf) < metadataSize {
		return event{}, 0
	}
	order := binary.NativeEndian
	size = int(order.Uint32(buf))
	header := int(order.Uint16(buf[6:]))
	if buf[4] != unix.FANOTIFY_METADATA_VERSION || size > len(buf) || header < metadataSize || header > size {
		return event{}, 0
	}
	ev.mask, ev.pid = order.Uint64(buf[8:]), int32(order.Uint32(buf[20:]))
	for rest := buf[header:size]; len(rest) >= infoSize; {
		n := int(order.Uint16(rest[2:]))
		if n < infoSize || n > len(rest) {
			break
		}
		// One of these: a directory in which a file was written is called FID.
		if rest[0] == unix.FAN_EVENT_INFO_TYPE_DFID || rest[0] == unix.FAN_EVENT_INFO_TYPE_FID {
			ev.dir = handle(rest[infoSize:n])
		}
		rest = rest[n:]
	}
	return ev, size
}

// handle returns the handle in what follows the header of an information
// record, the zero Handle if there is none that could be opened.
func handle(b []byte) backing.Handle {
	if len(b) < handleSize {
		return backing.Handle{}
	}
	order := binary.NativeEndian
	n, typ := order.Uint32(b[8:]), int32(order.Uint32(b[12:]))
	if uint64(n) > uint64(len(b)-handleSize) {
		return backing.Handle{}
	}
	h, _ := backing.NewHandle(typ, b[handleSize:handleSize+int(n)])
	return h
}
