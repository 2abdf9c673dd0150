package watch

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

const (
	// changes are the events that can change what a directory holds.
	changes = unix.FAN_CREATE | unix.FAN_DELETE | unix.FAN_MOVED_FROM | unix.FAN_MOVED_TO | unix.FAN_MODIFY | unix.FAN_ONDIR
	// gulp is how long the queue is left alone after it was read.
	gulp = 50 * time.Millisecond
	// maxDirs is how many directories a Batch holds.
	maxDirs = 1 << 16
	// maxReads bounds one reading of the queue: more than a full one takes.
	maxReads = 256
)

// Batch is what was changed since the last one.
type Batch struct {
	Dirs []Dir
	// Lost: there was more.
	Lost bool
}

// Dir is a directory in which something was changed.
type Dir struct {
	Handle backing.Handle
	// Left: directories were removed from it or moved away.
	Left bool
}

// Stats counts what a Watch has seen since it was opened.
type Stats struct {
	Events uint64 // of others
	Own    uint64 // that were dropped
	Lost   uint64 // events that overflowed a Batch; each time that the kernel's queue did
}

// Watch watches one file system. It is safe for concurrent use. Close it.
type Watch struct {
	file    *os.File
	conn    syscall.RawConn
	own     int32
	changed chan struct{}
	closing chan struct{}
	reader  sync.WaitGroup

	mu    sync.Mutex // guards what follows; held while the queue is read
	buf   []byte
	dirs  map[backing.Handle]bool // whether directories left it
	lost  bool
	stats Stats
}

// Open watches the file system that the directory dir (which remains the
// caller's, not O_PATH) lies on. Events of the process own are dropped; 0 is
// nobody. The error wraps a syscall.Errno: the file system can't be watched
// (EOPNOTSUPP, ENODEV; EXDEV below a subvolume), the process may not (EPERM), or
// there are too many groups (EMFILE).
func Open(dir, own int) (*Watch, error) {
	const flags = unix.FAN_CLASS_NOTIF | unix.FAN_CLOEXEC | unix.FAN_NONBLOCK | unix.FAN_REPORT_DIR_FID
	fd, err := unix.FanotifyInit(flags, unix.O_RDONLY|unix.O_LARGEFILE)
	if err != nil {
		return nil, fmt.Errorf("watch a file system: %w", err)
	}
	file := os.NewFile(uintptr(fd), "fanotify")
	conn, err := file.SyscallConn()
	if err == nil {
		err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, changes, dir, "")
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("watch a file system: %w", err)
	}
	w := &Watch{
		file: file, conn: conn, own: int32(own),
		changed: make(chan struct{}, 1), closing: make(chan struct{}),
		buf: make([]byte, 64<<10), dirs: make(map[backing.Handle]bool),
	}
	w.reader.Go(w.read)
	return w, nil
}

// Close ends the watch. Nothing else may be called afterwards.
func (w *Watch) Close() {
	close(w.closing)
	w.file.Close()
	w.reader.Wait()
}

// Changed receives when there is something to Take.
func (w *Watch) Changed() <-chan struct{} { return w.changed }

// Take returns what was changed since it was called last. What others had done
// when it was called is in it, or was in an earlier one.
func (w *Watch) Take() Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.conn.Control(func(fd uintptr) { w.drain(int(fd)) }); err != nil {
		w.lost = true
	}
	b := Batch{Dirs: make([]Dir, 0, len(w.dirs)), Lost: w.lost}
	for h, left := range w.dirs {
		b.Dirs = append(b.Dirs, Dir{h, left})
	}
	clear(w.dirs)
	w.lost = false
	return b
}

// Stats returns what was seen.
func (w *Watch) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// read reads the queue when there is something in it, until Close.
func (w *Watch) read() {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-w.closing:
			return
		case <-pause.C:
		}
		if err := w.conn.Read(w.ready); errors.Is(err, os.ErrClosed) {
			return
		}
		pause.Reset(gulp)
	}
}

// ready reads the queue; false: there was nothing in it.
func (w *Watch) ready(fd uintptr) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	read := w.drain(int(fd))
	if w.lost || len(w.dirs) > 0 {
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
	return read
}

// drain reads what is in the queue. It needs w.mu.
func (w *Watch) drain(fd int) (read bool) {
	for range maxReads {
		n, err := unix.Read(fd, w.buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return read
		case err != nil || n == 0:
			w.lost = true
			return true
		}
		read = true
		for rest := w.buf[:n]; len(rest) > 0; {
			ev, size := next(rest)
			if size == 0 {
				w.lost = true
				break
			}
			w.note(ev)
			rest = rest[size:]
		}
	}
	return read
}

// note takes one event. It needs w.mu.
func (w *Watch) note(ev event) {
	switch {
	case ev.mask&unix.FAN_Q_OVERFLOW != 0:
		w.stats.Lost++
		w.lost = true
		return
	case w.own != 0 && ev.pid == w.own: // 0 is also who lives in a pid namespace above ours
		w.stats.Own++
		return
	}
	w.stats.Events++
	left := ev.mask&unix.FAN_ONDIR != 0 && ev.mask&(unix.FAN_DELETE|unix.FAN_MOVED_FROM) != 0
	before, known := w.dirs[ev.dir]
	if ev.dir.IsZero() || !known && len(w.dirs) >= maxDirs {
		w.stats.Lost++
		w.lost = true
		return
	}
	w.dirs[ev.dir] = before || left
}
