package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"grantfs/integration/doctor"
	"grantfs/integration/hostfile"
	"grantfs/integration/login"
	"grantfs/integration/sshd"
	"grantfs/integration/vsftpd"
)

// stateOf says how what `grantfs apply` installs is.
func stateOf(files []hostfile.File) (doctor.FileState, error) {
	changes, err := hostfile.Install(files)
	if err != nil {
		return 0, err
	}
	worst := doctor.Current
	for _, c := range changes {
		switch {
		case c.Kept != "":
			return doctor.Edited, nil
		case c.Old == nil:
			worst = doctor.Missing
		case worst == doctor.Current:
			worst = doctor.Stale
		}
	}
	return worst, nil
}

// theModule is the name of our PAM module.
const theModule = "pam_grantfs.so"

func lookAtPAM(ctx context.Context, p *patient) (func(*doctor.Facts), error) {
	var m doctor.PAM
	if err := login.CheckModules(); err != nil {
		m.Missing = err.Error()
	}
	m.Library = filepath.Dir(login.Module("pam_unix.so"))
	if program, err := os.Executable(); err == nil {
		built := filepath.Join(filepath.Dir(program), theModule)
		if unfit(built) == "" && othersWrite(built) == "" && othersWrite(filepath.Dir(built)) == "" {
			m.Built = built
		}
	}
	if path := login.Module(theModule); path != "" {
		m.Unfit = cmp.Or(unfit(path), writable(path))
	}
	files, err := pamFiles(ctx, "")
	if err == nil {
		m.Services, err = stateOf(files)
	}
	return func(f *doctor.Facts) { f.PAM = m }, err
}

// unfit says why libpam could not load or should not trust a module, "" for a
// good one.
func unfit(path string) string {
	own, err := elf.Open("/proc/self/exe")
	if err != nil {
		return err.Error()
	}
	defer own.Close()
	module, err := elf.Open(path)
	if err != nil {
		return err.Error()
	}
	defer module.Close()
	if module.Machine != own.Machine || module.Class != own.Class || module.Type != elf.ET_DYN {
		return fmt.Sprintf("%s is for %s, not a module for %s", path, module.Machine, own.Machine)
	}
	symbols, err := module.DynamicSymbols()
	if err != nil {
		return err.Error()
	}
	for _, name := range []string{"pam_sm_authenticate", "pam_sm_setcred", "pam_sm_acct_mgmt", "pam_sm_open_session", "pam_sm_close_session"} {
		if !slices.ContainsFunc(symbols, func(s elf.Symbol) bool { return s.Name == name && s.Section != elf.SHN_UNDEF }) {
			return fmt.Sprintf("%s has no %s", path, name)
		}
	}
	return ""
}

// writable says which of path and the directories above it others than root can
// write, "" for none.
func writable(path string) string {
	for {
		if text := othersWrite(path); text != "" || path == "/" {
			return text
		}
		path = filepath.Dir(path)
	}
}

// othersWrite says that others than root can write path, "" if they can't.
func othersWrite(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	if info.Sys().(*syscall.Stat_t).Uid != 0 || info.Mode().Perm()&0o022 != 0 {
		return fmt.Sprintf("others than root can write %s", path)
	}
	return ""
}

func lookAtSSHD(ctx context.Context, p *patient) (func(*doctor.Facts), error) {
	s := doctor.SSHD{KeysPath: sshd.KeysProgram, Service: login.DefaultSSHService}
	version, err := sshd.Version(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Absent = true
		return func(f *doctor.Facts) { f.SSHD = s }, nil
	case err != nil:
		return nil, err
	}
	s.Version = version
	point, err := p.point()
	if err != nil {
		return nil, err
	}
	if s.Knows, err = sshd.KnowsPAMService(ctx); err != nil {
		return nil, err
	}
	files, err := sshdFiles(ctx, point)
	if err != nil {
		return nil, err
	}
	if s.DropIn, err = stateOf(files); err != nil {
		return nil, err
	}
	text, err := hostfile.Read(sshd.DropInPath)
	if err != nil {
		return nil, err
	}
	if err := sshd.Check(ctx, text); err != nil {
		s.Complaint = err.Error()
	}
	if info, err := os.Stat(sshd.KeysProgram); err != nil {
		s.KeysProgram = err.Error()
	} else if info.Mode()&0o111 == 0 {
		s.KeysProgram = sshd.KeysProgram + " can't be executed"
	} else {
		s.KeysProgram = writable(sshd.KeysProgram)
	}
	if s.Complaint == "" {
		s.Account = p.account().Name
	}
	if s.Account != "" {
		if s.Effective, err = sshd.Effective(ctx, s.Account); err != nil {
			return nil, err
		}
	}
	if s.AsService, err = sshd.NameInUse(login.DefaultSSHService); err != nil {
		return nil, err
	}
	s.Listens, err = sshd.NameInUse("sshd")
	s.Listens = s.Listens || s.AsService
	return func(f *doctor.Facts) { f.SSHD = s }, err
}

func lookAtVSFTPD(ctx context.Context, p *patient) (func(*doctor.Facts), error) {
	v := doctor.VSFTPD{Path: vsftpd.Path}
	if _, err := os.Stat("/usr/sbin/vsftpd"); err != nil {
		v.Absent = true
		return func(f *doctor.Facts) { f.VSFTPD = v }, nil
	}
	point, err := p.point()
	if err != nil {
		return nil, err
	}
	files, err := vsftpdFiles(ctx, point)
	if err != nil {
		return nil, err
	}
	if v.File, err = stateOf(files); err != nil {
		return nil, err
	}
	text, err := hostfile.Read(vsftpd.Path)
	if err != nil {
		return nil, err
	}
	if text == nil {
		v.File = doctor.Missing
		return func(f *doctor.Facts) { f.VSFTPD = v }, nil
	}
	v.Options = make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			v.Options[key] = value
		}
	}
	v.Certificate, v.Key = v.Options["rsa_cert_file"], v.Options["rsa_private_key_file"]
	pair, err := tls.LoadX509KeyPair(v.Certificate, v.Key)
	if err != nil {
		v.Unreadable = fmt.Sprintf("%s and %s: %v", v.Certificate, v.Key, err)
	} else {
		v.Expires = pair.Leaf.NotAfter
	}
	if err := vsftpd.Check(ctx, text); err != nil {
		v.Complaint = err.Error()
	}
	return func(f *doctor.Facts) { f.VSFTPD = v }, nil
}
