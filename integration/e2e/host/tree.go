package host

import (
	"fmt"
	"os"
	"strings"
	"text/template"

	"grantfs/integration/e2e/fixture"
)

// layTree lays out the two Aegir instances and the group folder, and the mount
// point of the views.
func (h *Host) layTree() error {
	if _, err := fixture.Build(""); err != nil {
		return fmt.Errorf("lay out the Aegir host: %w", err)
	}
	for _, dir := range []string{Views, keys} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("lay out the host: %w", err)
		}
	}
	return nil
}

// The configuration of the host. It is what a hosting admin would write: the
// accounts come from Aegir, the file adds a shared folder for all clients. The
// hashes seed the passwords, which a real host would leave to grantfs.
var grantfsTOML = template.Must(template.New("grantfs.toml").Parse(`# Made for a throwaway host.
[mount]
point = "{{.Views}}"

[metrics]
listen = "127.0.0.1:{{.MetricsPort}}"

[aegir]
instances = ["/data/disk/o1", "/data/disk/o2"]
client_primary_group = "agency"

[folders.media]
source = "{{.Media}}"

[groups.agency]
virtual_folders = [{ folder = "media", path = "/media" }]
permissions = { "/media" = ["list", "download"] }
{{range .Accounts}}
[accounts."{{.Name}}"]
password_hash = "{{.Hash}}"
{{end}}`))

// logins are the accounts whose passwords the configuration seeds. o1.ftp is
// adopted: its password is in /etc/shadow.
var logins = []struct{ name, password string }{
	{"o1.foo", ClientPassword},
	{"o1.bar", ClientPassword},
	{"o2.foo", ClientPassword},
	{"o2.ftp", MainPassword},
}

func (h *Host) configure() error {
	type account struct{ Name, Hash string }
	data := struct {
		Views, Media string
		MetricsPort  int
		Accounts     []account
	}{Views, Media, h.MetricsPort, nil}
	for _, l := range logins {
		hash, err := Hash(l.password)
		if err != nil {
			return err
		}
		data.Accounts = append(data.Accounts, account{l.name, hash})
	}
	var text strings.Builder
	if err := grantfsTOML.Execute(&text, data); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return write(ConfigPath, text.String(), 0o600)
}
