package vsftpd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"grantfs/integration/account"
	e2e "grantfs/integration/e2e/host"
	"grantfs/integration/login"
	"grantfs/integration/state"
	"grantfs/integration/userdb"
	"grantfs/policy"
)

// secret is crypt(3) of "secret".
const secret = "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG."

// host is a directory with everything that one vsftpd needs: its configuration,
// the PAM services, the user database's socket and a view of o1.foo.
type host struct{ dir string }

func newHost(t *testing.T) host {
	t.Helper()
	h := host{dir: t.TempDir()}
	// The account itself walks to its view.
	h.check(t, os.Chmod(filepath.Dir(h.dir), 0o755))
	for _, dir := range []string{"views/o1.foo/sites", "views/stranger", "empty", "userdb", "pam.d"} {
		h.check(t, os.MkdirAll(filepath.Join(h.dir, dir), 0o755))
	}
	o := good()
	o.Point = filepath.Join(h.dir, "views")
	o.SecureChroot = filepath.Join(h.dir, "empty")
	o.Certificate, o.Key = h.certificate(t)
	text, err := Render(o)
	h.check(t, err)
	h.write(t, "vsftpd.conf", text)
	services, err := login.Render(login.Options{})
	h.check(t, err)
	h.check(t, e2e.BuildModule("../..", h.dir))
	module := filepath.Join(h.dir, e2e.ModuleName)
	for path, text := range services {
		ours := strings.ReplaceAll(string(text), e2e.ModuleName, module+" socket="+h.dir+"/pam.sock")
		h.write(t, "pam.d/"+filepath.Base(path), []byte(ours))
	}
	// A user of the host with a password that is right, but not of our group.
	h.write(t, "passwd", []byte("root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"+
		"stranger:"+secret+":1500:1500::/:/bin/sh\n"))
	h.serveUsers(t)
	return h
}

func (h host) check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h host) write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	h.check(t, os.WriteFile(path, text, 0o644))
	return path
}

// certificate makes a certificate and returns its files.
func (h host) certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.check(t, err)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"ftp.test"}}
	public, err := x509.CreateCertificate(rand.Reader, form, form, &private.PublicKey, private)
	h.check(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	h.check(t, err)
	return h.write(t, "cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: public})),
		h.write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// none is the users of a host that has none of our accounts.
type none struct{}

func (none) User(string) (uid, gid uint32, ok bool) { return 0, 0, false }
func (none) Group(string) (uint32, bool)            { return 0, false }
func (none) UIDName(uint32) (string, bool)          { return "", false }

// serveUsers serves the accounts as users and their logins until the test ends.
func (h host) serveUsers(t *testing.T) {
	t.Helper()
	hash := policy.Setting[string]{Value: secret, Set: true}
	set, _ := policy.Compile(policy.Input{Accounts: []policy.Account{
		{Name: "o1.foo", PasswordHash: hash},
		{Name: "o1.off", PasswordHash: hash, Enabled: policy.Setting[bool]{Set: true}},
		{Name: "o1.new"},
	}})
	store, err := state.Open(filepath.Join(h.dir, "state"))
	h.check(t, err)
	table, _, err := account.NewKeeper(store, 1900000000, 1900000999).Sync(account.Entries(set), nil, none{})
	h.check(t, err)
	log := slog.New(slog.DiscardHandler)
	logins := login.New(login.ServerOptions{
		Log: log, Observer: nobody{}, Account: set.View, PasswordChanged: func(string) time.Time { return time.Time{} },
		PasswordUsed: func(string) {},
	})
	users, err := userdb.Listen(filepath.Join(h.dir, "userdb", userdb.Service))
	h.check(t, err)
	questions, err := login.Listen(filepath.Join(h.dir, "pam.sock"))
	h.check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 2)
	go func() { served <- userdb.New(log, table).Serve(ctx, users) }()
	go func() { served <- logins.Serve(ctx, questions) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, <-served, store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// nobody is told of logins.
type nobody struct{}

func (nobody) Login(string, policy.AdmitReason) {}

// connect starts a vsftpd for one connection, as inetd would, in a mount
// namespace where the host's names and PAM services are those of h, and
// returns the client's end.
func (h host) connect(t *testing.T) net.Conn {
	t.Helper()
	const script = `set -e
mount --bind "$0/passwd" /etc/passwd
mount --bind "$0/pam.d" /etc/pam.d
mount -t tmpfs none /run/systemd
mkdir /run/systemd/userdb
mount --bind "$0/userdb" /run/systemd/userdb
exec /usr/sbin/vsftpd "$0/vsftpd.conf" -olisten=NO`
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.check(t, err)
	client, err := net.Dial("tcp", l.Addr().String())
	h.check(t, err)
	server, err := l.Accept()
	h.check(t, err)
	file, err := server.(*net.TCPConn).File()
	h.check(t, err)
	h.check(t, errors.Join(server.Close(), l.Close(), client.SetDeadline(time.Now().Add(time.Minute))))
	cmd := exec.Command("unshare", "--mount", "sh", "-c", script, h.dir)
	cmd.Stdin, cmd.Stdout = file, file
	h.check(t, errors.Join(cmd.Start(), file.Close()))
	t.Cleanup(func() {
		_ = client.Close()
		_ = cmd.Wait() // its status says how the client left, no more
	})
	return client
}

// say sends a command and fails the test unless the reply begins with want.
func say(t *testing.T, c *textproto.Conn, command, want string) {
	t.Helper()
	if command != "" {
		if err := c.PrintfLine("%s", command); err != nil {
			t.Fatal(err)
		}
	}
	reply, err := c.ReadLine()
	if err != nil || !strings.HasPrefix(reply, want) {
		t.Fatalf("reply to %q = %q, %v, want %q", command, reply, err, want)
	}
}

func TestClearTextIsRefused(t *testing.T) {
	c := textproto.NewConn(newHost(t).connect(t))
	// The first reply proves that vsftpd knows every option of the file.
	say(t, c, "", "220 FTP over TLS.")
	say(t, c, "USER o1.foo", "530 Non-anonymous sessions must use encryption.")
}

func TestLogin(t *testing.T) {
	h := newHost(t)
	tests := []struct{ name, user, password, want string }{
		{"right", "o1.foo", "secret", "230 "},
		{"wrong password", "o1.foo", "Secret", "530 "},
		{"locked", "o1.off", "secret", "530 "},
		{"no credential", "o1.new", "", "530 "},
		{"not of our group", "stranger", "secret", "530 "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // a refusal takes its time
			conn := h.connect(t)
			clear := textproto.NewConn(conn)
			say(t, clear, "", "220 ")
			say(t, clear, "AUTH TLS", "234 ")
			// The certificate is the test's own.
			secured := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
			c := textproto.NewConn(secured)
			say(t, c, "USER "+tt.user, "331 ")
			say(t, c, "PASS "+tt.password, tt.want)
			if tt.want == "230 " {
				say(t, c, "PWD", `257 "/"`)
				say(t, c, "CWD sites", "250 ")
				say(t, c, "CWD /etc", "550 ")
				say(t, c, "PORT 127,0,0,1,100,100", "550 ")
				say(t, c, "PASV", "227 ")
				say(t, c, "NLST", "522 ") // no data without encryption
			}
			say(t, c, "QUIT", "221 ")
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	conn := newHost(t).connect(t)
	c := textproto.NewConn(conn)
	say(t, c, "", "220 ")
	say(t, c, "AUTH TLS", "234 ")
	old := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err := old.Handshake(); err == nil {
		t.Error("a TLS 1.1 handshake succeeded")
	}
}
