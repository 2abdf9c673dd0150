package fs_test

import (
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// iocb is struct iocb of io_submit(2).
type iocb struct {
	_      uint64
	_      [2]uint32
	_      uint16 // opcode: IOCB_CMD_PREAD is 0
	_      int16
	fd     uint32
	buf    uint64
	size   uint64
	offset int64
	_      [2]uint64
}

// submit begins n reads of blocks of a file that is open with O_DIRECT, and
// returns without waiting for them; the returned function does.
func submit(t *testing.T, fd, n int) (wait func()) {
	t.Helper()
	const block = 4096
	buf, err := unix.Mmap(-1, 0, block, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	var ring uintptr
	if _, _, e := unix.Syscall(unix.SYS_IO_SETUP, uintptr(n), uintptr(unsafe.Pointer(&ring)), 0); e != 0 {
		t.Errorf("io_setup: %v", e)
	}
	list := make([]*iocb, n)
	for i := range list {
		list[i] = &iocb{fd: uint32(fd), buf: uint64(uintptr(unsafe.Pointer(&buf[0]))), size: block, offset: int64(i) * block}
	}
	if got, _, e := unix.Syscall(unix.SYS_IO_SUBMIT, ring, uintptr(n), uintptr(unsafe.Pointer(&list[0]))); e != 0 || got != uintptr(n) {
		t.Errorf("io_submit of %d: %d, %v", n, got, e)
	}
	return func() {
		if _, _, e := unix.Syscall(unix.SYS_IO_DESTROY, ring, 0, 0); e != 0 {
			t.Errorf("io_destroy: %v", e)
		}
		if err := unix.Munmap(buf); err != nil {
			t.Error(err)
		}
	}
}

// TestHungAsync: what alice has asked for without waiting for it hangs. What bob
// closes is closed all the same: the kernel counts both as background.
func TestHungAsync(t *testing.T) {
	h := hang(t)
	in, ids := hungInput(t, h)
	m := mount(t, in, ids)
	t.Cleanup(h.letGo)
	const many = 128 // more, and io_submit(2) would wait if there were no room for them
	wait := func() {}
	as(aliceUID, func() {
		if err := opened(filepath.Join(m.point, "alice/hung/file"), unix.O_RDONLY|unix.O_DIRECT, func(fd int) error {
			wait = submit(t, fd, many)
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	defer func() { h.letGo(); wait() }()
	waitFor(t, func() bool { return m.Stats().Waiting > 0 })
	as(bobUID, func() { readAll(t, filepath.Join(m.point, "bob/f")) })
	waitFor(t, func() bool { return m.OpenHandles() == 1 }) // alice's own
}
