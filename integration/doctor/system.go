package doctor

import (
	"fmt"
	"strings"
)

// systemdChecks are about the service manager.
var systemdChecks = []Check{
	{"systemd-unit", "systemd", "systemd runs grantfs, and does so after a reboot", func(f *Facts) verdict {
		s := f.Systemd
		u := s.Unit
		switch {
		case !s.Booted:
			return warn("# start it by what starts your services: "+f.command("serve"), "systemd does not run here: nobody starts grantfs again")
		case u["LoadState"] != "loaded":
			return fail("apt install --reinstall grantfs && systemctl daemon-reload", "there is no grantfs.service")
		case u["ActiveState"] != "active":
			return fail("systemctl start grantfs", "grantfs.service is %s (%s)", u["ActiveState"], u["SubState"])
		case u["UnitFileState"] != "enabled":
			return warn("systemctl enable grantfs", "grantfs.service is %s: it does not start with the machine", u["UnitFileState"])
		}
		return ok("grantfs.service is active and enabled")
	}},
	{"systemd-fdstore", "systemd", "the service manager keeps descriptors: the mount outlives even the keeper", unit(func(f *Facts) verdict {
		if max := f.Systemd.Unit["FileDescriptorStoreMax"]; max == "" || max == "0" {
			return warn(dropIn("fdstore", "FileDescriptorStoreMax=8192"), "FileDescriptorStoreMax is 0: sessions end when the keeper is killed")
		}
		return ok("up to %s descriptors, %s are kept", f.Systemd.Unit["FileDescriptorStoreMax"], f.Systemd.Unit["NFileDescriptorStore"])
	})},
	{"systemd-namespace", "systemd", "no directive gives the unit a mount namespace, in which the mount would stay", unit(func(f *Facts) verdict {
		if n := f.Systemd.Namespaced; len(n) > 0 {
			return fail("systemctl revert grantfs && systemctl restart grantfs", "sshd can't see the mount because of %s", strings.Join(n, ", "))
		}
		return ok("none")
	})},
	{"systemd-reload", "systemd", "systemd has read the units as they are now", func(f *Facts) verdict {
		switch s := f.Systemd; {
		case !s.Booted:
			return verdict{}
		case len(s.Reload) > 0:
			return warn("systemctl daemon-reload", "changed since they were read: %s", strings.Join(s.Reload, ", "))
		}
		return ok("it has")
	}},
}

// unit is a check of grantfs.service.
func unit(judge func(*Facts) verdict) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if !f.Systemd.Booted || f.Systemd.Unit["LoadState"] != "loaded" {
			return verdict{}
		}
		return judge(f)
	}
}

// dropIn returns what adds a directive to our unit.
func dropIn(name, directive string) string {
	dir := "/etc/systemd/system/grantfs.service.d"
	return fmt.Sprintf(`mkdir -p %[1]s && printf '[Service]\n%[3]s\n' > %[1]s/%[2]s.conf && systemctl daemon-reload && systemctl restart grantfs`, dir, name, directive)
}

// The least that the worker should have.
const (
	leastFiles  = 65536
	leastMemory = 256 << 20
)

// limitChecks are about what the kernel and the service manager allow.
var limitChecks = []Check{
	{"inotify-watches", "limits", "every directory of the configuration and of aliases can be watched", func(f *Facts) verdict {
		return inotify(f, "max_user_watches", f.Limits.Watches, f.Limits.Watched)
	}},
	{"inotify-instances", "limits", "there is an inotify instance left for the daemon", func(f *Facts) verdict {
		return inotify(f, "max_user_instances", f.Limits.Instances, 8)
	}},
	{"files", "limits", "the worker can have many files open", worker(func(f *Facts) verdict {
		if n := f.Limits.Files; n < leastFiles {
			return warn(dropIn("files", "LimitNOFILE=1048576"), "%d files at once for all sessions", n)
		}
		return ok("%d at once", f.Limits.Files)
	})},
	{"core", "limits", "no core dump of the worker, which knows passwords", worker(func(f *Facts) verdict {
		if f.Limits.Core > 0 {
			return fail(dropIn("core", "LimitCORE=0"), "a core dump of the worker would hold passwords")
		}
		return ok("none")
	})},
	{"memory", "limits", "the control group leaves enough memory", worker(func(f *Facts) verdict {
		switch m := f.Limits.Memory; {
		case m == 0:
			return ok("no limit")
		case m < leastMemory:
			return warn(dropIn("memory", "MemoryMax=infinity"), "%d MiB for keeper, worker and hooks: they are killed beyond that", m>>20)
		}
		return ok("%d MiB", f.Limits.Memory>>20)
	})},
}

// worker is a check of the process that serves.
func worker(judge func(*Facts) verdict) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if f.Limits.PID == 0 {
			return verdict{}
		}
		return judge(f)
	}
}

// inotify judges a limit of inotify(7), which the daemon shares with all that
// root runs.
func inotify(f *Facts, name string, limit, needed int) verdict {
	const most = 1 << 20
	mend := fmt.Sprintf("sysctl -w fs.inotify.%[1]s=%[2]d && echo fs.inotify.%[1]s=%[2]d > /etc/sysctl.d/60-grantfs-%[1]s.conf", name, min(max(4*needed, 65536), most))
	switch {
	case limit == 0:
		return verdict{}
	case limit < needed:
		return fail(mend, "fs.inotify.%s is %d, and %d are needed: changes are seen late", name, limit, needed)
	case limit < 2*needed:
		return warn(mend, "fs.inotify.%s is %d for all that root runs, and %d are needed", name, limit, needed)
	}
	return ok("fs.inotify.%s is %d, %d are needed", name, limit, needed)
}
