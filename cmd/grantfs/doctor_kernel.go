package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"grantfs/fs/kernel"
	"grantfs/integration/doctor"
)

func lookAtKernel(context.Context, *patient) (func(*doctor.Facts), error) {
	var k doctor.Kernel
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return nil, fmt.Errorf("ask for the kernel's version: %w", err)
	}
	k.Release = string(bytes.TrimSpace(release))
	if device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		k.Device = unwrappedPath(err).Error()
	} else {
		device.Close()
		features, err := tryMount()
		if err != nil {
			k.ProbeErr = err.Error()
		}
		k.Passthrough, k.Resend, k.IncEpoch = features.Passthrough, features.Resend, features.IncEpoch
	}
	return func(f *doctor.Facts) { f.Kernel = k }, nil
}

// tryMount asks the kernel what it can do, the only way there is: by a mount.
func tryMount() (features kernel.Features, err error) {
	dir, err := os.MkdirTemp("", "grantfs-doctor-")
	if err != nil {
		return features, fmt.Errorf("try a mount: %w", err)
	}
	defer os.Remove(dir)
	conn, err := kernel.Mount(dir)
	if err != nil {
		return features, fmt.Errorf("try a mount: %w", err)
	}
	err = conn.Start()
	features = conn.Features()
	return features, errors.Join(err, conn.Unmount(), conn.Close())
}

func lookAtSystemd(ctx context.Context, _ *patient) (func(*doctor.Facts), error) {
	var s doctor.Systemd
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return func(f *doctor.Facts) { f.Systemd = s }, nil // sd_booted(3)
	}
	s.Booted = true
	units, err := showUnits(ctx, "grantfs.service", "ssh.service", "grantfs-vsftpd.service")
	if err != nil {
		return nil, err
	}
	s.Unit = units[0]
	for _, u := range units {
		if u["NeedDaemonReload"] == "yes" {
			s.Reload = append(s.Reload, u["Id"])
		}
	}
	for _, directive := range namespacing {
		if v := s.Unit[directive]; v != "" && v != "no" {
			s.Namespaced = append(s.Namespaced, directive+"="+v)
		}
	}
	return func(f *doctor.Facts) { f.Systemd = s }, nil
}

// namespacing are the directives that give a unit a mount namespace of its own
// (systemd.exec(5)).
var namespacing = []string{
	"PrivateMounts", "PrivateTmp", "PrivateDevices", "ProtectSystem", "ProtectHome", "ProtectKernelTunables", "ProtectKernelModules",
	"ProtectKernelLogs", "ProtectControlGroups", "ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths", "BindPaths", "BindReadOnlyPaths",
	"TemporaryFileSystem", "RootDirectory",
}

// showUnits returns the properties of each of units.
func showUnits(ctx context.Context, units ...string) ([]map[string]string, error) {
	out, err := output(ctx, "systemctl", append([]string{"show", "--"}, units...)...)
	if err != nil {
		return nil, err
	}
	var all []map[string]string
	for text := range strings.SplitSeq(strings.TrimSpace(out), "\n\n") {
		properties := make(map[string]string)
		for line := range strings.Lines(text) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			properties[key] = value
		}
		all = append(all, properties)
	}
	if len(all) != len(units) {
		return nil, fmt.Errorf("systemctl shows %d units of %d", len(all), len(units))
	}
	return all, nil
}

// clockUnset reports whether nobody sets the kernel's clock (adjtimex(2)).
func clockUnset() (bool, error) {
	const timeError, unsynchronised = 5, 0x40
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	if err != nil {
		return false, fmt.Errorf("ask whether the clock is set: %w", err)
	}
	return state == timeError || t.Status&unsynchronised != 0, nil
}
