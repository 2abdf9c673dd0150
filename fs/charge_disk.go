package fs

import (
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
	"grantfs/fs/quota"
)

// What is free on a file system is asked for at each write that takes of it
// where little is left, else from time to time.
const (
	plenty  = 1 << 30 // bytes
	freeFor = time.Second
)

// disks knows what may still be written to each backing file system, of which
// some is kept free (product.md §3, min_free).
type disks struct {
	mu    sync.Mutex // guards what follows and every disk; a leaf
	byDev map[uint64]*disk
}

type disk struct {
	room    int64 // that was left when it was asked for, less what was taken since
	asked   time.Time
	pending int64 // bytes that are being written
}

func (ds *disks) init() { ds.byDev = map[uint64]*disk{} }

// diskHold is leave to write n bytes. Release it afterwards.
type diskHold struct {
	n     int64
	disks *disks
	disk  *disk // nil: nothing is kept free
}

func (h diskHold) release() {
	if h.disk == nil {
		return
	}
	h.disks.mu.Lock()
	defer h.disks.mu.Unlock()
	h.disk.pending -= h.n
}

// take returns leave to write want bytes to the file system dev, on which fd lies,
// or fewer unless whole; ENOSPC where there is no room.
func (ds *disks) take(minFree func(size uint64) uint64, dev uint64, fd int, want int64, whole bool) (diskHold, syscall.Errno) {
	if minFree == nil || want == 0 {
		return diskHold{n: want}, 0
	}
	if h, ok := ds.fromPlenty(dev, want); ok {
		return h, 0
	}
	var st unix.Statfs_t
	if errno := backing.Statfs(fd, &st); errno != 0 {
		return diskHold{}, errno
	}
	block := uint64(st.Frsize)
	keep := minFree(st.Blocks * block)
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.byDev[dev]
	if d == nil {
		d = &disk{}
		ds.byDev[dev] = d
	}
	d.room, d.asked = quota.FreeRoom(st.Bavail*block, keep, uint64(d.pending)), time.Now()
	n := min(want, d.room)
	if n <= 0 || whole && n < want {
		return diskHold{}, syscall.ENOSPC
	}
	return ds.hold(d, n), 0
}

// fromPlenty takes of what was left a short while ago, if that was plenty.
func (ds *disks) fromPlenty(dev uint64, want int64) (diskHold, bool) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.byDev[dev]
	if d == nil || d.room < want+plenty || time.Since(d.asked) > freeFor {
		return diskHold{}, false
	}
	return ds.hold(d, want), true
}

// hold needs ds.mu.
func (ds *disks) hold(d *disk, n int64) diskHold {
	d.room -= n
	d.pending += n
	return diskHold{n, ds, d}
}
