package doctor

import "slices"

const (
	stateLow  = 1 << 30
	stateFull = 50 << 20
)

// configChecks are about the configuration, the state and the clock.
var configChecks = []Check{
	{"config", "config", "the configuration has no errors", func(f *Facts) verdict {
		s := f.Settings
		switch {
		case s.Errors > 0:
			return fail(f.command("check"), "%d errors, the first: %s", s.Errors, s.First)
		case s.Warnings > 0:
			return ok("no errors, %d warnings: %s", s.Warnings, f.command("check"))
		}
		return ok("no errors")
	}},
	{"config-mode", "config", "only root can write the configuration", func(f *Facts) verdict {
		bad := open(f.Settings.Files, 0o022)
		if len(bad) > 0 {
			return fail(makeOwn(bad, "go-w"), "others than root can write it: %s", modes(bad))
		}
		return ok("only root can write it")
	}},
	{"state-mode", "config", "the state directory is root's alone (0700)", func(f *Facts) verdict {
		dir := f.Settings.StateDir
		switch bad := open([]File{dir}, 0o077); {
		case dir.Path == "":
			return ok("no state yet: the daemon makes it")
		case len(bad) > 0:
			return fail(makeOwn(bad, "go-rwx"), "not root's alone: %s", modes(bad))
		}
		return ok("%s is root's alone", dir.Path)
	}},
	{"state-files", "config", "what holds credentials, and the key that seals them, is root's alone (0600)", func(f *Facts) verdict {
		bad := open(f.Settings.State, 0o077)
		switch {
		case f.Settings.StateDir.Path == "":
			return verdict{}
		case len(bad) > 0:
			return fail(makeOwn(bad, "go-rwx"), "not root's alone: %s", modes(bad))
		}
		return ok("%d files are root's alone", len(f.Settings.State))
	}},
	{"state-space", "config", "the disk of the state has room", func(f *Facts) verdict {
		free, dir := f.Settings.Free, f.Settings.StateDir.Path
		look := "du -xh / | sort -h | tail -n 20 # then free what is not needed"
		switch {
		case dir == "":
			return verdict{}
		case free < stateFull:
			return fail(look, "%d MiB free at %s", free>>20, dir)
		case free < stateLow:
			return warn(look, "%d MiB free at %s", free>>20, dir)
		}
		return ok("%d GiB free at %s", free>>30, dir)
	}},
	{"clock", "config", "the clock is synchronised: expiry, access times and second factors go by it", func(f *Facts) verdict {
		const mend = "apt install systemd-timesyncd && timedatectl set-ntp true"
		switch s := f.Settings; {
		case s.ClockUnset && s.Codes:
			return fail(mend, "nobody sets the clock, and second factors go by it")
		case s.ClockUnset:
			return warn(mend, "nobody sets the clock")
		}
		return ok("synchronised")
	}},
}

// open returns those of files that are not root's, or have a bit of others.
func open(files []File, others uint32) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return f.UID == 0 && f.Mode&others == 0 })
}
