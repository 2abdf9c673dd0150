package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"grantfs/fs/vault"
)

// life is one worker.
type life struct {
	pid   int
	conn  *net.UnixConn
	ended chan syscall.WaitStatus // one value
	said  chan vault.Kind
	group sync.WaitGroup
}

// start starts a worker. Nobody answers the user database until it is ready.
func (k *keeper) start(died time.Time) (*life, error) {
	in := inheritance{Features: k.conn.Features(), Point: k.point, State: k.state, First: !k.everDid, Died: died, Restarts: k.restarts, OOMScore: k.oom}
	device, control := k.conn.Files()
	conn, workerEnd, err := vault.Pair()
	if err != nil {
		return nil, err
	}
	defer syscall.Close(workerEnd)
	files := []uintptr{0, 1, 2, uintptr(device), uintptr(control), uintptr(k.memory.FD()), uintptr(workerEnd)}
	for _, s := range k.sockets {
		fd, err := descriptorOf(s.Listener)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		in.Sockets, files = append(in.Sockets, s.name), append(files, fd)
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tell a worker: %w", err), conn.Close())
	}
	// Not by os/exec: it would make the shared descriptors block.
	pid, err := syscall.ForkExec(k.program, os.Args, &syscall.ProcAttr{
		Env: append(os.Environ(), workerVariable+"="+string(text)), Files: files,
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", k.program, err), conn.Close())
	}
	l := &life{pid: pid, conn: conn, ended: make(chan syscall.WaitStatus, 1), said: make(chan vault.Kind, 8)}
	l.group.Go(func() {
		if err := k.vault.Serve(conn, func(kind vault.Kind) { l.said <- kind }); err != nil {
			k.log.Error("the worker can't be heard", "error", err)
		}
	})
	l.group.Go(func() { l.ended <- wait(pid) })
	return l, nil
}

func descriptorOf(l net.Listener) (fd uintptr, err error) {
	raw, err := l.(syscall.Conn).SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = n })
	}
	if err != nil {
		return 0, fmt.Errorf("pass %s on: %w", l.Addr(), err)
	}
	return fd, nil
}

func wait(pid int) (status syscall.WaitStatus) {
	for {
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			return status
		}
	}
}

// watch waits until the worker has ended. again says that another one is to follow,
// and the error why.
func (k *keeper) watch(l *life, died time.Time, signals <-chan os.Signal) (again bool, err error) {
	refusing, stopRefusing := context.WithCancel(context.Background())
	defer l.group.Wait()
	var refusal sync.WaitGroup
	defer refusal.Wait()
	defer stopRefusing()
	for _, s := range k.sockets {
		if s.name == socketUsers {
			refusal.Go(func() { k.refuse(refusing, s.Listener) })
		}
	}
	k.failures++
	for {
		select {
		case kind := <-l.said:
			switch kind {
			case vault.Ready:
				stopRefusing()
				refusal.Wait()
				k.everDid = true
				if err := vault.Tell(l.conn, vault.Ready); err != nil {
					k.log.Warn("the worker does not know that it serves alone", "error", err)
				}
				if !died.IsZero() {
					pause := time.Since(died)
					k.restarts.Add(pause)
					k.log.Info("a worker serves again", "pid", l.pid, "pause", pause)
				}
			case vault.Served:
				k.failures = 0
			}
		case status := <-l.ended:
			return k.judge(status)
		case s := <-signals:
			if s == syscall.SIGHUP {
				_ = syscall.Kill(l.pid, syscall.SIGHUP) // one that has just ended reads everything anew
				continue
			}
			k.log.Info("stopping", "signal", s.String())
			return false, k.stop(l)
		}
	}
}

// refuse ends every connection to a socket until ctx ends: those who ask for users
// must not wait for a worker.
func (k *keeper) refuse(ctx context.Context, l net.Listener) {
	deadline := l.(interface{ SetDeadline(time.Time) error }).SetDeadline
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = deadline(time.Unix(1, 0))
		close(woken)
	})
	for ctx.Err() == nil {
		if conn, err := l.Accept(); err == nil {
			_ = conn.Close()
		} else if ctx.Err() == nil {
			k.log.Warn("refuse a connection while no worker is ready", "socket", l.Addr().String(), "error", err)
			break
		}
	}
	if !stop() {
		<-woken
	}
	_ = deadline(time.Time{})
}
