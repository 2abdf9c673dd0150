package memory

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// epochs is how many memories there may be before an Epoch comes again.
const epochs = 1 << 11

// Reset returns an empty memory in the file of fd, whatever it held; fd is m's
// from then on. What a predecessor gave out of it is void.
func Reset(fd int) (*Memory, error) {
	m, err := reset(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("empty the shared memory: %w", err), unix.Close(fd))
	}
	return m, nil
}

// Renew is Reset of the memory's own file; m must not be used any more.
func (m *Memory) Renew() (*Memory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.unmap(); err != nil {
		return nil, fmt.Errorf("empty the shared memory: %w", err)
	}
	return Reset(m.fd)
}

func reset(fd int) (*Memory, error) {
	// What the last epoch was may be damaged too.
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	m := &Memory{fd: fd}
	if err := unix.Ftruncate(fd, 0); err != nil {
		return nil, err
	}
	if err := unix.Ftruncate(fd, directorySize); err != nil {
		return nil, err
	}
	if err := m.mapDirectory(); err != nil {
		return nil, err
	}
	h := m.header()
	h.version, h.epoch = version, 1+binary.NativeEndian.Uint32(random[:])%(epochs-1)
	h.magic = magic
	return m, nil
}
