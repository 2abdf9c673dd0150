package backing

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Object identifies something below a Root: by its file handle, or, where the
// file system has none, a directory by a pinned O_PATH descriptor (FD > 0) and
// anything else not at all: it is found again by its name, see OpenAt.
type Object struct {
	Handle Handle
	FD     int
	pins   *atomic.Int64
}

// Close releases the descriptor of an object that has no handle.
func (o Object) Close() {
	if o.FD > 0 {
		unix.Close(o.FD)
		o.pins.Add(-1)
	}
}

// pin makes the O_PATH descriptor fd stand for what it refers to, within the
// source's budget.
func (r *Root) pin(fd int) (Object, syscall.Errno) {
	if r.pins.Add(1) > maxPins {
		r.pins.Add(-1)
		unix.Close(fd)
		return Object{}, syscall.ENFILE
	}
	return Object{FD: fd, pins: r.pins}, 0
}

// Find identifies the object called name in dir and fills st with its
// attributes; both are about the same inode even if the name is replaced
// meanwhile. Close the Object when it is not needed any more. ENFILE: too many
// directories are known of a source without handles. EXDEV: another file system
// is mounted there. It is not asked: it may hang, or be the daemon's own.
func (r *Root) Find(dir int, name Name, st *Stat) (Object, syscall.Errno) {
	fd, e := openHere(dir, name)
	if e != 0 {
		return Object{}, e
	}
	return r.identify(fd, st)
}

// identify takes over fd, an O_PATH descriptor.
func (r *Root) identify(fd int, st *Stat) (Object, syscall.Errno) {
	e := StatFD(fd, st)
	if e == 0 && !r.handles && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return r.pin(fd)
	}
	defer unix.Close(fd)
	if e != 0 || !r.handles {
		return Object{}, e
	}
	h, e := HandleFD(fd)
	return Object{Handle: h}, e
}

// Identify is Find for the file that fd refers to already; fd stays the
// caller's.
func (r *Root) Identify(fd int, st *Stat) (Object, syscall.Errno) {
	if e := StatFD(fd, st); e != 0 || !r.handles {
		return Object{}, e
	}
	h, e := HandleFD(fd)
	return Object{Handle: h}, e
}

// OpenAt opens with flags what is called name in dir, provided that it is still
// the object (dev, ino); ESTALE if not. It serves file systems without handles.
func OpenAt(dir int, name Name, dev, ino uint64, flags int) (int, syscall.Errno) {
	fd, e := openHere(dir, name)
	if e != 0 {
		return -1, e
	}
	var st Stat
	if e := StatFD(fd, &st); e != 0 || Dev(&st) != dev || st.Ino != ino {
		unix.Close(fd)
		return -1, syscall.ESTALE
	}
	if flags&unix.O_PATH != 0 {
		return fd, 0
	}
	defer unix.Close(fd)
	return reopen(fd, flags)
}

// Open opens an object with flags, which must not create. The type of what is
// opened is the caller's to know: a handle never changes its type.
func (r *Root) Open(o Object, flags int) (int, syscall.Errno) {
	if o.FD > 0 {
		return reopen(o.FD, flags)
	}
	return openHandle(r.fd, o.Handle, flags)
}

// Reopen opens with flags what the O_PATH descriptor fd refers to, even if it
// has no name any more.
func Reopen(fd, flags int) (int, syscall.Errno) { return reopen(fd, flags) }

// reopen opens what an O_PATH descriptor refers to. The magic link is the one
// place where a path is used: it names our own descriptor.
func reopen(fd, flags int) (int, syscall.Errno) {
	for {
		n, err := unix.Open(magicLink(fd), flags&^unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			return n, 0
		}
		if e := errno(err); e != syscall.EINTR {
			return -1, e
		}
	}
}

// StatHere is StatAt for what need not be there: where another file system is
// mounted at name it does not ask that, and returns EXDEV.
func StatHere(dir int, name Name, st *Stat) syscall.Errno {
	fd, e := openHere(dir, name)
	if e != 0 {
		return e
	}
	defer unix.Close(fd)
	return StatFD(fd, st)
}

// openHere opens (O_PATH) the object called name in dir itself: no symlink is
// followed and no mount entered.
func openHere(dir int, name Name) (int, syscall.Errno) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_XDEV}
	for {
		fd, _, e := unix.Syscall6(unix.SYS_OPENAT2, uintptr(dir), uintptr(name.ptr()), uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
		switch e {
		case 0:
			return int(fd), 0
		case syscall.EINTR:
		default:
			return -1, e
		}
	}
}

func openMode(dir int, name unsafe.Pointer, flags int, mode uint32) (int, syscall.Errno) {
	for {
		fd, _, e := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(name), uintptr(flags|unix.O_CLOEXEC|unix.O_LARGEFILE), uintptr(mode), 0, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 {
			return -1, e
		}
		return int(fd), 0
	}
}

// Close closes a descriptor that this package returned.
func Close(fd int) { unix.Close(fd) }

// Unmask sets the process's umask to 0 and drops supplementary groups: what is
// created gets exactly the mode asked for, and no right comes from a group.
func Unmask() error {
	unix.Umask(0)
	return unix.Setgroups(nil)
}

// errno returns the Errno in err, EIO where there is none.
func errno(err error) syscall.Errno {
	switch e := err.(type) {
	case nil:
		return 0
	case syscall.Errno:
		return e
	}
	return syscall.EIO
}

// OpenDir opens the directory that dir (O_PATH will do) refers to for reading
// its entries, with a position of its own.
func OpenDir(dir int) (int, syscall.Errno) {
	dot := [2]byte{'.', 0}
	return openMode(dir, unsafe.Pointer(&dot), unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

// OpenFile opens for reading the regular file called name in dir, provided that
// it is still the one that st describes; ESTALE if not. st is brought up to date.
func OpenFile(dir int, name Name, st *Stat) (int, syscall.Errno) {
	dev, ino := Dev(st), st.Ino
	fd, e := OpenAt(dir, name, dev, ino, unix.O_PATH)
	if e != 0 {
		return -1, e
	}
	defer unix.Close(fd)
	if e := StatFD(fd, st); e != 0 {
		return -1, e
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, syscall.ESTALE
	}
	return reopen(fd, unix.O_RDONLY|unix.O_NONBLOCK)
}
