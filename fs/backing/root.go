package backing

import (
	"fmt"
	"path"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Root is one pinned source directory: everything of a mount lies below it on
// the same mounted file system. Close it when no request uses it any more.
type Root struct {
	fd      int
	dev     uint64
	mountID uint64
	ino     uint64
	handles bool
	handle  Handle
	stat    Stat
	pins    *atomic.Int64 // descriptors that stand for directories, where there are no handles
}

// maxPins bounds the descriptors that stand for directories of one source.
const maxPins = 4096

// OpenRoot opens the absolute directory source, in which no symlink is followed:
// Resolve has replaced those that may be. The error wraps a syscall.Errno.
func OpenRoot(source string) (*Root, error) {
	fd, err := openNoSymlinks(source)
	if err != nil {
		return nil, fmt.Errorf("open source %s: %w", source, err)
	}
	r := &Root{fd: fd, pins: new(atomic.Int64)}
	if e := StatFD(fd, &r.stat); e != 0 {
		unix.Close(fd)
		return nil, fmt.Errorf("stat source %s: %w", source, e)
	}
	r.dev, r.mountID, r.ino = Dev(&r.stat), r.stat.Mnt_id, r.stat.Ino
	r.probeHandles()
	return r, nil
}

// probeHandles learns whether objects can be kept as handles here: some file
// systems give handles that they then can't open.
func (r *Root) probeHandles() {
	h, e := HandleFD(r.fd)
	if e != 0 {
		return
	}
	fd, e := openHandle(r.fd, h, unix.O_PATH)
	if e != 0 {
		return
	}
	unix.Close(fd)
	r.handles, r.handle = true, h
}

func openNoSymlinks(p string) (int, error) {
	fd, err := unix.Openat2(unix.AT_FDCWD, p, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
	return fd, err
}

// maxLinks is how many symlinks a source may hold, as in path_resolution(7).
const maxLinks = 40

// Resolve returns the absolute path source with its symlinks replaced. They are
// followed only where every component up to and including the link belongs to
// root (product.md §3); any other is ELOOP. The error wraps a syscall.Errno.
func Resolve(source string) (string, error) { return resolveTrusted(source, 0) }

func resolveTrusted(source string, depth int) (string, error) {
	at := "/"
	rest := strings.Split(strings.Trim(source, "/"), "/")
	for i, c := range rest {
		next := path.Join(at, c)
		st, err := linkStat(next)
		if err != nil {
			return "", err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK {
			at = next
			continue
		}
		if err := rootOwned(next); err != nil {
			return "", err
		}
		if depth >= maxLinks {
			return "", fmt.Errorf("resolve %s: %w", source, syscall.ELOOP)
		}
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlink(next, buf)
		if err != nil {
			return "", fmt.Errorf("read link %s: %w", next, err)
		}
		target := string(buf[:n])
		if !path.IsAbs(target) {
			target = path.Join(at, target)
		}
		return resolveTrusted(path.Join(append([]string{target}, rest[i+1:]...)...), depth+1)
	}
	return at, nil
}

// linkStat is lstat(2), without asking a server: the root of a network file
// system, or of the very mount that the daemon serves, need not answer.
func linkStat(p string) (st unix.Statx_t, err error) {
	err = unix.Statx(unix.AT_FDCWD, p, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE|unix.STATX_UID, &st)
	if err != nil {
		err = fmt.Errorf("look up %s: %w", p, err)
	}
	return st, err
}

// rootOwned refuses p unless it and every directory above it belong to root.
func rootOwned(p string) error {
	for {
		st, err := linkStat(p)
		if err != nil {
			return err
		}
		if st.Uid != 0 {
			return fmt.Errorf("the symlink in the source lies below %s, which does not belong to root: %w", p, syscall.ELOOP)
		}
		if p == "/" {
			return nil
		}
		p = path.Dir(p)
	}
}

// FD returns the descriptor of the root directory.
func (r *Root) FD() int { return r.fd }

// Object identifies the root directory itself; Close it after use.
func (r *Root) Object() (Object, syscall.Errno) {
	if r.handles {
		return Object{Handle: r.handle}, 0
	}
	fd, err := unix.FcntlInt(uintptr(r.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return Object{}, errno(err)
	}
	return r.pin(fd)
}

// Full reports whether no more directories of a source without handles can be
// known at this moment.
func (r *Root) Full() bool { return !r.handles && r.pins.Load() >= maxPins }

// HasHandles reports whether objects below r are kept as file handles.
func (r *Root) HasHandles() bool { return r.handles }

// Dev returns the device that the root lies on.
func (r *Root) Dev() uint64 { return r.dev }

// Ino returns the inode number of the root.
func (r *Root) Ino() uint64 { return r.ino }

// IsHandle reports whether h is the root's own handle.
func (r *Root) IsHandle(h Handle) bool { return r.handle == h }

// Owner returns the owner and group of the root when it was opened.
func (r *Root) Owner() (uid, gid uint32) { return r.stat.Uid, r.stat.Gid }

// Foreign reports whether st lies on another mounted file system than r.
func (r *Root) Foreign(st *Stat) bool {
	if st.Mask&unix.STATX_MNT_ID != 0 && r.stat.Mask&unix.STATX_MNT_ID != 0 {
		return st.Mnt_id != r.mountID
	}
	return Dev(st) != r.dev
}

// Same reports whether r and other pin the same directory.
func (r *Root) Same(other *Root) bool {
	return other.dev == r.dev && other.ino == r.ino && other.mountID == r.mountID && other.handle == r.handle
}

// Replace makes r's descriptor refer to the directory that other pins, in one
// step, so that requests under way hold a valid descriptor all the time. It
// returns the Root to use from now on; r and other must not be used any more.
func (r *Root) Replace(other *Root) *Root {
	if err := unix.Dup3(other.fd, r.fd, unix.O_CLOEXEC); err != nil {
		return other
	}
	unix.Close(other.fd)
	next := *other
	next.fd = r.fd
	return &next
}

// Clone returns a Root of the same directory with a descriptor of its own. Close
// it.
func (r *Root) Clone() (*Root, error) {
	fd, err := unix.FcntlInt(uintptr(r.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a source once more: %w", err)
	}
	c := *r
	c.fd, c.pins = fd, new(atomic.Int64)
	return &c, nil
}

// Mount returns what tells the mounted file system of r from every other one
// that is mounted now.
func (r *Root) Mount() uint64 {
	if r.stat.Mask&unix.STATX_MNT_ID == 0 {
		return r.dev
	}
	return r.mountID
}

// Removed reports whether the root has no name any more: it was removed, not
// moved or covered by another mount.
func (r *Root) Removed() bool {
	var st Stat
	return StatFD(r.fd, &st) == 0 && st.Nlink == 0
}

// Close releases the root's descriptor.
func (r *Root) Close() {
	unix.Close(r.fd)
}
