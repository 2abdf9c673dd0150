package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrInUse is returned by Listen when a process answers at the path already.
var ErrInUse = errors.New("another process serves it")

// probe is how long Listen waits for an answer of another process.
const probe = time.Second

// Listen makes a Unix socket at path with the given permission bits; its
// directory is made (0755) if it is missing. A socket that nobody serves any more is
// replaced; one that is served is an error that wraps ErrInUse, and anything
// else at the path is left alone. Closing the listener removes the socket.
func Listen(path string, mode os.FileMode) (net.Listener, error) {
	return listenAt("unix", path, mode)
}

// ListenPackets is Listen for a socket that keeps the bounds of messages
// (SOCK_SEQPACKET, unix(7)): each Read of a connection returns one.
func ListenPackets(path string, mode os.FileMode) (net.Listener, error) {
	return listenAt("unixpacket", path, mode)
}

func listenAt(network, path string, mode os.FileMode) (net.Listener, error) {
	l, err := listen(network, path, mode)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	return l, nil
}

func listen(network, path string, mode os.FileMode) (net.Listener, error) {
	dir, name := filepath.Split(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := vacant(network, path); err != nil {
		return nil, err
	}
	// It gets its mode under a hidden name, which clients do not ask, and then
	// takes the path in one step: nobody ever meets a socket that is half made.
	draft := filepath.Join(dir, "."+name)
	if err := os.Remove(draft); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix(network, &net.UnixAddr{Name: draft, Net: network})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	s := &listener{UnixListener: l, path: path}
	if err := s.publish(draft, mode); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(draft))
	}
	return s, nil
}

// vacant reports an error if path is served, or is not a socket.
func vacant(network, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("%s is in the way and is no socket", path)
	}
	conn, err := net.DialTimeout(network, path, probe)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s: %w", path, ErrInUse), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		return nil
	}
	return fmt.Errorf("%s: %w", path, err)
}

// listener takes its path away with it.
type listener struct {
	*net.UnixListener
	path string
	info os.FileInfo // what path was when it was ours
}

func (s *listener) publish(draft string, mode os.FileMode) error {
	if err := os.Chmod(draft, mode); err != nil {
		return err
	}
	info, err := os.Lstat(draft)
	if err != nil {
		return err
	}
	s.info = info
	return os.Rename(draft, s.path)
}

// Close stops listening and removes the socket, unless another one has taken
// its place.
func (s *listener) Close() error {
	info, err := os.Lstat(s.path)
	if err == nil && os.SameFile(info, s.info) {
		err = os.Remove(s.path)
	}
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.UnixListener.Close())
}
