package vault

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Kind is what a message says.
type Kind uint8

// The kinds. Only hold carries a descriptor.
const (
	hold     Kind = 1 + iota
	drop          // of the descriptor that the text names, as hold
	held          // by the keeper: that was all it holds
	Ready         // by the worker: it begins to serve, and the text says what; by the keeper: nobody else answers in its place any more
	Served        // by the worker: it has answered a request
	Reloaded      // by the worker: it has read the configuration again; the text is as Ready's
	Stop          // by the keeper: end in order, the mount goes away
)

const (
	maxText      = 1 << 10
	noDescriptor = -1
)

// Message is what the two sides tell each other.
type Message struct {
	Kind
	Text string
}

// send sends one message, with a descriptor or noDescriptor.
func send(conn *net.UnixConn, m Message, fd int) error {
	var rights []byte
	if fd != noDescriptor {
		rights = syscall.UnixRights(fd)
	}
	if _, _, err := conn.WriteMsgUnix(append([]byte{byte(m.Kind)}, m.Text...), rights, nil); err != nil {
		return fmt.Errorf("send to the other side: %w", err)
	}
	return nil
}

// receive returns the next message; the error is errEnded when the other side
// has ended.
func receive(conn *net.UnixConn) (m Message, fd int, err error) {
	var b [1 + maxText]byte
	rights := make([]byte, syscall.CmsgSpace(4))
	n, rn, _, _, err := conn.ReadMsgUnix(b[:], rights)
	if err != nil {
		return Message{}, noDescriptor, err
	}
	if fd, err = descriptor(rights[:rn]); err != nil {
		return Message{}, noDescriptor, err
	}
	if n == 0 {
		return Message{}, fd, errEnded
	}
	return Message{Kind(b[0]), string(b[1:n])}, fd, nil
}

// errEnded says that the other side is gone.
var errEnded = errors.New("the other side has ended")

func descriptor(rights []byte) (int, error) {
	if len(rights) == 0 {
		return noDescriptor, nil
	}
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return noDescriptor, fmt.Errorf("%d control messages: %w", len(messages), err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return noDescriptor, fmt.Errorf("%d descriptors: %w", len(fds), err)
	}
	syscall.CloseOnExec(fds[0])
	return fds[0], nil
}

// Pair returns both ends of a new socket: the keeper's, and the one that the
// worker inherits, a descriptor that the caller closes.
func Pair() (keeper *net.UnixConn, worker int, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("make the socket of a worker: %w", err)
	}
	if keeper, err = connOf(fds[0]); err != nil {
		syscall.Close(fds[1])
		return nil, -1, err
	}
	return keeper, fds[1], nil
}

// connOf takes fd over.
func connOf(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "vault")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("take the socket of a worker: %w", err)
	}
	return c.(*net.UnixConn), nil
}
