package vault

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Process is one worker, from the keeper's side.
type Process struct {
	// Pid is 0 for one that could not be started.
	Pid int
	// Said is what it says, until everything was heard after its end: it must be
	// read until it is closed.
	Said <-chan Message
	// Ended tells how it has ended, once.
	Ended <-chan End

	conn *net.UnixConn
}

// End is how a worker has ended.
type End struct {
	Status syscall.WaitStatus
	Err    error // it could not be started, or not be heard
}

// Start starts a program as the worker, with env beside this process's environment
// and the vault as its descriptor WorkerFD. It ends with the thread that has started
// it (prctl(2), PR_SET_PDEATHSIG). Where it can't be started, Ended says so.
func (k *Keeper) Start(program string, args []string, env string) *Process {
	said, ended := make(chan Message), make(chan End, 1)
	p := &Process{Said: said, Ended: ended}
	if err := k.start(p, program, args, env); err != nil {
		close(said)
		ended <- End{Err: fmt.Errorf("start a worker: %w", err)}
		return p
	}
	heard := make(chan error, 1)
	go func() {
		heard <- k.Serve(p.conn, func(m Message) { said <- m })
		close(said)
	}()
	go func() {
		var e End
		for {
			if _, err := syscall.Wait4(p.Pid, &e.Status, 0, nil); err != syscall.EINTR {
				break
			}
		}
		e.Err = <-heard
		ended <- e
	}()
	return p
}

// WorkerFD is the descriptor that a worker inherits, for Open.
const WorkerFD = 3

func (k *Keeper) start(p *Process, program string, args []string, env string) error {
	conn, workerEnd, err := Pair()
	if err != nil {
		return err
	}
	defer syscall.Close(workerEnd)
	// Not by os/exec: the thread must be this one.
	pid, err := syscall.ForkExec(program, args, &syscall.ProcAttr{
		Env: append(os.Environ(), env), Files: []uintptr{0, 1, 2, uintptr(workerEnd)},
		Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return errors.Join(fmt.Errorf("run %s: %w", program, err), conn.Close())
	}
	p.Pid, p.conn = pid, conn
	return nil
}

// Tell sends the worker a message.
func (p *Process) Tell(kind Kind) error { return Tell(p.conn, kind) }
