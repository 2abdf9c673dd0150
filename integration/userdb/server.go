package userdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"grantfs/integration/socket"
)

const (
	maxRequest     = 8 << 10 // bytes; real requests have about a hundred
	maxConnections = 512
	maxPerUser     = 64 // connections of one uid other than root, so that root finds room
	patience       = 5 * time.Second
)

// Server answers user database queries from the Directory that was published
// last. It is safe for concurrent use.
type Server struct {
	log *slog.Logger
	dir atomic.Pointer[Directory]

	mu sync.Mutex
	// mu guards the following.
	open    map[uint32]int // connections by peer uid
	openAll int
}

// New returns a server that answers from d. A nil d makes it say that the
// service is not available yet.
func New(log *slog.Logger, d Directory) *Server {
	s := &Server{log: log, open: make(map[uint32]int)}
	s.Publish(d)
	return s
}

// Publish makes d what all later requests are answered from, on open
// connections too.
func (s *Server) Publish(d Directory) { s.dir.Store(&d) }

// Serve answers what connects to l until ctx ends, then closes l and every
// connection, and returns when the last of its goroutines has. The error is nil
// after ctx ended.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if err := socket.Serve(ctx, l, s.log, s.converse); err != nil {
		return fmt.Errorf("serve user database: %w", err)
	}
	return nil
}

// converse answers one peer until it hangs up, is too slow or talks nonsense.
func (s *Server) converse(conn net.Conn) {
	uid := peerUID(conn)
	if !s.enter(uid) {
		s.log.Debug("too many user database connections", "uid", uid)
		return
	}
	defer s.leave(uid)
	in, out := bufio.NewReaderSize(conn, maxRequest), bufio.NewWriter(conn)
	for {
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return
		}
		message, err := in.ReadSlice(0)
		if err != nil {
			return
		}
		var c call
		if json.Unmarshal(bytes.TrimSuffix(message, []byte{0}), &c) != nil || c.Method == "" {
			return
		}
		replies := asker{dir: *s.dir.Load(), root: uid == 0}.answer(c)
		if c.Oneway {
			continue
		}
		if err := write(out, replies); err != nil {
			return
		}
	}
}

// write sends replies, each ended by a zero byte.
func write(out *bufio.Writer, replies []reply) error {
	for _, r := range replies {
		message, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(message, 0)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// enter counts a connection of uid in, unless there are too many.
func (s *Server) enter(uid uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	// What others hold never counts against root: sshd and vsftpd look accounts
	// up as root.
	if uid == 0 {
		if s.open[0] >= maxConnections {
			return false
		}
	} else if s.openAll-s.open[0] >= maxConnections || s.open[uid] >= maxPerUser {
		return false
	}
	s.openAll++
	s.open[uid]++
	return true
}

// leave counts a connection of uid out.
func (s *Server) leave(uid uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openAll--
	if s.open[uid]--; s.open[uid] == 0 {
		delete(s.open, uid)
	}
}

// unknownUID is the uid of a peer that can't be told: the kernel's overflow
// uid, which no privilege is tied to.
const unknownUID = 65534

// peerUID returns the uid that connected.
func peerUID(conn net.Conn) uint32 {
	peer, err := socket.Peer(conn)
	if err != nil {
		return unknownUID
	}
	return peer.Uid
}
