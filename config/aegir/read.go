package aegir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"syscall"
	"time"

	"grantfs/config/watch"
	"grantfs/policy"
)

// record is one alias of an instance: what a statement of a file says.
type record struct {
	file  string // the file's name without its suffix
	alias Alias
	at    policy.Pos
}

// records returns what every alias file of the directory .drush says that may
// describe a site or a platform, in name order. Files that can't be read or
// understood are warnings.
func (r *reader) records() []record {
	dir := r.inst.Dir + "/.drush"
	r.look.parent(dir)
	names, err := r.look.list(dir)
	if err != nil {
		r.warn(policy.Pos{File: dir}, "aliases of %s: %v", r.inst.Name, err)
		return r.lastGood(dir)
	}
	r.memory.since = time.Time{}
	var list []record
	seen := map[string]bool{}
	for _, file := range names {
		name, ok := aliasName(file)
		if !ok {
			continue
		}
		seen[file] = true
		list = append(list, r.aliasFile(dir, file, name)...)
	}
	r.keepOnly(dir, seen)
	r.seenSaved(dir)
	return list
}

// errNotRegular marks a file that is a link or no file at all. BOA links the
// panel's own alias, so this is nothing to report.
var errNotRegular = errors.New("not a regular file")

// errMoving marks a file that was written while it was read.
var errMoving = errors.New("it is being written")

// readAlias reads a regular file of at most MaxAliasSize bytes, and returns its
// stamp. It follows no link and never waits, not even where somebody put a FIFO.
func readAlias(path string) ([]byte, stamp, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) {
		return nil, stamp{}, errNotRegular
	}
	if err != nil {
		return nil, stamp{}, fmt.Errorf("open: %w", bare(err))
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, stamp{}, fmt.Errorf("stat: %w", bare(err))
	}
	if !before.Mode().IsRegular() {
		return nil, stamp{}, errNotRegular
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxAliasSize+1))
	if err != nil {
		return nil, stamp{}, fmt.Errorf("read: %w", bare(err))
	}
	after, err := f.Stat()
	if err != nil {
		return nil, stamp{}, fmt.Errorf("stat: %w", bare(err))
	}
	if watch.StampOf(before) != watch.StampOf(after) {
		return nil, stamp{}, errMoving
	}
	return data, watch.StampOf(after), nil
}

// listDir returns the names in a directory that is no link, sorted.
func listDir(path string) ([]string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, bare(err))
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, bare(err))
	}
	sort.Strings(names)
	return names, nil
}

// bare drops the operation and the path from err, which its message names
// already.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
