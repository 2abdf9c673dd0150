package vault

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Store keeps duplicates of what a Keeper holds beyond its end. It is called by one
// goroutine at a time, and must be quick.
type Store interface {
	Put(name string, fd int)
	Remove(name string)
}

// Keeper holds descriptors while one worker follows another. The zero Keeper
// holds none. Safe for concurrent use.
type Keeper struct {
	mu    sync.Mutex // guards what follows
	fds   map[string]int
	store Store // nil for none
}

// Adopt takes over what a Store has kept, or another holder; it is the Keeper's
// from then on.
func (k *Keeper) Adopt(fds map[string]int) {
	for name, fd := range fds {
		k.replace(name, fd)
	}
}

// StoreIn puts everything that is held, and will be, into s as well.
func (k *Keeper) StoreIn(s Store) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.store = s
	for _, name := range slices.Sorted(maps.Keys(k.fds)) {
		s.Put(name, k.fds[name])
	}
}

// Hold holds a duplicate of fd under a name, in place of what it may have held.
func (k *Keeper) Hold(name string, fd int) error {
	own, err := duplicate(fd)
	if err != nil {
		return fmt.Errorf("hold %s: %w", name, err)
	}
	k.replace(name, own)
	return nil
}

// Note holds a text under a name.
func (k *Keeper) Note(name string, text []byte) error {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("note %s: %w", name, err)
	}
	if _, err := unix.Pwrite(fd, text, 0); err != nil {
		unix.Close(fd)
		return fmt.Errorf("note %s: %w", name, err)
	}
	k.replace(name, fd)
	return nil
}

// Text returns what a descriptor of Note's holds, and closes it.
func Text(fd int) ([]byte, error) {
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("read a note: %w", err)
	}
	text := make([]byte, st.Size)
	n, err := unix.Pread(fd, text, 0)
	if err != nil {
		return nil, fmt.Errorf("read a note: %w", err)
	}
	return text[:n], nil
}

// Duplicate returns a duplicate of what is held under a name, and is the caller's.
func (k *Keeper) Duplicate(name string) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fd, ok := k.fds[name]
	if !ok {
		return noDescriptor, fmt.Errorf("nothing is held as %s", name)
	}
	return duplicate(fd)
}

func duplicate(fd int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
}

// Close lets everything go.
func (k *Keeper) Close() {
	k.mu.Lock()
	names := slices.Collect(maps.Keys(k.fds))
	k.mu.Unlock()
	for _, name := range names {
		k.replace(name, noDescriptor)
	}
}

// Serve gives a worker what is held and then does what it says, until it has
// ended; conn is closed then. Whatever else it says is told to heard. The error is
// nil when the worker has ended.
func (k *Keeper) Serve(conn *net.UnixConn, heard func(Message)) error {
	defer conn.Close()
	if err := k.give(conn); err != nil {
		return ended(err)
	}
	for {
		m, fd, err := receive(conn)
		switch {
		case err != nil:
			return ended(err)
		case m.Kind == hold:
			k.replace(m.Text, fd)
		case m.Kind == drop:
			k.replace(m.Text, noDescriptor)
		default:
			heard(m)
		}
	}
}

// give sends everything that is held.
func (k *Keeper) give(conn *net.UnixConn) error {
	k.mu.Lock()
	fds := maps.Clone(k.fds)
	k.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(fds)) {
		if err := send(conn, Message{hold, name}, fds[name]); err != nil {
			return err
		}
	}
	return send(conn, Message{Kind: held}, noDescriptor)
}

// replace closes what is held under a name and holds fd, unless that is
// noDescriptor.
func (k *Keeper) replace(name string, fd int) {
	k.mu.Lock()
	old, had := k.fds[name]
	delete(k.fds, name)
	if k.store != nil && had {
		k.store.Remove(name)
	}
	if fd != noDescriptor {
		if k.fds == nil {
			k.fds = map[string]int{}
		}
		k.fds[name] = fd
		if k.store != nil {
			k.store.Put(name, fd)
		}
	}
	k.mu.Unlock()
	if had {
		// It may free the blocks of a file, which lasts.
		syscall.Close(old)
	}
}

// Held returns how many descriptors are held.
func (k *Keeper) Held() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.fds)
}

// Tell sends a worker a message.
func Tell(conn *net.UnixConn, kind Kind) error { return send(conn, Message{Kind: kind}, noDescriptor) }

// ended is nil for what says that the other side has ended.
func ended(err error) error {
	for _, e := range []error{errEnded, io.EOF, net.ErrClosed, syscall.EPIPE, syscall.ECONNRESET} {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}
