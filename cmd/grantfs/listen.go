package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

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

// listenAll makes and holds every socket that the configuration asks for.
func (k *keeper) listenAll(c *config.Config) error {
	var errs []error
	add := func(name string, l net.Listener, err error) {
		if err == nil {
			k.sockets[name] = l
			err = k.holdSocket(name, l)
		}
		errs = append(errs, err)
	}
	at := socketsBeside(c.Mount.Control.Value)
	l, err := userdb.Listen(at.users)
	add(socketUsers, l, err)
	l, err = login.Listen(at.logins)
	add(socketLogins, l, err)
	l, err = credential.ListenKeys(at.keys)
	add(socketKeys, l, err)
	l, err = socket.Listen(c.Mount.Control.Value, controlMode)
	add(socketControl, l, err)
	if address := c.Metrics.Listen.Value; address != "" {
		if l, err = net.Listen("tcp", address); err != nil {
			err = fmt.Errorf("listen for scrapes: %w", err)
		}
		add(socketMetrics, l, err)
	}
	return errors.Join(errs...)
}

func (k *keeper) holdSocket(name string, l net.Listener) error {
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		return fmt.Errorf("hold %s: %w", l.Addr(), err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = k.vault.Hold(heldSocket+name, int(fd)) })
	return errors.Join(err, failed)
}

// inheritSockets makes listeners of the sockets that another keeper has held.
func (k *keeper) inheritSockets(stored map[string]int) error {
	for held := range stored {
		name, ok := strings.CutPrefix(held, heldSocket)
		if !ok {
			continue
		}
		fd, err := k.vault.Duplicate(held)
		if err != nil {
			return err
		}
		if k.sockets[name], err = socket.Inherit(fd); err != nil {
			return err
		}
	}
	return nil
}

// listen serves the sockets that were inherited.
func (d *daemon) listen(ctx context.Context, part func(func() error)) {
	servers := map[string]func(net.Listener) error{
		socketUsers:   func(l net.Listener) error { return d.userdb.Serve(ctx, l) },
		socketLogins:  func(l net.Listener) error { return d.login.Serve(ctx, l) },
		socketKeys:    func(l net.Listener) error { return credential.ServeKeys(ctx, l, d.log, d.loginKeys) },
		socketControl: func(l net.Listener) error { return serveControl(ctx, l, d) },
		socketMetrics: func(l net.Listener) error { return d.metrics.Serve(ctx, l, d.serveOptions()) },
	}
	for name, l := range d.worker.listeners {
		part(func() error { return servers[name](l) })
	}
	part(func() error { return d.recheck(ctx) })
}
