package config

import (
	"net"
	"net/netip"
	"strings"
)

// Page reports whether browsers get a status page: where nobody says so, only
// from an address of this machine.
func (m *Metrics) Page() bool {
	if m.StatusPage.Set {
		return m.StatusPage.Value
	}
	return m.loopback()
}

func (m *Metrics) loopback() bool {
	host, _, err := net.SplitHostPort(m.Listen.Value)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

func checkMetrics(d *decoder, _ string, _ *node, m *Metrics) {
	switch {
	case m.Username.Set && !m.PasswordHash.Set:
		d.errorf(m.Username.At, "username needs a password_hash")
	case m.PasswordHash.Set && !m.Username.Set:
		d.errorf(m.PasswordHash.At, "password_hash needs a username")
	case m.StatusPage.Value && !m.loopback() && !m.PasswordHash.Set:
		d.warnf(m.StatusPage.At, "status_page: whoever reaches %s sees who is logged in; set username and password_hash", m.Listen.Value)
	}
}

// sha512 reads a hash that the daemon can check by itself.
func sha512(d *decoder, key string, n *node) (string, bool) {
	hash, ok := passwordHash(d, key, n)
	if ok && !strings.HasPrefix(hash, "$6$") {
		d.errorf(n.at, "%s: not a SHA-512 hash of crypt(3), as `openssl passwd -6` prints it", key)
		return "", false
	}
	return hash, ok
}
