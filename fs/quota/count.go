package quota

import (
	"context"
	"fmt"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

// CountOptions are how a source is counted.
type CountOptions struct {
	// Idle does the reading in the idle I/O class (ioprio_set(2)), where the
	// disk's scheduler knows it.
	Idle bool
	// Stop says which directories are sources of their own: what is in them
	// is not counted here. Nil: none.
	Stop func(dir ID) bool
	// Progress is told after each directory, by one goroutine, which may Reread
	// directories of this source and others meanwhile. Nil: nobody.
	Progress func(Progress)
	// Finish is called when everything was read, to have those directories
	// read again that were changed meanwhile, and what is below them and was not
	// read: it may have been moved out of the way. Nil: there are none.
	Finish func(read func(dir int, parent ID) error) error

	buf []byte // to read with; nil: one is made
}

// Progress is how far a count came.
type Progress struct {
	Dirs  int64 // that were read
	Found Charge
}

const (
	tries      = 3    // of a reading, before operations have to wait for it
	openLevels = 256  // how many directories above another one are kept open
	maxLevels  = 1024 // where they can't be opened again
	bufSize    = 64 << 10
)

// counter reads directories for one Count.
type counter struct {
	tree     *Tree
	root     *backing.Root
	opt      CountOptions
	touch    bool // read what others changed, and below it what is new
	left     bool // and directories left it
	progress Progress
	buf      []byte
}

// level is a directory on the way from the start to the one being read.
type level struct {
	fd   int // -1: closed, object opens it again
	id   ID
	obj  backing.Object
	subs []child // that remain to be read
}

// Count reads the source at root as a whole and returns what it found more than
// the ledger knows, for Ledger.Correct. What we do meanwhile is in neither. It
// follows no symlink, stays on the mounted file system of root, and counts a file
// with several names once; root itself costs nothing. The error says what could
// not be read, or is ctx's; then nothing was found, and what was read is not
// lost for the next count. One goroutine at a time may count or reread a source.
func (t *Tree) Count(ctx context.Context, root *backing.Root, opt CountOptions) (found Charge, err error) {
	t.start()
	defer t.abandon() // does nothing after the end
	c := &counter{tree: t, root: root, opt: opt}
	c.inClass(func() { err = c.whole(ctx) })
	if err != nil {
		return Charge{}, fmt.Errorf("count: %w", err)
	}
	return t.found(), nil
}

// inClass calls f, on a thread of its own that ends with it where its I/O class
// is another.
func (c *counter) inClass(f func()) {
	if c.buf = c.opt.buf; c.buf == nil {
		c.buf = make([]byte, bufSize)
	}
	if !c.opt.Idle {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		ioClass(idle)
		f()
	}()
	<-done
}

// The I/O classes of ioprio_set(2), in the place where it wants them.
const (
	ordinary = 0 << 13 // what goes with the nice value
	idle     = 3 << 13
)

// ioClass changes the I/O class of the calling thread, where it can be.
func ioClass(class uintptr) {
	const whoProcess = 1
	unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, 0, class)
}

func (c *counter) whole(ctx context.Context) error {
	if err := c.from(ctx, c.root.FD(), ID{}, true); err != nil {
		return err
	}
	if c.opt.Finish != nil {
		err := c.opt.Finish(func(dir int, parent ID) error { return c.from(ctx, dir, parent, true) })
		if err != nil {
			return err
		}
	}
	for {
		fd, more := c.tree.next()
		if !more {
			return nil
		}
		err := c.from(ctx, fd, ID{}, false)
		backing.Close(fd)
		if err != nil {
			return err
		}
	}
}

// from reads the directory dir, which is in parent (zero: as far as is known), and
// those below it; dir itself also if it was read already where always is set.
func (c *counter) from(ctx context.Context, dir int, parent ID, always bool) error {
	var path []*level
	defer func() {
		for _, l := range path {
			l.close()
		}
	}()
	fd, e := backing.OpenDir(dir)
	if e != 0 {
		return gone(e)
	}
	next, err := c.enter(ctx, fd, parent, always)
	for {
		if err != nil {
			return err
		}
		if next != nil {
			path = append(path, next)
			if err := c.limit(path); err != nil {
				return err
			}
		}
		for len(path) > 0 && len(path[len(path)-1].subs) == 0 {
			path[len(path)-1].close()
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			return nil
		}
		next, err = c.down(ctx, path[len(path)-1])
	}
}

// down reads the next directory in l, if it is still there.
func (c *counter) down(ctx context.Context, l *level) (*level, error) {
	next := l.subs[len(l.subs)-1]
	l.subs = l.subs[:len(l.subs)-1]
	if c.touch && c.tree.seen(next.id, l.id, next.birth, true) {
		return nil, nil
	}
	if l.fd < 0 {
		fd, e := c.root.Open(l.obj, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOATIME)
		if e != 0 {
			l.subs = nil
			return nil, gone(e)
		}
		l.fd = fd
	}
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(l.fd, next.name, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		fd, err = unix.Openat(l.fd, next.name, flags, 0)
	}
	if err != nil {
		return nil, gone(err)
	}
	return c.enter(ctx, fd, l.id, false)
}

// enter reads the directory fd, which it takes over, unless it is not ours to
// read or was read, see from. The level returned is nil where nothing is to be
// read below it.
func (c *counter) enter(ctx context.Context, fd int, parent ID, always bool) (*level, error) {
	l := &level{fd: fd}
	var st backing.Stat
	if e := backing.StatFD(fd, &st); e != 0 {
		l.close()
		return nil, gone(e)
	}
	l.id = identity(&st)
	if !always && (c.root.Foreign(&st) || c.tree.seen(l.id, parent, birth(&st), c.touch) || c.opt.Stop != nil && c.opt.Stop(l.id)) {
		l.close()
		return nil, nil
	}
	as := listing{sum: sum{parent: parent, birth: birth(&st)}, touch: c.touch, left: always && c.left}
	list, err := c.read(ctx, fd, l.id, as)
	if err != nil || list == nil {
		l.close()
		return nil, err
	}
	c.progress.Dirs++
	c.progress.Found = c.progress.Found.Plus(list.sum.charge())
	if c.opt.Progress != nil {
		c.opt.Progress(c.progress)
	}
	l.subs = list.subs
	return l, nil
}

// read reads one directory into the tree, adding to as; nil if it is gone.
func (c *counter) read(ctx context.Context, fd int, id ID, as listing) (*listing, error) {
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if try < tries {
			c.tree.begin(id)
		} else if err := c.tree.hold(ctx, id); err != nil {
			return nil, err
		}
		list, err := c.list(ctx, fd, as)
		if c.tree.end(list) {
			return list, nil
		}
		if list == nil {
			return nil, gone(err)
		}
	}
}

// list adds to as the names in the directory fd and what they cost; nil with an
// error.
func (c *counter) list(ctx context.Context, fd int, as listing) (*listing, error) {
	l := &as
	if e := backing.SeekDir(fd, 0); e != 0 {
		return nil, e
	}
	for {
		n, e := backing.Getdents(fd, c.buf)
		switch {
		case e != 0:
			return nil, e
		case n == 0:
			return l, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		for rest := c.buf[:n]; ; {
			d, size, ok := backing.NextDirent(rest)
			if size == 0 {
				break
			}
			rest = rest[size:]
			if !ok {
				continue
			}
			if e := c.add(l, fd, &d); e != 0 {
				return nil, e
			}
		}
	}
}

// add adds one name to l. One that has vanished costs nothing.
func (c *counter) add(l *listing, fd int, d *backing.Dirent) syscall.Errno {
	kind := d.Type
	var st backing.Stat
	if kind == unix.DT_REG || kind == unix.DT_UNKNOWN || kind == unix.DT_DIR && c.touch {
		switch e := backing.StatAt(fd, d.Name, &st); e {
		case 0:
		case syscall.ENOENT:
			return 0
		default:
			return e
		}
		kind = uint8(st.Mode & unix.S_IFMT >> 12) // DT_… is S_IF… >> 12
	}
	switch {
	case kind == unix.DT_REG && st.Nlink > 1:
		l.linked = append(l.linked, linkedName{identity(&st), int64(st.Size), st.Nlink})
		return 0
	case kind == unix.DT_REG:
		l.sum.bytes, _ = add(l.sum.bytes, int64(st.Size))
		l.sum.files++
	case kind == unix.DT_DIR:
		l.subs = append(l.subs, child{d.Name.Clone(), identity(&st), birth(&st)})
	}
	l.sum.inodes++
	return 0
}

func identity(st *backing.Stat) ID { return ID{backing.Dev(st), st.Ino} }

// birth tells apart directories that had one inode number after each other; 0
// where the file system does not say when they were made.
func birth(st *backing.Stat) uint32 {
	if st.Mask&unix.STATX_BTIME == 0 {
		return 0
	}
	return max(1, uint32(st.Btime.Sec*1e9+int64(st.Btime.Nsec)))
}

// limit closes a directory far above the one being read: a deep tree takes no
// more descriptors than a flat one.
func (c *counter) limit(path []*level) error {
	if len(path) <= openLevels {
		return nil
	}
	if !c.root.HasHandles() {
		if len(path) > maxLevels {
			return fmt.Errorf("more than %d directories deep: %w", maxLevels, syscall.ELOOP)
		}
		return nil
	}
	above := path[len(path)-1-openLevels]
	if above.fd < 0 || len(above.subs) == 0 {
		above.close()
		return nil
	}
	h, e := backing.HandleFD(above.fd)
	if e != 0 {
		return e
	}
	above.obj = backing.Object{Handle: h}
	above.close()
	return nil
}

func (l *level) close() {
	if l.fd >= 0 {
		backing.Close(l.fd)
		l.fd = -1
	}
}

// gone returns err, nil where it only says that a directory was removed or
// replaced meanwhile.
func gone(err error) error {
	switch err {
	case syscall.ENOENT, syscall.ESTALE, syscall.ENOTDIR, syscall.ELOOP:
		return nil
	}
	return err
}
