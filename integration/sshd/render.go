package sshd

import (
	"bytes"
	"embed"
	"fmt"
	"net/netip"
	"path"
	"strings"
	"text/template"
	"unicode"
)

// DropInPath is where the drop-in belongs on Debian.
const DropInPath = "/etc/ssh/sshd_config.d/50-grantfs.conf"

// KeysProgram is what sshd asks for keys: grantfs. sshd wants each directory above
// it to be root's.
const KeysProgram = "/usr/sbin/grantfs"

// Options says what to render.
type Options struct {
	Point string // the mount point: a view is <Point>/<account>
	// PAMService is the PAM service to ask for members of grantfs, where sshd can
	// be told; "" leaves it to the name that sshd is started by.
	PAMService string
	// Standalone makes it a complete configuration; nil means the drop-in.
	Standalone *Standalone
}

// Standalone is what an sshd of its own may need besides. Whatever is not set
// is left to sshd's defaults and command line.
type Standalone struct {
	Listen   netip.AddrPort
	HostKeys []string // private key files, absolute
	PIDFile  string   // absolute; empty means that none is written
}

//go:embed match.tmpl dropin.tmpl standalone.tmpl
var texts embed.FS

// Render returns the text of the configuration. The error says which option
// can't be used.
func Render(o Options) ([]byte, error) {
	text, err := render(o)
	if err != nil {
		return nil, fmt.Errorf("render sshd: %w", err)
	}
	return text, nil
}

func render(o Options) ([]byte, error) {
	if err := usable("mount point", o.Point); err != nil {
		return nil, err
	}
	name := "dropin.tmpl"
	if s := o.Standalone; s != nil {
		name = "standalone.tmpl"
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	t, err := template.New(name).Funcs(template.FuncMap{
		"quote": quote, "chroot": chroot, "keysProgram": func() string { return KeysProgram },
	}).ParseFS(texts, "*.tmpl")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, o); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

func (s *Standalone) check() error {
	if s.Listen != (netip.AddrPort{}) && (!s.Listen.IsValid() || s.Listen.Port() == 0) {
		return fmt.Errorf("%v is no address and port to listen at", s.Listen)
	}
	for _, key := range s.HostKeys {
		if err := usable("host key", key); err != nil {
			return err
		}
	}
	if s.PIDFile == "" {
		return nil
	}
	return usable("pid file", s.PIDFile)
}

// usable reports why name, which is a path, can't stand in the file.
func usable(what, name string) error {
	switch {
	case !path.IsAbs(name) || path.Clean(name) != name || name == "/":
		return fmt.Errorf("%s %q is not an absolute, clean path below /", what, name)
	case strings.ContainsAny(name, `"\`) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%s %q holds a character that sshd_config can't", what, name)
	}
	return nil
}

func quote(name string) string { return `"` + name + `"` }

// chroot is the directory of a user's view; %u is the user's name to sshd.
func chroot(point string) string {
	return quote(strings.ReplaceAll(point, "%", "%%") + "/%u")
}
