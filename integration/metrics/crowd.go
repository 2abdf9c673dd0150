package metrics

import (
	"net"
	"sync"
)

// maxConnections is how many connections are open at a time. Every local user can make
// some, and each costs memory and a descriptor of the process that serves files.
const maxConnections = 64

// crowd is a listener that hangs up on who comes when n connections are open.
type crowd struct {
	net.Listener
	room chan struct{} // a value for each open connection
}

func newCrowd(l net.Listener, n int) crowd { return crowd{l, make(chan struct{}, n)} }

// Accept returns the next connection that there is room for.
func (c crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case c.room <- struct{}{}:
			return &guest{Conn: conn, leave: sync.OnceFunc(func() { <-c.room })}, nil
		default:
			_ = conn.Close()
		}
	}
}

// guest is a connection that takes room until it is closed.
type guest struct {
	net.Conn
	leave func()
}

// Close closes the connection and gives its room back.
func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}
