package doctor

import (
	"fmt"
	"strings"
)

const newerKernel = "apt install -t bookworm-backports linux-image-$(dpkg --print-architecture) # then reboot"

// kernelChecks are about the kernel (architecture.md §3.11).
var kernelChecks = []Check{
	{"kernel-version", "kernel", "Linux is 6.1 or newer", func(f *Facts) verdict {
		major, minor := 0, 0
		_, _ = fmt.Sscanf(f.Kernel.Release, "%d.%d", &major, &minor)
		if major < 6 || major == 6 && minor < 1 {
			return fail(newerKernel, "Linux %s is too old: 6.1 is needed", f.Kernel.Release)
		}
		return ok("Linux %s", f.Kernel.Release)
	}},
	{"fuse-device", "kernel", "/dev/fuse can be opened; /etc/fuse.conf and fusermount play no part, for root mounts", func(f *Facts) verdict {
		if f.Kernel.Device != "" {
			return fail("modprobe fuse", "/dev/fuse: %s", f.Kernel.Device)
		}
		return ok("/dev/fuse; /etc/fuse.conf does not matter")
	}},
	{"fuse-mount", "kernel", "a FUSE file system can be mounted", func(f *Facts) verdict {
		switch k := f.Kernel; {
		case k.Device != "":
			return verdict{}
		case k.ProbeErr != "":
			return fail("# run it where CAP_SYS_ADMIN is not taken away, not in a container", "%s", k.ProbeErr)
		}
		return ok("a mount was made and taken back")
	}},
	{"passthrough", "kernel", "reads without a limit bypass the daemon (Linux 6.9)", func(f *Facts) verdict {
		return feature(f, f.Kernel.Passthrough, "passthrough", "all reads go through the daemon")
	}},
	{"resend", "kernel", "requests outlive the worker (Linux 6.9)", func(f *Facts) verdict {
		return feature(f, f.Kernel.Resend, "RESEND", "what is under way when a worker dies ends with an error")
	}},
	{"epoch", "kernel", "a reload makes the kernel forget names at once (Linux 6.16)", func(f *Facts) verdict {
		if f.Kernel.ProbeErr == "" && f.Kernel.Device == "" && !f.Kernel.IncEpoch {
			return ok("no INC_EPOCH: after a reload names, not rights, are stale for up to mount.entry_timeout")
		}
		return feature(f, f.Kernel.IncEpoch, "INC_EPOCH", "")
	}},
}

func feature(f *Facts, has bool, name, without string) verdict {
	switch {
	case f.Kernel.ProbeErr != "" || f.Kernel.Device != "":
		return verdict{}
	case !has:
		return warn(newerKernel, "the kernel has no %s: %s", name, without)
	}
	return ok("%s", name)
}

// command returns a command line of grantfs itself.
func (f *Facts) command(words ...string) string {
	if f.Config != "" {
		words = append(words, "--config", f.Config)
	}
	return "grantfs " + quote(words...)
}

// start returns what starts the daemon.
func (f *Facts) start() string {
	if f.Systemd.Booted && f.Systemd.Unit["LoadState"] == "loaded" {
		return "systemctl start grantfs"
	}
	return f.command("serve")
}

// paths returns the paths of files.
func paths(files []File) []string {
	var list []string
	for _, f := range files {
		list = append(list, f.Path)
	}
	return list
}

// modes returns files with owner and mode.
func modes(files []File) string {
	var list []string
	for _, f := range files {
		list = append(list, fmt.Sprintf("%s (uid %d, mode %04o)", f.Path, f.UID, f.Mode))
	}
	return some(list)
}

// makeOwn returns what makes files root's and takes the permissions of others.
func makeOwn(files []File, take string) string {
	names := quote(paths(files)...)
	return strings.Join([]string{"chown root:root " + names, "chmod " + take + " " + names}, " && ")
}
