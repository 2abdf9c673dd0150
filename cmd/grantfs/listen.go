package main

import (
	"context"
	"fmt"
	"net"

	"grantfs/config"
	"grantfs/integration/credential"
	"grantfs/integration/login"
	"grantfs/integration/socket"
	"grantfs/integration/userdb"
)

// The names of the sockets that a keeper makes and its workers serve.
const (
	socketUsers   = "userdb"
	socketLogins  = "login"
	socketKeys    = "keys"
	socketControl = "control"
	socketMetrics = "metrics"
)

// listenAll makes every socket that the configuration asks for; what it returns is
// to be closed also after an error.
func listenAll(c *config.Config) (list []listening, err error) {
	add := func(name string, l net.Listener, failed error) {
		if failed == nil {
			list = append(list, listening{name, l})
		} else if err == nil {
			err = failed
		}
	}
	l, failed := userdb.Listen(userdb.SocketPath)
	add(socketUsers, l, failed)
	l, failed = login.Listen(login.SocketPath)
	add(socketLogins, l, failed)
	l, failed = credential.ListenKeys(credential.KeysSocketPath)
	add(socketKeys, l, failed)
	l, failed = socket.Listen(c.Mount.Control.Value, controlMode)
	add(socketControl, l, failed)
	if address := c.Metrics.Listen.Value; address != "" {
		if l, failed = net.Listen("tcp", address); failed != nil {
			failed = fmt.Errorf("listen for scrapes: %w", failed)
		}
		add(socketMetrics, l, failed)
	}
	return list, err
}

// listen serves the sockets that were inherited.
func (d *daemon) listen(ctx context.Context, part func(func() error)) {
	servers := map[string]func(net.Listener) error{
		socketUsers:   func(l net.Listener) error { return d.userdb.Serve(ctx, l) },
		socketLogins:  func(l net.Listener) error { return d.login.Serve(ctx, l) },
		socketKeys:    func(l net.Listener) error { return credential.ServeKeys(ctx, l, d.log, d.loginKeys) },
		socketControl: func(l net.Listener) error { return serveControl(ctx, l, d) },
		socketMetrics: func(l net.Listener) error { return d.metrics.Serve(ctx, l) },
	}
	for name, l := range d.worker.listeners {
		part(func() error { return servers[name](l) })
	}
	part(func() error { return d.recheck(ctx) })
}
