package aegir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sort"
	"strings"
	"syscall"

	"grantfs/policy"
)

// record is one alias of an instance: what a statement of a file says.
type record struct {
	file  string // the file's name without its suffix
	alias Alias
	at    policy.Pos
}

// records reads every alias file of the directory .drush that may describe a
// site or a platform, in name order. Files that can't be read or understood are
// warnings.
func (r *reader) records() []record {
	dir := r.inst.Dir + "/.drush"
	names, err := listDir(dir)
	if err != nil {
		r.warn(policy.Pos{File: dir}, "aliases of %s: %v", r.inst.Name, err)
		return nil
	}
	var list []record
	for _, file := range names {
		name, ok := aliasName(file)
		if !ok {
			continue
		}
		at := policy.Pos{File: dir + "/" + file}
		data, err := readAlias(at.File)
		if errors.Is(err, errNotRegular) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			r.warn(at, "alias ignored: %v", err)
			continue
		}
		aliases, err := ParseAlias(data)
		if err != nil {
			var syntax *SyntaxError
			text := err.Error()
			if errors.As(err, &syntax) {
				at.Line, at.Col, text = syntax.Line, syntax.Col, syntax.Text
			}
			r.warn(at, "alias ignored: %s", text)
			continue
		}
		for _, a := range aliases {
			at.Line, at.Col = a.Line, a.Col
			list = append(list, record{file: name, alias: a, at: at})
		}
	}
	return list
}

// errNotRegular marks a file that is a link or no file at all. BOA links the
// panel's own alias, so this is nothing to report.
var errNotRegular = errors.New("not a regular file")

// readAlias reads a regular file of at most MaxAliasSize bytes. It follows no
// link and never waits, not even where somebody put a FIFO.
func readAlias(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) {
		return nil, errNotRegular
	}
	if err != nil {
		return nil, fmt.Errorf("open: %w", bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("stat: %w", bare(err))
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxAliasSize+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", bare(err))
	}
	return data, nil
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

// errNotDir marks a path that something else than directories leads to.
var errNotDir = errors.New("not a directory")

// checkDir looks whether path, which is below base, is a directory and no
// component below base is a link. The error says what it is instead; it wraps
// errNotDir unless the path is just not there, or can't be looked at.
func checkDir(base, path string) error {
	at := base
	for name := range strings.SplitSeq(strings.TrimPrefix(path, base+"/"), "/") {
		at += "/" + name
		info, err := os.Lstat(at)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", at, bare(err))
		case info.Mode().Type() == fs.ModeSymlink:
			return fmt.Errorf("%s is a link: %w", at, errNotDir)
		case !info.IsDir():
			return fmt.Errorf("%s: %w", at, errNotDir)
		}
	}
	return nil
}
