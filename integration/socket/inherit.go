package socket

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Inherit returns the listener behind a descriptor, which it takes over; one that
// Listen or ListenPackets has made, in a process that is no more, is as it was.
func Inherit(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "socket")
	l, err := net.FileListener(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("take a socket over: %w", err)
	}
	unix, ok := l.(*net.UnixListener)
	if !ok {
		return l, nil
	}
	dir, draft := filepath.Split(unix.Addr().String())
	s := &listener{UnixListener: unix, path: filepath.Join(dir, strings.TrimPrefix(draft, "."))}
	if s.info, err = os.Lstat(s.path); err != nil {
		return nil, errors.Join(fmt.Errorf("take the socket at %s over: %w", s.path, err), l.Close())
	}
	return s, nil
}
