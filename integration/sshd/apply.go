package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	program    = "/usr/sbin/sshd"
	mainConfig = "/etc/ssh/sshd_config"
	privsepDir = "/run/sshd"
)

// KnowsPAMService reports whether the host's sshd has PAMServiceName, as it has
// since OpenSSH 9.8.
func KnowsPAMService(ctx context.Context) (bool, error) {
	cmd := exec.CommandContext(ctx, program, "-t", "-f", os.DevNull, "-o", "PAMServiceName=sshd")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return false, fmt.Errorf("ask sshd what it can do: %w", err)
	}
	// That it also misses its host keys or its directory is of no interest.
	return !bytes.Contains(out, []byte("Bad configuration option")), nil
}

// Check has sshd judge the host's configuration as it would be with dropIn at
// DropInPath, without it where dropIn is nil. Nothing of the host is changed.
func Check(ctx context.Context, dropIn []byte) error {
	dir, err := os.MkdirTemp("", "grantfs-sshd-")
	if err != nil {
		return fmt.Errorf("check sshd: %w", err)
	}
	defer os.RemoveAll(dir)
	main, err := os.ReadFile(mainConfig)
	if err != nil {
		return fmt.Errorf("check sshd: %w", err)
	}
	ours := filepath.Join(dir, "drop-in")
	text, err := substitute(main, dropIn, ours)
	if err != nil {
		return fmt.Errorf("check sshd: %w", err)
	}
	next := filepath.Join(dir, "sshd_config")
	err = errors.Join(os.WriteFile(ours, dropIn, 0o600), os.WriteFile(next, text, 0o600))
	if err != nil {
		return fmt.Errorf("check sshd: %w", err)
	}
	return judge(ctx, next, dropIn != nil)
}

// CheckInstalled has sshd judge the configuration that it will read next.
func CheckInstalled(ctx context.Context) error { return judge(ctx, mainConfig, false) }

// judge has sshd read a configuration.
func judge(ctx context.Context, config string, views bool) error {
	out, err := effective(ctx, config, "root")
	if err == nil && views {
		err = obstacle(out)
	}
	return err
}

// Effective returns what the configuration that sshd will read next says for
// user: each keyword in lower case, with the first of its values.
func Effective(ctx context.Context, user string) (map[string]string, error) {
	out, err := effective(ctx, mainConfig, user)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, ok := values[key]; !ok {
			values[key] = value
		}
	}
	return values, nil
}

// effective has sshd print what a configuration says for a user.
func effective(ctx context.Context, config, user string) (string, error) {
	if err := os.Mkdir(privsepDir, 0o755); err == nil {
		defer os.Remove(privsepDir) // sshd is not running, but insists on it
	}
	cmd := exec.CommandContext(ctx, program, "-T", "-f", config, "-C", "user="+user+",host=localhost,addr=127.0.0.1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("sshd does not accept its configuration: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// Version returns what sshd calls itself, an error that wraps fs.ErrNotExist where
// there is none.
func Version(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, program, "-V")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return "", fmt.Errorf("ask sshd for its version: %w", err)
	}
	for line := range strings.Lines(string(out)) { // before 9.1 it complains about -V first
		if strings.HasPrefix(line, "OpenSSH") {
			return strings.TrimSpace(line), nil
		}
	}
	return "an unknown version", nil
}

// obstacle says what in a configuration, as "sshd -T" prints it, would let no
// account in, whatever the drop-in says: nil for nothing.
func obstacle(effective string) error {
	pam, ok := false, false
	var allowed []string
	for line := range strings.Lines(effective) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		member, _ := path.Match(value, "grantfs")
		switch key {
		case "usepam":
			pam = value == "yes"
		case "allowgroups":
			allowed, ok = append(allowed, value), ok || member
		case "denygroups":
			if member {
				return fmt.Errorf("DenyGroups %s of %s keeps all accounts out", value, mainConfig)
			}
		}
	}
	switch {
	case !pam:
		return fmt.Errorf("%s says UsePAM no: accounts could not log in", mainConfig)
	case allowed != nil && !ok:
		return fmt.Errorf("AllowGroups %s of %s keeps all accounts out: add grantfs to it", strings.Join(allowed, " "), mainConfig)
	}
	return nil
}

// substitute returns the text of sshd_config with its Include lines spelled out,
// where the file at ours stands in for the drop-in. A nil drop-in is left out.
func substitute(main, dropIn []byte, ours string) ([]byte, error) {
	var out bytes.Buffer
	included, conditional := false, false
	for line := range strings.Lines(string(main)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.EqualFold(fields[0], "Include") {
			conditional = conditional || len(fields) > 0 && strings.EqualFold(fields[0], "Match")
			out.WriteString(line)
			continue
		}
		for _, pattern := range fields[1:] {
			pattern = strings.Trim(pattern, `"`)
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(mainConfig), pattern)
			}
			files, err := filepath.Glob(pattern)
			if err != nil {
				return nil, fmt.Errorf("%s: Include %s: %w", mainConfig, pattern, err)
			}
			files = slices.DeleteFunc(files, func(f string) bool { return f == DropInPath })
			if ok, _ := filepath.Match(pattern, DropInPath); ok && dropIn != nil {
				if conditional {
					return nil, fmt.Errorf("%s includes %s below a Match line: move the Include to its top", mainConfig, pattern)
				}
				included = true
				files = append(files, DropInPath)
				slices.Sort(files)
			}
			for _, f := range files {
				if f == DropInPath {
					f = ours
				}
				fmt.Fprintf(&out, "Include %s\n", quote(f))
			}
		}
	}
	if dropIn != nil && !included {
		return nil, fmt.Errorf("%s does not include %s: put \"Include %s/*.conf\" at its top", mainConfig, DropInPath, filepath.Dir(DropInPath))
	}
	return out.Bytes(), nil
}

// NameInUse reports whether an sshd listens under the name of the PAM service
// service: taken away from it, nobody at all could log in. Sessions that are open
// need the service no more.
func NameInUse(service string) (bool, error) {
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return false, fmt.Errorf("look for a running sshd: %w", err)
	}
	for _, name := range names {
		title, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended
		}
		if err != nil {
			return false, fmt.Errorf("look for a running sshd: %w", err)
		}
		if bytes.HasPrefix(title, []byte(service+": ")) && bytes.Contains(title, []byte(" [listener] ")) {
			return true, nil
		}
	}
	return false, nil
}
