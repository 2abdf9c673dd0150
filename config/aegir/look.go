package aegir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// look is one look at the disk: it asks about each directory once, and knows in
// which ones a change would change the answers.
type look struct {
	dirs  map[string]error // what checkDir found there
	watch map[string]bool
}

func newLook() *look { return &look{dirs: map[string]error{}, watch: map[string]bool{}} }

// parents returns the directories whose entries were looked at, sorted.
func (l *look) parents() []string {
	list := make([]string, 0, len(l.watch))
	for dir := range l.watch {
		list = append(list, dir)
	}
	slices.Sort(list)
	return list
}

// parent notes that path is looked at.
func (l *look) parent(p string) { l.watch[path.Dir(p)] = true }

// list is listDir of a directory whose entries matter.
func (l *look) list(dir string) ([]string, error) {
	names, err := listDir(dir)
	if err == nil {
		l.watch[dir] = true
	}
	return names, err
}

// errNotDir marks a path that something else than directories leads to.
var errNotDir = errors.New("not a directory")

// checkDir looks whether path, which is below base, is a directory and no
// component below base is a link. The error says what it is instead; it wraps
// errNotDir unless the path is just not there, or can't be looked at.
func (l *look) checkDir(base, path string) error {
	at := base
	for name := range strings.SplitSeq(strings.TrimPrefix(path, base+"/"), "/") {
		l.watch[at] = true
		at += "/" + name
		err, known := l.dirs[at]
		if !known {
			err = isDir(at)
			l.dirs[at] = err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func isDir(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", path, bare(err))
	case info.Mode().Type() == fs.ModeSymlink:
		return fmt.Errorf("%s is a link: %w", path, errNotDir)
	case !info.IsDir():
		return fmt.Errorf("%s: %w", path, errNotDir)
	}
	return nil
}
