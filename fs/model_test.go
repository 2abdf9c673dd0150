package fs_test

import (
	"maps"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// model is a tree as POSIX has it (path_resolution(7), open(2), rename(2) …),
// kept in memory: what a view that permits everything must be like.
type model struct {
	root *inode
	open []*opening
}

// inode is a directory, a file or a symlink.
type inode struct {
	kind    uint32 // S_IFDIR, S_IFREG or S_IFLNK
	entries map[string]*inode
	parent  *inode // of a directory
	data    []byte
	text    string // of a symlink
	gone    bool
}

// opening is one open(2).
type opening struct {
	node                *inode
	read, write, append bool
}

func newModel(openings int) *model {
	root := &inode{kind: unix.S_IFDIR, entries: map[string]*inode{}}
	root.parent = root
	return &model{root: root, open: make([]*opening, openings)}
}

// nlink is stat(2)'s st_nlink on ext4 and tmpfs.
func (n *inode) nlink() uint64 {
	switch {
	case n.gone:
		return 0
	case n.kind != unix.S_IFDIR:
		return 1
	}
	links := uint64(2)
	for _, c := range n.entries {
		if c.kind == unix.S_IFDIR {
			links++
		}
	}
	return links
}

// found is where a path leads: node is nil if only the directory is there.
type found struct {
	dir  *inode
	name string
	node *inode
}

const maxFollowed = 40

// find walks p from the root; a symlink at its end is followed if follow.
func (m *model) find(p string, follow bool) (found, syscall.Errno) {
	left := maxFollowed
	return m.walk(m.root, p, follow, &left)
}

func (m *model) walk(dir *inode, p string, follow bool, left *int) (found, syscall.Errno) {
	head, rest, more := strings.Cut(p, "/")
	if dir.kind != unix.S_IFDIR {
		return found{}, unix.ENOTDIR
	}
	f := found{dir, head, dir.entries[head]}
	switch {
	case f.node == nil && more:
		return found{}, unix.ENOENT
	case f.node == nil:
		return f, 0
	case f.node.kind == unix.S_IFLNK && (more || follow):
		if *left--; *left < 0 {
			return found{}, unix.ELOOP
		}
		to, errno := m.walk(dir, f.node.text, true, left)
		if errno != 0 || !more {
			return to, errno
		}
		if to.node == nil {
			return found{}, unix.ENOENT
		}
		return m.walk(to.node, rest, follow, left)
	case more:
		return m.walk(f.node, rest, follow, left)
	}
	return f, 0
}

// existing is find for what must be there.
func (m *model) existing(p string, follow bool) (found, syscall.Errno) {
	f, errno := m.find(p, follow)
	if errno == 0 && f.node == nil {
		errno = unix.ENOENT
	}
	return f, errno
}

// make puts a new inode at p, where nothing may be.
func (m *model) make(p string, n *inode) syscall.Errno {
	f, errno := m.find(p, false)
	switch {
	case errno != 0:
		return errno
	case f.node != nil:
		return unix.EEXIST
	}
	f.dir.entries[f.name], n.parent = n, f.dir
	return 0
}

func (m *model) mkdir(p string) syscall.Errno {
	return m.make(p, &inode{kind: unix.S_IFDIR, entries: map[string]*inode{}})
}

func (m *model) symlink(text, p string) syscall.Errno {
	return m.make(p, &inode{kind: unix.S_IFLNK, text: text})
}

func (m *model) readlink(p string) (string, syscall.Errno) {
	f, errno := m.existing(p, false)
	if errno == 0 && f.node.kind != unix.S_IFLNK {
		errno = unix.EINVAL
	}
	if errno != 0 {
		return "", errno
	}
	return f.node.text, 0
}

func (m *model) unlink(p string) syscall.Errno {
	f, errno := m.existing(p, false)
	switch {
	case errno != 0:
		return errno
	case f.node.kind == unix.S_IFDIR:
		return unix.EISDIR
	}
	delete(f.dir.entries, f.name)
	f.node.gone = true
	return 0
}

func (m *model) rmdir(p string) syscall.Errno {
	f, errno := m.existing(p, false)
	switch {
	case errno != 0:
		return errno
	case f.node.kind != unix.S_IFDIR:
		return unix.ENOTDIR
	case len(f.node.entries) > 0:
		return unix.ENOTEMPTY
	}
	delete(f.dir.entries, f.name)
	f.node.gone = true
	return 0
}

// above reports whether n is dir or an ancestor of it.
func (n *inode) above(dir *inode) bool {
	for ; ; dir = dir.parent {
		if dir == n {
			return true
		}
		if dir == dir.parent {
			return false
		}
	}
}

// rename is renameat2(2), its errors in the order that Linux finds them.
func (m *model) rename(p, q string, flags uint) syscall.Errno {
	from, errno := m.find(p, false)
	if errno != 0 {
		return errno
	}
	to, errno := m.find(q, false)
	exchange := flags&unix.RENAME_EXCHANGE != 0
	switch {
	case errno != 0:
		return errno
	case from.node == nil:
		return unix.ENOENT
	case flags&unix.RENAME_NOREPLACE != 0 && to.node != nil:
		return unix.EEXIST
	case exchange && to.node == nil:
		return unix.ENOENT
	case from.node.above(to.dir):
		return unix.EINVAL
	case to.node != nil && to.node.above(from.dir):
		if exchange {
			return unix.EINVAL
		}
		return unix.ENOTEMPTY
	case from.node == to.node:
		return 0
	}
	if exchange {
		from.dir.entries[from.name], to.node.parent = to.node, from.dir
		to.dir.entries[to.name], from.node.parent = from.node, to.dir
		return 0
	}
	if to.node != nil {
		isDir, overDir := from.node.kind == unix.S_IFDIR, to.node.kind == unix.S_IFDIR
		switch {
		case isDir && !overDir:
			return unix.ENOTDIR
		case !isDir && overDir:
			return unix.EISDIR
		case overDir && len(to.node.entries) > 0:
			return unix.ENOTEMPTY
		}
		to.node.gone = true
	}
	delete(from.dir.entries, from.name)
	to.dir.entries[to.name], from.node.parent = from.node, to.dir
	return 0
}

func (m *model) openAt(p string, flags int) (*opening, syscall.Errno) {
	exclusive := flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL
	f, errno := m.find(p, flags&unix.O_NOFOLLOW == 0 && !exclusive)
	if errno != 0 {
		return nil, errno
	}
	o := &opening{append: flags&unix.O_APPEND != 0}
	mode := flags & unix.O_ACCMODE
	o.read, o.write = mode != unix.O_WRONLY, mode != unix.O_RDONLY
	switch {
	case f.node == nil && flags&unix.O_CREAT == 0:
		return nil, unix.ENOENT
	case f.node == nil:
		f.node = &inode{kind: unix.S_IFREG, parent: f.dir}
		f.dir.entries[f.name] = f.node
	case exclusive:
		return nil, unix.EEXIST
	case f.node.kind == unix.S_IFLNK:
		return nil, unix.ELOOP
	case f.node.kind == unix.S_IFDIR && (o.write || flags&(unix.O_CREAT|unix.O_TRUNC) != 0):
		return nil, unix.EISDIR
	case flags&unix.O_TRUNC != 0:
		f.node.data = nil
	}
	o.node = f.node
	return o, 0
}

func (n *inode) resize(size int) {
	if size <= len(n.data) {
		n.data = n.data[:size:size]
		return
	}
	n.data = append(n.data, make([]byte, size-len(n.data))...)
}

func (m *model) truncate(p string, size int) syscall.Errno {
	f, errno := m.existing(p, true)
	switch {
	case errno != 0:
		return errno
	case f.node.kind == unix.S_IFDIR:
		return unix.EISDIR
	}
	f.node.resize(size)
	return 0
}

func (o *opening) truncate(size int) syscall.Errno {
	if !o.write {
		return unix.EINVAL
	}
	o.node.resize(size)
	return 0
}

func (o *opening) pread(off, size int) ([]byte, syscall.Errno) {
	switch {
	case !o.read:
		return nil, unix.EBADF
	case o.node.kind == unix.S_IFDIR:
		return nil, unix.EISDIR
	}
	off = min(off, len(o.node.data))
	return o.node.data[off:min(off+size, len(o.node.data))], 0
}

// pwrite writes at the end in spite of off where O_APPEND is set (pwrite(2),
// BUGS).
func (o *opening) pwrite(b []byte, off int) syscall.Errno {
	if !o.write {
		return unix.EBADF
	}
	if o.append {
		off = len(o.node.data)
	}
	o.node.resize(max(len(o.node.data), off+len(b)))
	copy(o.node.data[off:], b)
	return 0
}

// allocate is fallocate(2) with one of the modes that a view knows.
func (o *opening) allocate(mode uint32, off, size int) syscall.Errno {
	if !o.write {
		return unix.EBADF
	}
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
		o.node.resize(max(len(o.node.data), off+size))
	}
	if mode != 0 {
		off = min(off, len(o.node.data))
		clear(o.node.data[off:min(off+size, len(o.node.data))])
	}
	return 0
}

func (o *opening) copyTo(to *opening, from, at, size int) (int, syscall.Errno) {
	switch {
	case o.node.kind == unix.S_IFDIR || to.node.kind == unix.S_IFDIR:
		return 0, unix.EISDIR
	case !o.read || !to.write || to.append:
		return 0, unix.EBADF
	}
	size = max(0, min(size, len(o.node.data)-from))
	if o.node == to.node && at < from+size && from < at+size {
		return 0, unix.EINVAL
	}
	if size == 0 {
		return 0, 0
	}
	return size, to.pwrite(slices.Clone(o.node.data[from:from+size]), at)
}

// names lists a directory.
func (n *inode) names() []string { return slices.Sorted(maps.Keys(n.entries)) }
