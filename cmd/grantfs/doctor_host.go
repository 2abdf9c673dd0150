package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"grantfs/config"
	"grantfs/fs/backing"
	"grantfs/fs/kernel"
	"grantfs/fs/watch"
	"grantfs/integration/credential"
	"grantfs/integration/doctor"
	"grantfs/integration/state"
	"grantfs/policy"
)

func lookAtSettings(_ context.Context, p *patient) (func(*doctor.Facts), error) {
	l, err := p.loaded()
	if err != nil {
		return nil, err
	}
	var s doctor.Settings
	for _, problem := range l.problems {
		if problem.Severity != policy.SeverityError {
			s.Warnings++
			continue
		}
		if s.Errors++; s.Errors == 1 {
			s.First = problem.String()
		}
	}
	dir := l.config.Mount.State.Value
	if s.Files, err = files(l.config.Files...); err != nil {
		return nil, err
	}
	found, err := files(dir)
	if err != nil {
		return nil, err
	}
	if found != nil {
		s.StateDir = found[0]
		if s.State, err = files(filepath.Join(dir, state.FileName), filepath.Join(dir, credential.SealFile)); err != nil {
			return nil, err
		}
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err != nil {
			return nil, fmt.Errorf("ask for the room at %s: %w", dir, err)
		}
		s.Free = st.Bavail * uint64(st.Bsize)
	}
	if s.ClockUnset, err = clockUnset(); err != nil {
		return nil, err
	}
	in := l.config.Policy
	s.Codes = slices.ContainsFunc(in.Accounts, func(a policy.Account) bool { return len(a.TwoFactorProtocols) > 0 }) ||
		slices.ContainsFunc(in.Groups, func(g policy.Group) bool { return len(g.TwoFactorProtocols) > 0 })
	return func(f *doctor.Facts) { f.Settings = s }, nil
}

// files returns those of paths that are there.
func files(paths ...string) ([]doctor.File, error) {
	var list []doctor.File
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("look at a file: %w", err)
		}
		list = append(list, doctor.File{Path: path, UID: info.Sys().(*syscall.Stat_t).Uid, Mode: uint32(info.Mode().Perm())})
	}
	return list, nil
}

func lookAtDaemon(_ context.Context, p *patient) (func(*doctor.Facts), error) {
	d := doctor.Daemon{OwnVersion: thisVersion().String()}
	s, err := p.daemon()
	if err != nil {
		d.Unreachable = err.Error()
	}
	d.Version = versionJSON{s.Version, s.Revision}.String()
	d.ReloadFailed, d.AuditLost, d.Unreadable = !s.Policy.Accepted, s.AuditLost, s.Discovery.Unreadable
	for _, c := range s.Worker.Restarts {
		d.Restarts = append(d.Restarts, doctor.Restart{Cause: c.Name, Count: c.N})
	}
	return func(f *doctor.Facts) { f.Daemon = d }, nil
}

func lookAtMount(_ context.Context, p *patient) (func(*doctor.Facts), error) {
	var m doctor.Mount
	var err error
	if m.Point, err = p.point(); err != nil {
		return nil, err
	}
	here, err := kernel.Mounts("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	there, err := kernel.Mounts("/proc/1/mountinfo")
	if err != nil {
		return nil, err
	}
	ours := func(l kernel.MountLine) bool { return l == kernel.MountLine{Point: m.Point, Type: kernel.FSType} }
	m.Here = slices.ContainsFunc(here, ours)
	for _, line := range there {
		if ours(line) {
			m.Init++
		}
	}
	var above []string
	for dir := filepath.Dir(m.Point); ; dir = filepath.Dir(dir) {
		above = append(above, dir)
		if dir == "/" {
			break
		}
	}
	slices.Reverse(above)
	if m.Parents, err = files(above...); err != nil {
		return nil, err
	}
	if m.Here {
		m.Dead = dead(m.Point)
	}
	return func(f *doctor.Facts) { f.Mount = m }, nil
}

// dead says why a mount does not answer, "" if it does. Nothing of it is taken from
// what the kernel remembers.
func dead(point string) string {
	patience := config.NewPatience(config.SourcePatience)
	defer patience.Close()
	answer := make(chan error, 1)
	if !patience.Do(func() { answer <- syscall.Statfs(point, new(syscall.Statfs_t)) }) {
		return fmt.Sprintf("it took longer than %s", config.SourcePatience)
	}
	if err := <-answer; errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNABORTED) {
		return err.Error()
	}
	return ""
}

func lookAtBackings(_ context.Context, p *patient) (func(*doctor.Facts), error) {
	l, err := p.loaded()
	if err != nil {
		return nil, err
	}
	var s doctor.Sources
	if l.set == nil {
		return func(*doctor.Facts) {}, nil // the configuration is a finding of its own
	}
	lines, err := kernel.Mounts("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	minFree := l.config.Mount.MinFree.Value
	patience := config.NewPatience(config.SourcePatience)
	defer patience.Close()
	seen := map[uint64]bool{}
	for _, source := range l.set.Sources() {
		type look struct {
			root *backing.Root
			err  error
		}
		opened := make(chan look, 1)
		if !patience.Do(func() {
			root, err := backing.OpenRoot(source.Path)
			opened <- look{root, err}
		}) {
			s.Hanging = append(s.Hanging, source.Path)
			continue
		}
		switch a := <-opened; {
		case errors.Is(a.err, fs.ErrNotExist):
			if !source.Optional {
				s.Missing = append(s.Missing, source.Path)
			}
		case a.err != nil:
			s.Unusable = append(s.Unusable, a.err.Error())
		case seen[a.root.Dev()]:
			a.root.Close()
		default:
			seen[a.root.Dev()] = true
			found := make(chan doctor.FileSystem, 1)
			if !patience.Do(func() {
				defer a.root.Close()
				found <- fileSystem(a.root, minFree)
			}) {
				s.Hanging = append(s.Hanging, source.Path)
				continue
			}
			f := <-found
			f.Point, f.Type = mountOf(lines, source.Path)
			s.FileSystems = append(s.FileSystems, f)
		}
	}
	return func(f *doctor.Facts) { f.Sources = s }, nil
}

// fileSystem looks at the file system of a source.
func fileSystem(root *backing.Root, keep config.MinFree) doctor.FileSystem {
	f := doctor.FileSystem{Handles: root.HasHandles()}
	if w, err := watch.Open(root.FD(), 0); err != nil {
		f.Unwatched = err.Error()
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			f.Unwatched = errno.Error()
		}
	} else {
		w.Close()
	}
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(root.FD(), &st); err == nil {
		f.Free = st.Bavail * uint64(st.Bsize)
		f.MinFree = uint64(keep.Bytes) + uint64(keep.Percent/100*float64(st.Blocks*uint64(st.Bsize)))
	}
	return f
}

// mountOf returns the mount that path lies on: of the deepest, the last made.
func mountOf(lines []kernel.MountLine, path string) (point, kind string) {
	for _, m := range lines {
		if len(m.Point) >= len(point) && (m.Point == "/" || path == m.Point || strings.HasPrefix(path, m.Point+"/")) {
			point, kind = m.Point, m.Type
		}
	}
	return point, kind
}

func lookAtLimits(_ context.Context, p *patient) (func(*doctor.Facts), error) {
	var m doctor.Limits
	var err error
	if m.Watches, err = number("/proc/sys/fs/inotify/max_user_watches"); err != nil {
		return nil, err
	}
	if m.Instances, err = number("/proc/sys/fs/inotify/max_user_instances"); err != nil {
		return nil, err
	}
	l, err := p.loaded()
	if err != nil {
		return nil, err
	}
	m.Watched = len(l.found.Dirs) + 2 // the configuration's and conf.d
	// That nobody answers is a finding of its own.
	if s, err := p.daemon(); err == nil {
		m.PID = s.Worker.PID
		if err := processLimits(&m); err != nil {
			return nil, err
		}
	}
	return func(f *doctor.Facts) { f.Limits = m }, nil
}

// processLimits reads what holds for the worker (proc_pid_limits(5), cgroups(7)).
func processLimits(m *doctor.Limits) error {
	dir := fmt.Sprintf("/proc/%d/", m.PID)
	text, err := os.ReadFile(dir + "limits")
	if err != nil {
		return fmt.Errorf("read the worker's limits: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		for name, to := range map[string]*uint64{"Max open files": &m.Files, "Max core file size": &m.Core} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				*to = most(strings.Fields(rest)[0])
			}
		}
	}
	groups, err := os.ReadFile(dir + "cgroup")
	if err != nil {
		return fmt.Errorf("read the worker's limits: %w", err)
	}
	for line := range strings.Lines(string(groups)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for ; ok && group != "/" && group != "."; group = filepath.Dir(group) {
			text, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", group, "memory.max"))
			if n := most(strings.TrimSpace(string(text))); err == nil && n < uint64(math.MaxUint64) && (m.Memory == 0 || n < m.Memory) {
				m.Memory = n
			}
		}
	}
	return nil
}

// most reads a limit; what is no number is none.
func most(s string) uint64 {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	return math.MaxUint64
}

// number reads a file of /proc/sys.
func number(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read a limit: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return n, nil
}

func lookAtNames(ctx context.Context, p *patient) (func(*doctor.Facts), error) {
	l, err := p.loaded()
	if err != nil {
		return nil, err
	}
	n := doctor.Names{Service: "systemd", Switch: map[string][]string{}}
	if l.config.Mount.Users.Value == "extrausers" {
		n.Service = "extrausers"
	}
	text, err := os.ReadFile("/etc/nsswitch.conf")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for where names come from: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if db, services, ok := strings.Cut(line, ":"); ok {
			n.Switch[strings.TrimSpace(db)] = strings.Fields(services)
		}
	}
	for _, dir := range []string{"/lib/*", "/usr/lib/*", "/lib", "/usr/lib", "/lib64", "/usr/lib64"} {
		found, _ := filepath.Glob(dir + "/libnss_" + n.Service + ".so.2") // the patterns are right
		n.Library = n.Library || found != nil
	}
	if a := p.account(); a.Name != "" {
		n.Account = a.Name
		began := time.Now()
		out, err := output(ctx, "getent", "passwd", a.Name)
		n.Duration = time.Since(began)
		switch fields := strings.Split(out, ":"); {
		case err != nil:
			n.Answer = "the host does not know it"
		case len(fields) < 4 || fields[2] != strconv.Itoa(int(a.UID)) || fields[3] != strconv.Itoa(int(a.GID)):
			n.Answer = fmt.Sprintf("%q: not our uid %d and gid %d", strings.TrimSpace(out), a.UID, a.GID)
		}
	}
	return func(f *doctor.Facts) { f.Names = n }, nil
}

// output runs a program of the host and returns what it prints.
func output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second // a child that it leaves behind keeps nobody
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}
