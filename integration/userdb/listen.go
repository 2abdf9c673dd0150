package userdb

import (
	"net"

	"grantfs/integration/socket"
)

// SocketPath is where nss-systemd looks for the service.
const SocketPath = "/run/systemd/userdb/" + Service

// Listen makes the socket of the service at path, open to everybody: see
// socket.Listen.
func Listen(path string) (net.Listener, error) { return socket.Listen(path, 0o666) }
