package vsftpd

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"text/template"
	"unicode"
)

// Path is where the configuration belongs on Debian.
const Path = "/etc/vsftpd-grantfs.conf"

// DefaultPAMService is the PAM service that package login renders.
const DefaultPAMService = "grantfs-vsftpd"

// Options says what to render. Point is needed; the zero value of anything else
// stands for its default.
type Options struct {
	Point       string         // the mount point: a view is <Point>/<account>
	Listen      netip.AddrPort // [::]:21; an unspecified IPv6 address listens to IPv4 too
	Certificate string         // PEM file; /etc/grantfs/ftps.pem
	Key         string         // PEM file; /etc/grantfs/ftps.key

	PassiveMin, PassiveMax uint16     // ports for data; 49152 to 65534
	PassiveAddress         netip.Addr // IPv4 that clients are told, where it is not the one they reached
	PAMService             string     // DefaultPAMService
	SecureChroot           string     // an empty directory of root's; /run/vsftpd/empty
	MaxClients, MaxPerIP   int        // sessions; 200 and 50
}

//go:embed vsftpd.tmpl
var text string

// Render returns the text of the configuration. The error says which option
// can't be used.
func Render(o Options) ([]byte, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("render vsftpd: %w", err)
	}
	t, err := template.New("vsftpd").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("render vsftpd: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, o); err != nil {
		return nil, fmt.Errorf("render vsftpd: %w", err)
	}
	return out.Bytes(), nil
}

// V6 reports whether to listen on IPv6.
func (o Options) V6() bool { return o.Listen.Addr().Is6() && !o.Listen.Addr().Is4In6() }

// Address is the address to listen at, empty for all.
func (o Options) Address() string {
	if o.Listen.Addr().IsUnspecified() {
		return ""
	}
	return o.Listen.Addr().Unmap().String()
}

func (o *Options) setDefaults() {
	if o.Listen == (netip.AddrPort{}) {
		o.Listen = netip.AddrPortFrom(netip.IPv6Unspecified(), 21)
	}
	if o.Certificate == "" {
		o.Certificate = "/etc/grantfs/ftps.pem"
	}
	if o.Key == "" {
		o.Key = "/etc/grantfs/ftps.key"
	}
	if o.PassiveMin == 0 && o.PassiveMax == 0 {
		o.PassiveMin, o.PassiveMax = 49152, 65534
	}
	if o.PAMService == "" {
		o.PAMService = DefaultPAMService
	}
	if o.SecureChroot == "" {
		o.SecureChroot = "/run/vsftpd/empty"
	}
	if o.MaxClients == 0 {
		o.MaxClients = 200
	}
	if o.MaxPerIP == 0 {
		o.MaxPerIP = 50
	}
}

func (o *Options) check() error {
	if !o.Listen.IsValid() || o.Listen.Port() == 0 || o.Listen.Addr().Zone() != "" {
		return fmt.Errorf("%v is no address and port to listen at", o.Listen)
	}
	if o.PassiveMin < 1024 || o.PassiveMin > o.PassiveMax {
		return fmt.Errorf("passive ports %d to %d are no range above 1023", o.PassiveMin, o.PassiveMax)
	}
	if o.PassiveAddress.IsValid() && !o.PassiveAddress.Is4() {
		return fmt.Errorf("passive address %v is not IPv4", o.PassiveAddress)
	}
	if o.MaxClients < 0 || o.MaxPerIP < 0 {
		return errors.New("the limits of sessions must not be negative")
	}
	if o.PAMService == "." || o.PAMService == ".." || strings.ContainsFunc(o.PAMService, notInService) {
		return fmt.Errorf("PAM service %q is not the name of a file of /etc/pam.d", o.PAMService)
	}
	for what, name := range map[string]string{
		"mount point": o.Point, "certificate": o.Certificate, "key": o.Key, "empty directory": o.SecureChroot,
	} {
		switch {
		case !path.IsAbs(name) || path.Clean(name) != name || name == "/":
			return fmt.Errorf("%s %q is not an absolute, clean path below /", what, name)
		case strings.ContainsFunc(name, unicode.IsControl) || strings.TrimSpace(name) != name:
			return fmt.Errorf("%s %q holds a character that vsftpd's configuration can't", what, name)
		}
	}
	if strings.Contains(o.Point, "$USER") {
		return fmt.Errorf("mount point %q holds $USER, which vsftpd would replace", o.Point)
	}
	return nil
}

func notInService(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}
