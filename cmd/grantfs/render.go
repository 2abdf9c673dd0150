package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"grantfs/integration/hostfile"
	"grantfs/integration/login"
	"grantfs/integration/sshd"
	"grantfs/integration/vsftpd"
)

// render prints the host's configuration for sshd, vsftpd or PAM.
func render(ctx context.Context, e *env, args []string) error {
	l, err := load(e.config)
	if err != nil {
		return err
	}
	if l.set == nil {
		return l.report(e.stderr)
	}
	point := l.config.Mount.Point.Value
	var text []byte
	switch args[0] {
	case "sshd":
		o := sshd.Options{Point: point}
		if e.standalone {
			o.Standalone = &sshd.Standalone{}
		} else if knows, err := sshd.KnowsPAMService(ctx); err == nil && knows { // else it is not installed
			o.PAMService = login.DefaultSSHService
		}
		text, err = sshd.Render(o)
		text = hostfile.Stamp(text)
	case "vsftpd":
		text, err = vsftpd.Render(vsftpd.Options{Point: point})
		text = hostfile.Stamp(text)
	case "pam":
		text, err = renderPAM()
	default:
		return usage("nothing to render for %q: sshd, vsftpd or pam", args[0])
	}
	if err != nil {
		return err
	}
	if _, err := e.stdout.Write(text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// renderPAM joins the PAM services, each under a line with its path.
func renderPAM() ([]byte, error) {
	files, err := login.Render(login.Options{})
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text = fmt.Appendf(text, "# %s\n%s", path, hostfile.Stamp(files[path]))
	}
	return text, nil
}
