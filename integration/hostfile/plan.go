package hostfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/rogpeppe/go-internal/diff"
)

// File is a file to install. It belongs to root.
type File struct {
	Path string // absolute
	Text []byte // without a stamp
	Mode fs.FileMode
}

// Change is one file that is not as it is to be.
type Change struct {
	Path     string
	Old, New []byte // nil for none
	Mode     fs.FileMode
	// Kept says why the file is left as it is; "" for a change to make.
	Kept string

	was fs.FileMode // with Old
}

// Install returns what is to be done for files to be there, nothing if they are.
func Install(files []File) ([]Change, error) {
	var changes []Change
	for _, f := range files {
		c, same, err := look(f.Path)
		if err != nil {
			return nil, err
		}
		c.New, c.Mode = Stamp(f.Text), f.Mode
		switch who := authorOf(c.Old); {
		case c.Kept != "" || c.Old == nil:
		case bytes.Equal(c.Old, f.Text): // as it was printed
		case who == edited:
			c.Kept = "it was edited since grantfs wrote it"
		case who == somebody:
			c.Kept = "grantfs has not written it"
		case bytes.Equal(c.Old, c.New) && same && c.was == c.Mode:
			continue
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// Remove returns what is to be done for the files at paths to be gone, as far as
// they are ours.
func Remove(paths []string) ([]Change, error) {
	var changes []Change
	for _, path := range paths {
		c, _, err := look(path)
		if err != nil {
			return nil, err
		}
		switch who := authorOf(c.Old); {
		case c.Kept != "":
		case c.Old == nil, who == somebody:
			continue
		case who == edited:
			c.Kept = "it was edited since grantfs wrote it"
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// look reads what is at path; root says whose it is.
func look(path string) (c Change, root bool, err error) {
	c.Path = path
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, true, nil
	case err != nil:
		return c, false, fmt.Errorf("look for what is installed: %w", err)
	case !info.Mode().IsRegular():
		c.Kept = "it is no regular file"
		return c, false, nil
	}
	if c.Old, err = os.ReadFile(path); err != nil {
		return c, false, fmt.Errorf("read what is installed: %w", err)
	}
	if c.Old == nil {
		c.Old = []byte{}
	}
	c.was = info.Mode().Perm()
	st := info.Sys().(*syscall.Stat_t)
	return c, st.Uid == 0 && st.Gid == 0, nil
}

// Diff returns c as a unified diff; for a file that is kept, a line that says so.
func (c Change) Diff() string {
	before, after := c.Path, c.Path
	switch {
	case c.Kept != "":
		return fmt.Sprintf("%s is left as it is: %s\n", c.Path, c.Kept)
	case bytes.Equal(c.Old, c.New):
		return fmt.Sprintf("%s becomes root's, with mode %04o\n", c.Path, c.Mode)
	case c.Old == nil:
		before = os.DevNull
	case c.New == nil:
		after = os.DevNull
	}
	text := diff.Diff(before, c.Old, after, c.New)
	if _, rest, ok := bytes.Cut(text, []byte("\n")); ok && bytes.HasPrefix(text, []byte("diff ")) {
		text = rest // patch(1) does without that line
	}
	return string(text)
}

// Read returns what the file at path holds, nil where there is none.
func Read(path string) ([]byte, error) {
	c, _, err := look(path)
	return c.Old, err
}
