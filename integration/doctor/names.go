package doctor

import (
	"slices"
	"strings"
	"time"
)

// namesPatience is how long the name of an account may take.
const namesPatience = time.Second

// namesChecks are about users and groups as the host sees them.
var namesChecks = []Check{
	{"nss-module", "names", "the module of the name service that accounts come from is installed", func(f *Facts) verdict {
		if !f.Names.Library {
			return fail("apt install libnss-"+f.Names.Service, "there is no libnss_%s.so.2", f.Names.Service)
		}
		return ok("libnss_%s.so.2", f.Names.Service)
	}},
	{"nsswitch", "names", "/etc/nsswitch.conf asks it for passwd, group and shadow", func(f *Facts) verdict {
		var bad []string
		for _, db := range []string{"passwd", "group", "shadow"} {
			if !slices.Contains(f.Names.Switch[db], f.Names.Service) {
				bad = append(bad, db)
			}
		}
		if bad != nil {
			return fail(`sed -i -E '/^(passwd|group|shadow):/{/\b`+f.Names.Service+`\b/!s/\s*$/ `+f.Names.Service+`/}' /etc/nsswitch.conf`,
				"/etc/nsswitch.conf does not ask %s for: %s", f.Names.Service, strings.Join(bad, ", "))
		}
		return ok("passwd, group and shadow ask %s", f.Names.Service)
	}},
	{"nss-account", "names", "the host finds an account of ours within a second", func(f *Facts) verdict {
		n := f.Names
		switch {
		case n.Account == "":
			return verdict{}
		case n.Answer != "":
			return fail("nscd --invalidate=passwd 2>/dev/null; getent -s "+quote(n.Service)+" passwd "+quote(n.Account), "getent passwd %s: %s", n.Account, n.Answer)
		case n.Duration > namesPatience:
			return warn("getent -s "+quote(n.Service)+" passwd "+quote(n.Account), "getent passwd %s took %s", n.Account, n.Duration.Round(time.Millisecond))
		}
		return ok("getent passwd %s: %s", n.Account, n.Duration.Round(time.Millisecond))
	}},
}

// pamChecks are about what decides on logins.
var pamChecks = []Check{
	{"pam-module", "pam", "every PAM module that our services name is installed", func(f *Facts) verdict {
		if f.PAM.Missing != "" {
			return fail(f.module(), "%s", f.PAM.Missing)
		}
		return ok("all modules are there")
	}},
	{"pam-abi", "pam", "the module is for this machine, complete, and root's", func(f *Facts) verdict {
		switch {
		case f.PAM.Missing != "":
			return verdict{}
		case f.PAM.Unfit != "":
			return fail(f.module(), "%s", f.PAM.Unfit)
		}
		return ok("pam_grantfs.so fits")
	}},
	{"pam-services", "pam", "the PAM services are as grantfs writes them", func(f *Facts) verdict {
		return installed(f, f.PAM.Services, Fail, "the PAM services", "/etc/pam.d/grantfs-sshd /etc/pam.d/grantfs-vsftpd", "pam")
	}},
}

// module returns what installs the PAM module.
func (f *Facts) module() string {
	if f.PAM.Built != "" {
		return "install -m 644 " + quote(f.PAM.Built, f.PAM.Library+"/pam_grantfs.so")
	}
	return "apt install --reinstall grantfs libpam-modules"
}

// installed judges files of `grantfs apply`. missing is how bad it is if they are
// not there.
func installed(f *Facts, s FileState, missing Level, what, files string, targets ...string) verdict {
	apply := f.command(append([]string{"apply", "--yes"}, targets...)...)
	switch s {
	case Missing:
		return verdict{missing, what + ": not installed", apply}
	case Stale:
		return warn(apply, "%s: not as this version writes it", what)
	case Edited:
		return warn("rm "+files+"; "+apply, "%s: edited since grantfs wrote it, or not written by grantfs", what)
	}
	return ok("%s: as grantfs writes it", what)
}
