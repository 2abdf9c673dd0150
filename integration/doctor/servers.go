package doctor

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// certificateWarning is how long before its end a certificate is complained about.
const certificateWarning = 14 * 24 * time.Hour

// sshdChecks are about the host's sshd.
var sshdChecks = []Check{
	{"sshd", "sshd", "OpenSSH is installed", func(f *Facts) verdict {
		if f.SSHD.Absent {
			return warn("apt install openssh-server", "there is no /usr/sbin/sshd: nobody can log in over SFTP")
		}
		return ok("%s", f.SSHD.Version)
	}},
	{"sshd-dropin", "sshd", "sshd has what grantfs apply sshd installs", ssh(func(f *Facts) verdict {
		return installed(f, f.SSHD.DropIn, Fail, "the drop-in and additions to units", "/etc/ssh/sshd_config.d/50-grantfs.conf", "pam", "sshd")
	})},
	{"sshd-config", "sshd", "sshd accepts its configuration, has UsePAM, includes the drop-in, and AllowGroups and DenyGroups let accounts in", ssh(func(f *Facts) verdict {
		if why := f.SSHD.Complaint; why != "" {
			return fail(mendSSHD(why), "%s", why)
		}
		return ok("sshd accepts it")
	})},
	{"sshd-match", "sshd", "an account of ours is confined to its view", matched(func(f *Facts) verdict {
		e := f.SSHD.Effective
		look := "grep -rniE 'ChrootDirectory|ForceCommand|AuthorizedKeysCommand' /etc/ssh/sshd_config /etc/ssh/sshd_config.d # what stands before 50-grantfs.conf wins: remove it"
		if f.SSHD.DropIn != Current {
			look = f.command("apply", "--yes", "pam", "sshd")
		}
		for _, want := range []struct{ key, has string }{
			{"chrootdirectory", f.Mount.Point + "/"}, {"forcecommand", "internal-sftp"}, {"authorizedkeyscommand", f.SSHD.KeysPath},
		} {
			if !strings.HasPrefix(e[want.key], want.has) {
				return fail(look, "for %s sshd has %s %q: the account is not confined by grantfs", f.SSHD.Account, want.key, e[want.key])
			}
		}
		return ok("%s is sent to %s", f.SSHD.Account, e["chrootdirectory"])
	})},
	{"sshd-keys", "sshd", "sshd can ask grantfs for keys", ssh(func(f *Facts) verdict {
		if f.SSHD.KeysProgram != "" {
			return fail(mendKeysProgram(f.SSHD), "no key lets anybody in: %s", f.SSHD.KeysProgram)
		}
		return ok("%s", f.SSHD.KeysPath)
	})},
	{"sshd-pam", "sshd", "the sshd that runs asks our PAM service", ssh(func(f *Facts) verdict {
		switch s := f.SSHD; {
		case !s.Listens:
			return warn("systemctl start ssh", "no sshd runs")
		case s.Knows || s.DropIn == Missing:
			return verdict{}
		case !s.AsService:
			return fail("systemctl daemon-reload && systemctl restart ssh", "the sshd that runs is not called %s: accounts can't log in", s.Service)
		}
		return ok("it runs as %s", f.SSHD.Service)
	})},
	{"sshd-subsystem", "sshd", "sshd has the subsystem sftp", matched(func(f *Facts) verdict {
		if !strings.HasPrefix(f.SSHD.Effective["subsystem"], "sftp ") {
			return fail("echo 'Subsystem sftp internal-sftp' > /etc/ssh/sshd_config.d/00-sftp.conf && systemctl reload ssh", "no subsystem sftp: clients are told that it failed")
		}
		return ok("%s", f.SSHD.Effective["subsystem"])
	})},
	{"sshd-startups", "sshd", "many can log in at once", matched(func(f *Facts) verdict {
		start, _, _ := strings.Cut(f.SSHD.Effective["maxstartups"], ":")
		if n, err := strconv.Atoi(start); err == nil && n < 50 {
			return warn("echo 'MaxStartups 200:30:400' > /etc/ssh/sshd_config.d/00-startups.conf && systemctl reload ssh",
				"MaxStartups %s: of more than %d logins that are under way some are dropped", f.SSHD.Effective["maxstartups"], n)
		}
		return ok("MaxStartups %s", f.SSHD.Effective["maxstartups"])
	})},
	{"sshd-dns", "sshd", "no login waits for a name server", matched(func(f *Facts) verdict {
		if f.SSHD.Effective["usedns"] != "no" {
			return warn("echo 'UseDNS no' > /etc/ssh/sshd_config.d/00-dns.conf && systemctl reload ssh", "UseDNS %s", f.SSHD.Effective["usedns"])
		}
		return ok("UseDNS no")
	})},
}

// ssh is a check for a host that has sshd.
func ssh(judge func(*Facts) verdict) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if f.SSHD.Absent {
			return verdict{}
		}
		return judge(f)
	}
}

// matched is a check of what sshd does with an account.
func matched(judge func(*Facts) verdict) func(*Facts) verdict {
	return ssh(func(f *Facts) verdict {
		if f.SSHD.Effective == nil {
			return verdict{}
		}
		return judge(f)
	})
}

// mendKeysProgram returns what makes grantfs a program that sshd runs.
func mendKeysProgram(s SSHD) string {
	above := []string{s.KeysPath}
	for dir := path.Dir(s.KeysPath); dir != "/"; dir = path.Dir(dir) {
		above = append(above, dir)
	}
	names := quote(above...)
	return fmt.Sprintf("test -e %[1]s || cp \"$(command -v grantfs)\" %[1]s; chown root:root %[2]s && chmod go-w,a+x %[2]s", quote(s.KeysPath), names)
}

// mendSSHD returns what mends what package sshd, or sshd, complains about.
func mendSSHD(why string) string {
	edit := func(script string) string {
		return "sed -i -E " + quote(script) + " /etc/ssh/sshd_config && systemctl restart ssh"
	}
	switch {
	case strings.Contains(why, "UsePAM no"):
		return edit(`s/^\s*UsePAM\s.*/UsePAM yes/I`)
	case strings.Contains(why, "does not include"):
		return edit(`1i Include /etc/ssh/sshd_config.d/*.conf`)
	case strings.Contains(why, "AllowGroups"):
		return edit(`s/^\s*AllowGroups\s.*/& grantfs/I`)
	case strings.Contains(why, "DenyGroups"):
		return edit(`s/^\s*DenyGroups\s.*/#&/I`)
	}
	return "/usr/sbin/sshd -t # names the file and the line: mend that"
}

// vsftpdChecks are about the vsftpd that serves views.
var vsftpdChecks = []Check{
	{"vsftpd", "vsftpd", "vsftpd is installed", func(f *Facts) verdict {
		if f.VSFTPD.Absent {
			return warn("apt install vsftpd", "there is no /usr/sbin/vsftpd: nobody can log in over FTPS")
		}
		return ok("/usr/sbin/vsftpd")
	}},
	{"vsftpd-config", "vsftpd", "vsftpd has what grantfs apply vsftpd installs", func(f *Facts) verdict {
		if f.VSFTPD.Absent {
			return verdict{}
		}
		return installed(f, f.VSFTPD.File, Warn, "the configuration and its unit", quote(f.VSFTPD.Path), "pam", "vsftpd")
	}},
	{"vsftpd-certificate", "vsftpd", "certificate and key can be read, belong together and are valid", ftp(func(f *Facts) verdict {
		v := f.VSFTPD
		renew := "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 397 -subj /CN=$(hostname -f) -keyout " +
			quote(v.Key) + " -out " + quote(v.Certificate) + " # or put a new one of your authority there"
		switch left := v.Expires.Sub(f.Now); {
		case v.Unreadable != "":
			return fail(renew, "%s", v.Unreadable)
		case left <= 0:
			return fail(renew, "%s has expired at %s", v.Certificate, v.Expires.Local().Format(time.DateTime))
		case left < certificateWarning:
			return warn(renew, "%s expires at %s", v.Certificate, v.Expires.Local().Format(time.DateTime))
		}
		return ok("%s, until %s", v.Certificate, v.Expires.Local().Format(time.DateOnly))
	})},
	{"vsftpd-seccomp", "vsftpd", "vsftpd's seccomp sandbox is off: it kills what OpenSSL 3 does", ftp(func(f *Facts) verdict {
		o, path := f.VSFTPD.Options, quote(f.VSFTPD.Path)
		if !strings.EqualFold(o["seccomp_sandbox"], "NO") {
			return fail("sed -i '/^seccomp_sandbox=/d; $a seccomp_sandbox=NO' "+path, "seccomp_sandbox is on: every session over TLS is killed")
		}
		return ok("seccomp_sandbox=NO")
	})},
	{"vsftpd-starts", "vsftpd", "vsftpd greets with this configuration", ftp(func(f *Facts) verdict {
		if f.VSFTPD.Complaint != "" {
			return fail("rm "+quote(f.VSFTPD.Path)+"; "+f.command("apply", "--yes", "pam", "vsftpd"), "%s", f.VSFTPD.Complaint)
		}
		return ok("it greets")
	})},
}

// ftp is a check for a host that has a vsftpd for views.
func ftp(judge func(*Facts) verdict) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if f.VSFTPD.Absent || f.VSFTPD.Options == nil {
			return verdict{}
		}
		return judge(f)
	}
}
