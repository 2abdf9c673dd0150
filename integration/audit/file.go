package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// tail is how far from its end the last whole line of a file is looked for, in
// bytes: no line is longer.
const tail = 64 << 10

// file is the file that is written to.
type file struct {
	*os.File
	size int64
}

// openFile opens a file to append to, without the half line at its end that a
// process may have left that was killed.
func openFile(path string) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	size, err := mend(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the audit log: %w", err), f.Close())
	}
	return &file{f, size}, nil
}

// mend cuts off what follows the last line and returns the size of the rest.
func mend(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, err
	}
	size := info.Size()
	end := make([]byte, min(size, tail))
	if _, err := f.ReadAt(end, size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	whole := size - int64(len(end)) + int64(bytes.LastIndexByte(end, '\n')+1)
	if whole == size {
		return size, nil
	}
	return whole, f.Truncate(whole)
}

// append writes whole lines and returns how many of them it could not write.
func (f *file) append(lines []byte) (lost int, err error) {
	n, err := f.Write(lines)
	f.size += int64(n)
	if err == nil {
		return 0, nil
	}
	if n > 0 { // the disk was full in the middle of a line
		size, failed := mend(f.File)
		f.size = size
		err = errors.Join(err, failed)
	}
	return bytes.Count(lines[n:], []byte("\n")), fmt.Errorf("write to the audit log: %w", err)
}

// rotate makes path path.1, that path.2 and so on, and returns a new file at path.
func (f *file) rotate(path string, keep int) (*file, error) {
	// Where there is no file, the last rotation could not open the next one: to move
	// the others on at each try would lose them all.
	if _, err := os.Lstat(path); err == nil {
		if err := shift(path, keep); err != nil {
			return nil, fmt.Errorf("rotate the audit log: %w", err)
		}
	}
	next, err := openFile(path)
	if err == nil {
		_ = f.close() // all of it is written
	}
	return next, err
}

// shift makes path path.1, that path.2 and so on, and lets go of the last.
func shift(path string, keep int) error {
	if keep == 0 {
		return os.Remove(path)
	}
	number := func(n int) string {
		if n == 0 {
			return path
		}
		return path + "." + strconv.Itoa(n)
	}
	for n := keep; n > 0; n-- {
		if err := os.Rename(number(n-1), number(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (f *file) close() error { return f.File.Close() }
