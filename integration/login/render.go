package login

import (
	"bytes"
	_ "embed"
	"fmt"
	"path"
	"strings"
	"text/template"
)

// Dir is where PAM services are.
const Dir = "/etc/pam.d"

// The default names of the PAM services.
const (
	DefaultSSHService = "grantfs-sshd"
	DefaultFTPService = "grantfs-vsftpd"
)

// Options names the PAM services; empty means the default.
type Options struct {
	SSHService string // sshd's service is the name it is started by
	FTPService string // vsftpd's pam_service_name
}

//go:embed service.tmpl
var text string

// Render returns the files of /etc/pam.d, by absolute path. The error says which
// name can't be one.
func Render(o Options) (map[string][]byte, error) {
	if o.SSHService == "" {
		o.SSHService = DefaultSSHService
	}
	if o.FTPService == "" {
		o.FTPService = DefaultFTPService
	}
	if o.SSHService == o.FTPService {
		return nil, fmt.Errorf("render pam: %s can't be the service of both sshd and vsftpd", o.SSHService)
	}
	t, err := template.New("service").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("render pam: %w", err)
	}
	files := make(map[string][]byte)
	for name, protocol := range map[string]string{o.SSHService: "SSH", o.FTPService: "FTPS"} {
		if err := usable(name); err != nil {
			return nil, fmt.Errorf("render pam: %w", err)
		}
		var file bytes.Buffer
		if err := t.Execute(&file, protocol); err != nil {
			return nil, fmt.Errorf("render pam: %w", err)
		}
		files[path.Join(Dir, name)] = file.Bytes()
	}
	return files, nil
}

// usable reports why name is no PAM service, or one of the host's own: those
// are the administrators' way in and are not for us to write.
func usable(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-"
	if name == "" || name[0] == '.' || strings.Trim(name, allowed) != "" {
		return fmt.Errorf("%q is not a name of a PAM service", name)
	}
	switch name {
	case "sshd", "vsftpd", "login", "other", "su", "sudo", "passwd":
		return fmt.Errorf("%q is the host's own PAM service", name)
	}
	return nil
}
