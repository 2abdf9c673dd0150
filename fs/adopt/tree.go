package adopt

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"grantfs/fs/backing"
)

// maxDepth bounds how many directories are open at once.
const maxDepth = 256

// Options say what Tree does.
type Options struct {
	Owner    uint32                // who gets it
	Stranger func(uid uint32) bool // whose objects are given to Owner
	DryRun   bool                  // change nothing
	Changed  func(Change)          // is told of each object after it was changed, or would be
	Skipped  func(path string, why error)
	Looked   func(n int) // is told how many more objects it has looked at; nil: nobody
}

// Change is an object that was given to Owner.
type Change struct {
	Path   string `json:"path"`
	UID    uint32 `json:"uid"` // that it had
	GID    uint32 `json:"gid"`
	Mode   uint32 `json:"mode"` // permission bits
	ToUID  uint32 `json:"to_uid"`
	ToGID  uint32 `json:"to_gid"`
	ToMode uint32 `json:"to_mode"`
}

// The reasons of Skipped besides those of the system.
var (
	ErrNames   = errors.New("has several names, which may be anywhere")
	ErrKind    = errors.New("is no file, directory or link")
	ErrForeign = errors.New("another file system is mounted there")
	ErrDeep    = fmt.Errorf("lies deeper than %d directories", maxDepth)
)

// Tree gives what belongs to strangers below the directory at path, which no link
// leads to, to o.Owner: with the group of the directory it lies in, that one's
// set-group-ID bit if it is a directory, and for the group what the owner may do.
// The directory itself stays as it is. What can't be changed is told of and left; the error
// is about the directory itself, or ctx's, which ends it between two objects.
func Tree(ctx context.Context, path string, o Options) error {
	root, err := backing.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("adopt what is in %s: %w", path, err)
	}
	defer root.Close()
	w := walk{ctx: ctx, o: o}
	var st backing.Stat
	if e := backing.StatFD(root.FD(), &st); e != 0 {
		return fmt.Errorf("adopt what is in %s: %w", path, e)
	}
	if err := w.dir(root.FD(), path, placeIn(&st), 0); err != nil {
		return fmt.Errorf("adopt what is in %s: %w", path, err)
	}
	return nil
}

type walk struct {
	ctx context.Context
	o   Options
}

// place is what a directory passes on to what lies in it.
type place struct{ gid, setgid uint32 }

func placeIn(st *backing.Stat) place { return place{st.Gid, uint32(st.Mode) & unix.S_ISGID} }

// dir goes through the directory that fd (O_PATH will do) refers to.
func (w *walk) dir(fd int, path string, in place, depth int) error {
	if depth >= maxDepth {
		return ErrDeep
	}
	open, e := backing.Reopen(fd, unix.O_RDONLY|unix.O_DIRECTORY)
	if e != 0 {
		return e
	}
	list := os.NewFile(uintptr(open), path)
	defer list.Close()
	names, err := list.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		at := path + "/" + name
		err := w.entry(fd, in, name, at, depth)
		if stopped := w.ctx.Err(); stopped != nil {
			return stopped
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			w.o.Skipped(at, err)
		}
		if w.o.Looked != nil {
			w.o.Looked(1)
		}
	}
	return nil
}

// entry looks at what is called name in dir.
func (w *walk) entry(dir int, in place, text, path string, depth int) (err error) {
	name, e := backing.NewName(text)
	if e != 0 {
		return e
	}
	var st backing.Stat
	switch e := backing.StatHere(dir, name, &st); e {
	case 0:
	case unix.EXDEV:
		return ErrForeign
	default:
		return e
	}
	kind := st.Mode & unix.S_IFMT
	stranger := w.o.Stranger(st.Uid)
	if !stranger && kind != unix.S_IFDIR {
		return nil
	}
	fd, e := backing.OpenAt(dir, name, backing.Dev(&st), st.Ino, unix.O_PATH)
	if e != 0 {
		return e
	}
	defer backing.Close(fd)
	below := placeIn(&st)
	if stranger {
		if below, err = w.give(fd, in, path); err != nil {
			return err
		}
	}
	if kind != unix.S_IFDIR {
		return nil
	}
	return w.dir(fd, path, below, depth+1)
}

// give gives what fd refers to to the owner. What it is it is asked for again: it
// may have got another name, or another owner, since. It returns what it passes on
// if it is a directory.
func (w *walk) give(fd int, in place, path string) (place, error) {
	var st backing.Stat
	if e := backing.StatFD(fd, &st); e != 0 {
		return place{}, e
	}
	if !w.o.Stranger(st.Uid) {
		return placeIn(&st), nil
	}
	kind := st.Mode & unix.S_IFMT
	old := uint32(st.Mode) & 0o7777
	c := Change{Path: path, UID: st.Uid, GID: st.Gid, Mode: old, ToUID: w.o.Owner, ToGID: in.gid, ToMode: old}
	switch kind {
	case unix.S_IFDIR:
		c.ToMode = shared(old|0o700) | in.setgid
	case unix.S_IFREG:
		if st.Nlink != 1 {
			return place{}, ErrNames
		}
		c.ToMode = shared(old | 0o600)
	case unix.S_IFLNK:
	default:
		return place{}, ErrKind
	}
	if !w.o.DryRun {
		if e := backing.Chown(fd, c.ToUID, c.ToGID); e != 0 {
			return place{}, e
		}
		if kind != unix.S_IFLNK {
			if e := backing.Chmod(fd, c.ToMode); e != 0 {
				return place{}, e
			}
		}
	}
	w.o.Changed(c)
	return place{c.ToGID, c.ToMode & unix.S_ISGID}, nil
}

// shared returns the permission bits of mode with the owner's for the group, and
// nothing to write for others.
func shared(mode uint32) uint32 {
	mode &= 0o775
	return mode | mode>>3&0o070
}
