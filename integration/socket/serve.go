package socket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"
)

// acceptPause is how long Serve waits after it could not accept a connection.
const acceptPause = 50 * time.Millisecond

// Serve calls handle for each connection to l, each in a goroutine of its own,
// until ctx ends. It then closes l and the connections, and returns when the last
// handle has. The error is nil after ctx ended. A connection is closed when
// its handle returns.
func Serve(ctx context.Context, l net.Listener, log *slog.Logger, handle func(net.Conn)) error {
	var connections sync.WaitGroup
	defer connections.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		case err != nil:
			// Out of descriptors or memory, or a peer that has gone already.
			log.Warn("accept a connection", "socket", l.Addr().String(), "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(acceptPause):
			}
			continue
		}
		connections.Go(func() {
			defer func() { _ = conn.Close() }()
			closing := context.AfterFunc(ctx, func() { _ = conn.Close() })
			defer closing()
			handle(conn)
		})
	}
}

// Peer returns the ids of the process that connected (unix(7), SO_PEERCRED).
func Peer(conn net.Conn) (*syscall.Ucred, error) {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("ask who connected: %T is no Unix socket", conn)
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("ask who connected: %w", err)
	}
	var cred *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		cred, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("ask who connected: %w", err)
	}
	return cred, nil
}
