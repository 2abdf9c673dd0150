package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// events are those that can change what a directory means. A file that is written
// counts when it is closed.
const events = syscall.IN_CREATE | syscall.IN_DELETE | syscall.IN_MOVED_FROM | syscall.IN_MOVED_TO |
	syscall.IN_CLOSE_WRITE | syscall.IN_ATTRIB | syscall.IN_DELETE_SELF | syscall.IN_MOVE_SELF | syscall.IN_ONLYDIR

// Watch watches directories. It is safe for concurrent use. Close it.
type Watch struct {
	file    *os.File
	changed chan struct{}
	reader  sync.WaitGroup

	mu   sync.Mutex       // guards what follows
	dirs map[string]int32 // watch descriptors; their numbers are not given twice
}

// New returns a Watch of nothing. The error wraps a syscall.Errno: EMFILE where
// the user has too many.
func New() (*Watch, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch directories: %w", os.NewSyscallError("inotify_init1", err))
	}
	w := &Watch{
		file: os.NewFile(uintptr(fd), "inotify"), changed: make(chan struct{}, 1),
		dirs: map[string]int32{},
	}
	w.reader.Go(w.read)
	return w, nil
}

// Close ends the watch. Nothing else may be called afterwards.
func (w *Watch) Close() error {
	err := w.file.Close()
	w.reader.Wait()
	if err != nil {
		return fmt.Errorf("end the watch of directories: %w", err)
	}
	return nil
}

// Changed receives when something may have changed since it received last.
func (w *Watch) Changed() <-chan struct{} { return w.changed }

// Set watches exactly the directories that are named, as far as they are there.
// Those that are not watched yet count as changed: what happened in them between
// the caller's look and now is not known. The error is that of the first one that
// can't be watched, which the caller must look at by itself; the others are watched.
func (w *Watch) Set(dirs []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var failed error
	next := make(map[string]int32, len(dirs))
	for _, dir := range dirs {
		wd, err := w.add(dir)
		switch {
		case err == nil:
			if old, ok := w.dirs[dir]; !ok || old != wd {
				w.tell()
			}
			next[dir] = wd
		case failed == nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			failed = fmt.Errorf("watch %s: %w", dir, err)
		}
	}
	used := make(map[int32]bool, len(next))
	for _, wd := range next {
		used[wd] = true
	}
	for _, wd := range w.dirs {
		if !used[wd] {
			w.remove(wd)
		}
	}
	w.dirs = next
	return failed
}

// add watches a directory. One that is watched already keeps its number: one that
// was made again has another.
func (w *Watch) add(dir string) (wd int32, err error) {
	err = w.control(func(fd int) error {
		n, err := syscall.InotifyAddWatch(fd, dir, events)
		wd = int32(n)
		return os.NewSyscallError("inotify_add_watch", err)
	})
	return wd, err
}

// remove ends a watch, unless the kernel has done so.
func (w *Watch) remove(wd int32) {
	_ = w.control(func(fd int) error {
		_, err := syscall.InotifyRmWatch(fd, uint32(wd))
		return err
	})
}

func (w *Watch) control(f func(fd int) error) error {
	conn, err := w.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// tell says that something changed.
func (w *Watch) tell() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// read reads events until Close.
func (w *Watch) read() {
	buf := make([]byte, 16<<10)
	for {
		if _, err := w.file.Read(buf); err != nil {
			return // closed: nothing else ends it
		}
		w.tell()
	}
}
