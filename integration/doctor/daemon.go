package doctor

import (
	"fmt"
	"strings"
)

// daemonChecks are about the daemon that runs.
var daemonChecks = []Check{
	{"daemon", "daemon", "the daemon answers on its control socket", func(f *Facts) verdict {
		if f.Daemon.Unreachable != "" {
			return fail(f.start(), "%s", f.Daemon.Unreachable)
		}
		return ok("it answers, version %s", f.Daemon.Version)
	}},
	{"daemon-version", "daemon", "the daemon is the program that is installed", func(f *Facts) verdict {
		switch d := f.Daemon; {
		case d.Unreachable != "":
			return verdict{}
		case d.Version != d.OwnVersion:
			return warn(f.command("upgrade"), "it runs as %s, this program is %s", d.Version, d.OwnVersion)
		}
		return ok("the same as this program")
	}},
	{"worker-restarts", "daemon", "no worker has died", func(f *Facts) verdict {
		var list []string
		for _, r := range f.Daemon.Restarts {
			if r.Cause != "orderly" && r.Count > 0 {
				list = append(list, fmt.Sprintf("%s %d", r.Cause, r.Count))
			}
		}
		switch {
		case f.Daemon.Unreachable != "":
			return verdict{}
		case list != nil:
			return warn("journalctl -u grantfs -p warning | tail -n 50", "workers have died since the start: %s", strings.Join(list, ", "))
		}
		return ok("none has died")
	}},
	{"reload", "daemon", "what the configuration says is in force", func(f *Facts) verdict {
		switch {
		case f.Daemon.Unreachable != "":
			return verdict{}
		case f.Daemon.ReloadFailed:
			return fail(f.command("check"), "the last reload was refused: an older policy is in force")
		}
		return ok("the last reload was accepted")
	}},
	{"aliases", "daemon", "every alias file of Aegir can be read", func(f *Facts) verdict {
		switch {
		case f.Daemon.Unreachable != "":
			return verdict{}
		case f.Daemon.Unreadable > 0:
			return fail(f.command("check"), "%d alias files can't be read: their sites are closed", f.Daemon.Unreadable)
		}
		return ok("all can be read")
	}},
	{"audit", "daemon", "no line of the audit log was lost", func(f *Facts) verdict {
		switch {
		case f.Daemon.Unreachable != "":
			return verdict{}
		case f.Daemon.AuditLost > 0:
			return warn("df -h /var/log", "%d lines of the audit log were lost", f.Daemon.AuditLost)
		}
		return ok("nothing was lost")
	}},
}

// mountChecks are about the mount point.
var mountChecks = []Check{
	{"mount", "mount", "the views are mounted, and answer", func(f *Facts) verdict {
		m := f.Mount
		again := fmt.Sprintf("umount -l %s; %s", quote(m.Point), f.start())
		switch {
		case m.Dead != "":
			return fail(again, "%s does not answer: %s", m.Point, m.Dead)
		case !m.Here && m.Init == 0 && f.Daemon.Unreachable == "":
			return fail("systemctl restart grantfs || "+f.command("serve"), "the daemon runs, but nothing is mounted at %s", m.Point)
		case !m.Here && m.Init == 0:
			return fail(f.start(), "nothing is mounted at %s", m.Point)
		case m.Init > 1:
			return warn(again, "%d mounts lie on one another at %s", m.Init, m.Point)
		}
		return ok("%s answers", m.Point)
	}},
	{"mount-visible", "mount", "process 1 sees the mount, and so do sshd and vsftpd", func(f *Facts) verdict {
		switch m := f.Mount; {
		case m.Here && m.Init == 0:
			return fail("systemctl revert grantfs && systemctl restart grantfs", "%s is mounted in another mount namespace than that of process 1", m.Point)
		case m.Init == 0:
			return verdict{}
		}
		return ok("process 1 sees it")
	}},
	{"chroot-owner", "mount", "every directory above the mount point is root's, and only root can write it: sshd's ChrootDirectory demands it", func(f *Facts) verdict {
		bad := open(f.Mount.Parents, 0o022)
		if len(bad) > 0 {
			return fail(makeOwn(bad, "go-w"), "sshd refuses every login: %s", modes(bad))
		}
		return ok("%s are root's", strings.Join(paths(f.Mount.Parents), " "))
	}},
}

// sourceChecks are about the backing directories.
var sourceChecks = []Check{
	{"sources", "sources", "every source is there and can be used", func(f *Facts) verdict {
		s := f.Sources
		switch {
		case len(s.Hanging) > 0:
			return fail("# mend the server or the disk: mount | grep "+quote(s.Hanging[0]), "they hang: %s", some(s.Hanging))
		case len(s.Unusable) > 0:
			return fail(f.command("check"), "they can't be used: %s", some(s.Unusable))
		case len(s.Missing) > 0:
			return warn("mkdir -p "+quote(s.Missing...), "they are missing: %s", some(s.Missing))
		}
		return ok("all are there")
	}},
	{"source-handles", "sources", "file systems of sources have file handles", func(f *Facts) verdict {
		return fileSystems(f, "have handles", func(fs FileSystem) string {
			if !fs.Handles {
				return fmt.Sprintf("%s (%s)", fs.Point, fs.Type)
			}
			return ""
		}, Warn, "# move what lies on %s to ext4, xfs or btrfs: without file handles few files can be open at once", "no file handles")
	}},
	{"source-watched", "sources", "fanotify(7) tells of writes beside the mount", func(f *Facts) verdict {
		return fileSystems(f, "are watched", func(fs FileSystem) string {
			if fs.Unwatched != "" {
				return fmt.Sprintf("%s (%s: %s)", fs.Point, fs.Type, fs.Unwatched)
			}
			return ""
		}, Warn, "# on %s writes beside the mount are counted late: count at once with grantfs quota scan", "not watched")
	}},
	{"source-space", "sources", "file systems of sources have more than mount.min_free left", func(f *Facts) verdict {
		return fileSystems(f, "have room", func(fs FileSystem) string {
			if fs.Free <= fs.MinFree {
				return fmt.Sprintf("%s (%d MiB free, %d MiB are kept free)", fs.Point, fs.Free>>20, fs.MinFree>>20)
			}
			return ""
		}, Fail, "du -xh %s | sort -h | tail -n 20 # then free what is not needed", "nobody can upload")
	}},
}

// fileSystems judges each file system of sources; bad says what is wrong with one.
func fileSystems(f *Facts, good string, bad func(FileSystem) string, level Level, mend, found string) verdict {
	var list, points []string
	for _, fs := range f.Sources.FileSystems {
		if text := bad(fs); text != "" {
			list, points = append(list, text), append(points, fs.Point)
		}
	}
	switch {
	case len(f.Sources.FileSystems) == 0:
		return verdict{}
	case list == nil:
		return ok("%d file systems %s", len(f.Sources.FileSystems), good)
	}
	return verdict{level, found + ": " + some(list), fmt.Sprintf(mend, quote(points...))}
}
