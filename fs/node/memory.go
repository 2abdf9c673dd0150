package node

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Anonymous is memory that ends with the process, kept outside the garbage
// collector's sight. Not safe for concurrent use; a Table asks for one chunk
// at a time.
type Anonymous struct{ chunks [][]byte }

// Grow is the Grow of a table in anonymous memory.
func (a *Anonymous) Grow(size int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", size, err)
	}
	a.chunks = append(a.chunks, b)
	return b, nil
}

// Close gives the memory back. Nothing of the table may be used any more.
func (a *Anonymous) Close() error {
	var errs []error
	for _, b := range a.chunks {
		if err := unix.Munmap(b); err != nil {
			errs = append(errs, fmt.Errorf("unmap %d bytes: %w", len(b), err))
		}
	}
	a.chunks = nil
	return errors.Join(errs...)
}
