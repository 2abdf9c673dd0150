package fs

import (
	"math"
	"sync"
	"syscall"
	"time"

	"grantfs/fs/backing"
	"grantfs/fs/node"
)

// stream reads one open directory. Its entries are first those that the view
// provides, then those of the backing directory. A cookie alone says where to go
// on: see backingCookie.
type stream struct {
	mu     sync.Mutex // guards everything below
	fd     int        // of the backing directory, -1 for none
	buf    []byte     // entries that were read and not yet given
	store  []byte     // what buf lies in
	cookie uint64     // where the backing directory stands before buf
	closed bool
	lost   bool      // a predecessor had it open: see reopenStream
	since  time.Time // when its first block was sent, if all names were with their attributes so far
	spared bool      // some were not, since the kernel knows them
}

// firstBacking divides the cookies: below it they count provided entries, from
// it on they are a backing's, shifted. Cookies must not be negative (lseek(2)),
// and backings use the whole range: ext4's are hashes of 63 bits, of which the
// last stands for the end.
const firstBacking = 1 << 20

// backingCookie shifts a backing's cookie to its place behind the provided
// entries; ext4's end stays what it is.
func backingCookie(cookie uint64) uint64 {
	if cookie > math.MaxInt64-firstBacking {
		return math.MaxInt64
	}
	return cookie + firstBacking
}

// cookieOf undoes backingCookie.
func cookieOf(shifted uint64) uint64 {
	if shifted >= math.MaxInt64 {
		return math.MaxInt64
	}
	return shifted - firstBacking
}

// streamBuffer is how many bytes are read of a backing directory at once.
const streamBuffer = 32 << 10

func (d *stream) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fd >= 0 && !d.closed {
		backing.Close(d.fd)
	}
	d.closed = true
}

// sync writes the directory to its disk. The caller holds mu.
func (d *stream) sync(dataOnly bool) syscall.Errno {
	if d.fd < 0 || d.closed {
		return 0
	}
	return backing.Sync(d.fd, dataOnly)
}

// seek makes the backing entry at cookie the next. The caller holds mu.
func (d *stream) seek(cookie uint64) syscall.Errno {
	if d.cookie == cookie && (len(d.buf) > 0 || cookie != 0) {
		return 0
	}
	d.buf, d.cookie = nil, cookie
	return backing.SeekDir(d.fd, cookie)
}

// next returns the next backing entry without taking it; ok is false at the
// end. The caller holds mu.
func (d *stream) next() (e backing.Dirent, size int, ok bool, errno syscall.Errno) {
	for {
		if len(d.buf) == 0 {
			if d.store == nil {
				d.store = make([]byte, streamBuffer)
			}
			n, errno := backing.Getdents(d.fd, d.store)
			if errno != 0 || n == 0 {
				return backing.Dirent{}, 0, false, errno
			}
			d.buf = d.store[:n]
		}
		e, size, ok := backing.NextDirent(d.buf)
		if ok {
			return e, size, true, 0
		}
		if size == 0 {
			return backing.Dirent{}, 0, false, syscall.EIO
		}
		d.take(e, size) // "." or ".."
	}
}

// take consumes the entry that next has returned.
func (d *stream) take(e backing.Dirent, size int) {
	d.buf, d.cookie = d.buf[size:], e.Next
}

// reopenStream opens a directory that a predecessor had open; the cookie of the
// next request says where to go on. The caller holds d.mu.
func (s *Server) reopenStream(c *call, sp spot, d *stream) syscall.Errno {
	if !d.lost || d.closed {
		return 0
	}
	if sp.node.Kind != node.KindTop {
		again, errno := s.openStream(c, sp)
		if errno != 0 {
			return errno
		}
		d.fd = again.fd
	}
	d.lost = false
	return 0
}

// openStream opens the directory behind sp for reading.
func (s *Server) openStream(c *call, sp spot) (*stream, syscall.Errno) {
	d := &stream{fd: -1}
	if !sp.backed() {
		return d, 0
	}
	path, errno := s.dirFD(c, sp)
	if errno == syscall.ENOENT && len(sp.where.Place.Provided()) > 0 {
		return d, 0 // a home that is missing: what the view provides is there
	}
	if errno != 0 {
		return nil, errno
	}
	defer path.Release()
	d.fd, errno = backing.OpenDir(path.Num())
	return d, errno
}
