package fs_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hangs is how long nothing may happen before a test takes it for a hang.
const hangs = time.Minute

// neighbour works in its own view until ctx ends: every operation must succeed,
// and end, whatever other accounts do.
func neighbour(ctx context.Context, t *testing.T, view string) {
	t.Helper()
	rounds := make(chan error)
	go func() {
		defer close(rounds)
		as(bobUID, func() {
			for i := 0; ctx.Err() == nil; i++ {
				rounds <- work(filepath.Join(view, "work"), fmt.Appendf(nil, "round %d", i))
			}
		})
	}()
	for i := 0; ; i++ {
		select {
		case err, more := <-rounds:
			if !more {
				if i == 0 {
					t.Error("the neighbour has done nothing")
				}
				return
			}
			if err != nil {
				t.Errorf("the neighbour's round %d: %v", i, err)
			}
		case <-time.After(hangs):
			t.Fatalf("the neighbour hangs after %d rounds", i)
		}
	}
}

// work makes, fills, reads, lists, renames and removes a file in a new
// directory.
func work(dir string, text []byte) error {
	if err := unix.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("mkdir: %w", err)
	}
	f, g := filepath.Join(dir, "f"), filepath.Join(dir, "g")
	if err := opened(f, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, func(fd int) error {
		if _, err := unix.Write(fd, text); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		got := make([]byte, 2*len(text))
		n, err := unix.Pread(fd, got, 0)
		if err != nil || !bytes.Equal(got[:n], text) {
			return fmt.Errorf("read %q: %w", got[:n], orEIO(err))
		}
		return nil
	}); err != nil {
		return err
	}
	if err := unix.Rename(f, g); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	if err := opened(dir, unix.O_RDONLY, func(fd int) error {
		b := make([]byte, 4096)
		n, err := unix.Getdents(fd, b)
		if _, _, names := unix.ParseDirent(b[:max(n, 0)], -1, nil); err != nil || !slices.Equal(names, []string{"g"}) {
			return fmt.Errorf("list %q: %w", names, orEIO(err))
		}
		return nil
	}); err != nil {
		return err
	}
	if err := unix.Unlink(g); err != nil {
		return fmt.Errorf("unlink: %w", err)
	}
	if err := unix.Rmdir(dir); err != nil {
		return fmt.Errorf("rmdir: %w", err)
	}
	return nil
}

// orEIO returns err, or EIO for the wrong data without an error.
func orEIO(err error) error {
	if err == nil {
		return syscall.EIO
	}
	return err
}
