package fs_test

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// trial does the same things in a view and in a model.
type trial struct {
	reload func() error // of the policy
	model  *model
	root   int   // the trial's directory in the view
	back   int   // the same in the backing
	fds    []int // of model.open, -1 where nothing is open
	step   int
	log    []string
}

// One operation is made of so many bytes: what, and three that say on which.
const opBytes = 4

// checkEvery is after how many operations everything is compared.
const checkEvery = 16

const slots = 4

// pathOf makes a path of up to three components of a byte.
func pathOf(b byte) string {
	n := int(b) % (3 + 9 + 27)
	abc := []string{"a", "b", "c"}
	switch {
	case n < 3:
		return abc[n]
	case n < 12:
		return abc[(n-3)/3] + "/" + abc[(n-3)%3]
	}
	n -= 12
	return abc[n/9] + "/" + abc[n/3%3] + "/" + abc[n%3]
}

// sizeOf makes an offset or a size of a byte: small ones, and around pages.
func sizeOf(b byte) int {
	return []int{0, 1, 100, 4095, 4096, 4097, 10000, 40000}[b%8] + int(b/8)
}

var openFlags = []int{
	unix.O_RDONLY, unix.O_RDWR, unix.O_WRONLY, unix.O_RDWR | unix.O_CREAT, unix.O_RDWR | unix.O_CREAT | unix.O_EXCL,
	unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC, unix.O_RDWR | unix.O_CREAT | unix.O_APPEND, unix.O_RDWR | unix.O_APPEND,
	unix.O_RDWR | unix.O_TRUNC, unix.O_RDONLY | unix.O_CREAT, unix.O_RDONLY | unix.O_TRUNC, unix.O_RDWR | unix.O_NOFOLLOW,
	unix.O_RDWR | unix.O_CREAT | unix.O_NOFOLLOW,
}

// did notes what is done, for the report.
func (t *trial) did(format string, args ...any) { t.log = append(t.log, fmt.Sprintf(format, args...)) }

// same compares what the view answered with what the model did.
func same(what string, got error, want syscall.Errno) error {
	if errnoOf(got) != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}

// do does one operation.
func (t *trial) do(op [opBytes]byte) error {
	kind, x, y, z := op[0], op[1], op[2], op[3]
	p, q, slot := pathOf(x), pathOf(y), int(x)%slots
	if n := kind % 32; n >= 16 {
		return t.onOpen(n, slot, y, z)
	}
	switch kind % 16 {
	case 0, 1, 2, 3:
		flags := openFlags[int(z)%len(openFlags)]
		return t.open(p, flags, int(y)%slots)
	case 4, 5:
		t.did("mkdir(%s)", p)
		return same("mkdir", unix.Mkdirat(t.root, p, 0o755), t.model.mkdir(p))
	case 6:
		t.did("rmdir(%s)", p)
		return same("rmdir", unix.Unlinkat(t.root, p, unix.AT_REMOVEDIR), t.model.rmdir(p))
	case 7:
		t.did("unlink(%s)", p)
		return same("unlink", unix.Unlinkat(t.root, p, 0), t.model.unlink(p))
	case 8, 9, 10:
		flags := []uint{0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE}[z%4]
		t.did("rename(%s, %s, %d)", p, q, flags)
		return same("rename", unix.Renameat2(t.root, p, t.root, q, flags), t.model.rename(p, q, flags))
	case 11:
		text := pathOf(y % 12)
		t.did("symlink(%s, %s)", text, p)
		return same("symlink", unix.Symlinkat(text, t.root, p), t.model.symlink(text, p))
	case 12:
		return t.readlink(p)
	case 13:
		t.did("truncate(%s, %d)", p, sizeOf(y))
		return same("truncate", t.truncate(p, sizeOf(y)), t.model.truncate(p, sizeOf(y)))
	case 14:
		return t.stat(p, z%2 == 0)
	}
	if z%3 == 0 {
		t.did("reload")
		return t.reload()
	}
	return t.refused(p, q, z)
}

// truncate is truncate(2), which has no variant with a directory; the thread
// that it is called on ends with the trial.
func (t *trial) truncate(p string, size int) error {
	return unix.Truncate(fmt.Sprintf("/proc/self/fd/%d/%s", t.root, p), int64(size))
}

func (t *trial) open(p string, flags, slot int) error {
	t.did("open(%s, %#x) as %d", p, flags, slot)
	fd, err := unix.Openat(t.root, p, flags|unix.O_CLOEXEC, 0o644)
	o, errno := t.model.openAt(p, flags)
	if err == nil {
		t.close(slot)
		t.fds[slot], t.model.open[slot] = fd, o
	}
	return same("open", err, errno)
}

func (t *trial) close(slot int) {
	if t.fds[slot] < 0 {
		return
	}
	unix.Close(t.fds[slot])
	t.fds[slot], t.model.open[slot] = -1, nil
}

// onOpen does an operation on something open: in slot, or else in one after it.
func (t *trial) onOpen(kind byte, slot int, y, z byte) error {
	for i := 0; i < slots && t.fds[slot] < 0; i++ {
		slot = (slot + 1) % slots
	}
	fd, o := t.fds[slot], t.model.open[slot]
	if fd < 0 {
		return nil
	}
	off, size := sizeOf(y), sizeOf(z)
	switch kind - 16 {
	case 0, 1, 2, 3, 4:
		b := bytes.Repeat([]byte{byte(t.step) | 1}, size+1)
		t.did("pwrite(%d, %d bytes of %#x, %d)", slot, len(b), b[0], off)
		n, err := unix.Pwrite(fd, b, int64(off))
		if err == nil && n != len(b) {
			return fmt.Errorf("pwrite wrote %d of %d bytes", n, len(b))
		}
		return same("pwrite", err, o.pwrite(b, off))
	case 5, 6, 7, 8:
		t.did("pread(%d, %d, %d)", slot, size+1, off)
		b := make([]byte, size+1)
		n, err := unix.Pread(fd, b, int64(off))
		want, errno := o.pread(off, len(b))
		if err == nil && !bytes.Equal(b[:n], want) {
			return fmt.Errorf("pread: %s, want %s", brief(b[:n]), brief(want))
		}
		return same("pread", err, errno)
	case 9:
		t.did("ftruncate(%d, %d)", slot, size)
		return same("ftruncate", unix.Ftruncate(fd, int64(size)), o.truncate(size))
	case 10:
		mode := []uint32{0, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_ZERO_RANGE}[(y^z)%3]
		t.did("fallocate(%d, %#x, %d, %d)", slot, mode, off, size+1)
		return same("fallocate", unix.Fallocate(fd, mode, int64(off), int64(size+1)), o.allocate(mode, off, size+1))
	case 11:
		t.did("fstat(%d)", slot)
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return fmt.Errorf("fstat: %w", err)
		}
		return sameStat(&st, o.node)
	case 12:
		return t.copyRange(slot, int(y)%slots, sizeOf(y/4), sizeOf(z), sizeOf(z/4))
	case 13:
		t.did("fsync(%d)", slot)
		return same("fsync", unix.Fsync(fd), 0)
	case 14:
		if o.node.kind == unix.S_IFDIR {
			return nil
		}
		t.did("lseek(%d, 0, SEEK_END)", slot)
		if n, err := unix.Seek(fd, 0, unix.SEEK_END); err != nil || int(n) != len(o.node.data) {
			return fmt.Errorf("lseek to the end: %d, %v, want %d", n, err, len(o.node.data))
		}
		return nil
	}
	t.did("close(%d)", slot)
	t.close(slot)
	return nil
}

func (t *trial) copyRange(from, to, off, at, size int) error {
	if t.fds[to] < 0 {
		return nil
	}
	t.did("copy_file_range(%d at %d, %d at %d, %d)", from, off, to, at, size)
	in, out := int64(off), int64(at)
	want, errno := t.model.open[from].copyTo(t.model.open[to], off, at, size)
	n, err := unix.CopyFileRange(t.fds[from], &in, t.fds[to], &out, size, 0)
	if err == nil && n != want {
		return fmt.Errorf("copy_file_range copied %d bytes, want %d", n, want)
	}
	return same("copy_file_range", err, errno)
}

func (t *trial) readlink(p string) error {
	t.did("readlink(%s)", p)
	b := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(t.root, p, b)
	want, errno := t.model.readlink(p)
	if err == nil && string(b[:n]) != want {
		return fmt.Errorf("readlink: %q, want %q", b[:n], want)
	}
	return same("readlink", err, errno)
}

func (t *trial) stat(p string, follow bool) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	t.did("stat(%s, %#x)", p, flags)
	var st unix.Stat_t
	err := unix.Fstatat(t.root, p, &st, flags)
	f, errno := t.model.existing(p, follow)
	if err == nil && errno == 0 {
		return sameStat(&st, f.node)
	}
	return same("stat", err, errno)
}

// refused does what no view permits; it must change nothing.
func (t *trial) refused(p, q string, which byte) error {
	from, fromErr := t.model.existing(p, false)
	to, toErr := t.model.find(q, false)
	if fromErr != 0 || toErr != 0 || to.node != nil || from.node.kind == unix.S_IFDIR {
		return nil
	}
	if which%2 == 0 {
		t.did("link(%s, %s)", p, q)
		return same("link", unix.Linkat(t.root, p, t.root, q, 0), unix.EOPNOTSUPP)
	}
	t.did("mkfifo(%s)", q)
	return same("mkfifo", unix.Mknodat(t.root, q, unix.S_IFIFO|0o644, 0), unix.EPERM)
}

func sameStat(st *unix.Stat_t, n *inode) error {
	size := int64(len(n.data))
	switch n.kind {
	case unix.S_IFLNK:
		size = int64(len(n.text))
	case unix.S_IFDIR:
		size = st.Size
	}
	if st.Mode&unix.S_IFMT != n.kind || st.Size != size || uint64(st.Nlink) != n.nlink() {
		return fmt.Errorf("stat: type %o, size %d, links %d, want %o, %d, %d", st.Mode&unix.S_IFMT, st.Size, st.Nlink, n.kind, size, n.nlink())
	}
	return nil
}

// brief describes data.
func brief(b []byte) string {
	runs := []string{fmt.Sprintf("%d bytes:", len(b))}
	for len(b) > 0 && len(runs) < 10 {
		n := len(b) - len(bytes.TrimLeft(b, string(b[:1])))
		runs, b = append(runs, fmt.Sprintf("%d of %#x", n, b[0])), b[n:]
	}
	return strings.Join(runs, " ")
}
