package socket

import (
	"context"
	"log/slog"
	"net"
	"time"
)

// Refuse ends every connection to l at once, for clients that must not wait until
// somebody serves it, until the function that it returns is called: when that
// returns, l is free again. It gives up, and says so, where l fails.
func Refuse(l net.Listener, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	deadline := l.(interface{ SetDeadline(time.Time) error }).SetDeadline
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			conn, err := l.Accept()
			switch {
			case err == nil:
				_ = conn.Close()
			case ctx.Err() == nil:
				log.Warn("refuse a connection", "socket", l.Addr().String(), "error", err)
				return
			}
		}
	}()
	return func() {
		cancel()
		_ = deadline(time.Unix(1, 0))
		<-done
		_ = deadline(time.Time{})
	}
}
