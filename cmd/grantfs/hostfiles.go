package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"grantfs/integration/hostfile"
	"grantfs/integration/login"
	"grantfs/integration/sshd"
	"grantfs/integration/vsftpd"
)

// hostTarget is a program of the host that is configured.
type hostTarget struct {
	name  string
	files func(ctx context.Context, point string) ([]hostfile.File, error)
	paths func() []string // every file that it may have
	// check judges what is planned, before anything is written.
	check func(context.Context, *installation) error
	// installed judges what was written.
	installed         func(context.Context) error
	next, nextRemoved string // what is left to do
}

// hostTargets returns the targets called names in the order of their work: the
// PAM services are there before anybody asks for them, and longer.
func hostTargets(names []string, remove bool) ([]hostTarget, error) {
	all := []hostTarget{
		{
			name: "pam", files: pamFiles, paths: pamPaths, check: checkPAM, installed: nothing,
			next: "It is in force.", nextRemoved: "Nothing needs it any more.",
		},
		{
			name: "sshd", files: sshdFiles, paths: sshdPaths, check: checkSSHD, installed: sshd.CheckInstalled,
			next:        "It is in force after: systemctl daemon-reload; systemctl restart ssh",
			nextRemoved: "It is in force after: systemctl daemon-reload; systemctl restart ssh",
		},
		{
			name: "vsftpd", files: vsftpdFiles, paths: vsftpdPaths, check: checkVSFTPD, installed: nothing,
			next:        "It is in force after: systemctl daemon-reload; systemctl enable grantfs-vsftpd; systemctl restart grantfs-vsftpd",
			nextRemoved: "It is in force after: systemctl stop grantfs-vsftpd; systemctl daemon-reload",
		},
	}
	if remove {
		slices.Reverse(all)
	}
	var targets []hostTarget
	for _, t := range all {
		if slices.Contains(names, t.name) {
			targets = append(targets, t)
		}
	}
	if len(targets) != len(names) {
		return nil, usage("pam, sshd and vsftpd can be named, each once")
	}
	return targets, nil
}

func nothing(context.Context) error { return nil }

// installedMode is the mode of every file: none holds a secret.
const installedMode = 0o644

func pamFiles(context.Context, string) ([]hostfile.File, error) {
	services, err := login.Render(login.Options{})
	return hostFiles(services), err
}

// hostFiles returns files in the order of their paths.
func hostFiles(texts map[string][]byte) []hostfile.File {
	var files []hostfile.File
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		files = append(files, hostfile.File{Path: path, Text: texts[path], Mode: installedMode})
	}
	return files
}

func pamPaths() []string {
	return []string{login.Dir + "/" + login.DefaultSSHService, login.Dir + "/" + login.DefaultFTPService}
}

// checkPAM sees that every module is there and, at a removal, that nobody needs
// the services any more: without its service a program of PAM lets nobody in.
func checkPAM(_ context.Context, h *installation) error {
	if !h.remove {
		return login.CheckModules()
	}
	for _, path := range append(sshdPaths(), vsftpd.Path) {
		text, err := h.text(path)
		if err != nil {
			return err
		}
		if text != nil {
			return fmt.Errorf("%s needs it: remove that first", path)
		}
	}
	used, err := sshd.NameInUse(login.DefaultSSHService)
	if err == nil && used {
		err = fmt.Errorf("an sshd runs as %s, and nobody could log in: restart it, then do this again", login.DefaultSSHService)
	}
	return err
}

// sshdFiles are the drop-in and, for an sshd that can't be told its PAM service,
// what makes it ask ours.
func sshdFiles(ctx context.Context, point string) ([]hostfile.File, error) {
	o := sshd.Options{Point: point}
	knows, err := sshd.KnowsPAMService(ctx)
	if err != nil {
		return nil, err
	}
	var units map[string][]byte
	if knows {
		o.PAMService = login.DefaultSSHService
	} else {
		units = sshd.Units(login.DefaultSSHService)
	}
	text, err := sshd.Render(o)
	if err != nil {
		return nil, err
	}
	return append(hostFiles(units), hostfile.File{Path: sshd.DropInPath, Text: text, Mode: installedMode}), nil
}

func sshdPaths() []string { return append(sshd.UnitPaths(), sshd.DropInPath) }

func checkSSHD(ctx context.Context, h *installation) error {
	service := pamPaths()[0]
	text, err := h.text(service)
	if err != nil {
		return err
	}
	if text == nil && !h.remove {
		return fmt.Errorf("there is no %s, and nobody could log in: apply pam too", service)
	}
	if _, err := os.Stat(sshd.KeysProgram); err != nil && !h.remove {
		return fmt.Errorf("sshd could ask nobody for keys: %w", err)
	}
	if text, err = h.text(sshd.DropInPath); err != nil {
		return err
	}
	return sshd.Check(ctx, text)
}

func vsftpdFiles(_ context.Context, point string) ([]hostfile.File, error) {
	text, err := vsftpd.Render(vsftpd.Options{Point: point})
	return []hostfile.File{
		{Path: vsftpd.Path, Text: text, Mode: installedMode},
		{Path: vsftpd.UnitPath, Text: vsftpd.Unit(), Mode: installedMode},
	}, err
}

func vsftpdPaths() []string { return []string{vsftpd.Path, vsftpd.UnitPath} }

func checkVSFTPD(ctx context.Context, h *installation) error {
	if h.remove {
		return nil
	}
	text, err := h.text(vsftpd.Path)
	switch {
	case err != nil:
		return err
	case text == nil:
		return errors.New("there is no configuration to check")
	}
	return vsftpd.Check(ctx, text)
}
